// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SnapshotProvider

extension CaptureError {
    /// What an error of the filesystem walk means for a capture.
    init(_ error: RootfsError, container: String) {
        let reason: Reason =
            switch error {
            case .malformedMount, .notOverlay, .unsuitable: .unsupportedFilesystem
            case .notPermitted: .notPermitted
            case .reservedName, .notStorable, .tooLarge: .unrepresentableFile
            case .changed: .freezeLost
            case .system, .compression, .unfinished: .readFailed
            }
        self.init(reason, "the filesystem of container \(container) cannot be captured", cause: error)
    }

    /// What an error of the holder of the freeze means for a capture.
    init(_ error: FreezeError, sandbox: String) {
        switch error {
        case .notRunning:
            self.init(.containerGone, "the sandbox \(sandbox) does not run any more", cause: error)
        case .holderLost:
            self.init(endedBy: .holderLost, sandbox: sandbox)
        default:
            self.init(.freezeFailed, "the sandbox \(sandbox) could not be frozen", cause: error)
        }
    }

    /// What the end of a freeze means for a capture that was not complete.
    init(endedBy end: FreezeEnd?, sandbox: String) {
        switch end {
        case .holderLost:
            self.init(
                .freezeLost,
                "the process that held the freeze ended before the snapshot of \(sandbox) was complete, so the sandbox runs "
                    + "on; try again"
            )
        case .deadline, .thawed, .killed, nil:
            self.init(
                .freezeLost,
                "the deadline of the freeze passed before the snapshot of \(sandbox) was complete, so the sandbox runs on; "
                    + "look for a slow or unreachable store"
            )
        }
    }

    /// What an error of containerd means for a capture: gone, or containerd itself cannot be asked.
    init(_ error: ContainerdError, gone reason: Reason, _ message: String) {
        if error.isNotFound {
            self.init(reason, message, cause: error)
        } else {
            self.init(.runtimeUnavailable, "containerd could not be asked about the sandbox; try again", cause: error)
        }
    }

    /// Runs `body` and says of which container its errors are.
    static func wrapping<Value>(
        _ container: PreparedContainer,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Value
    ) async throws -> Value {
        try await wrapping(container.container, .targetUnavailable, body)
    }

    /// Runs `body` and says of which container its errors are, and what they mean if they do not say so themselves.
    static func wrapping<Value>(
        _ container: SnapshotContainer,
        _ reason: Reason,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let error as CaptureError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch let error as RootfsError {
            throw CaptureError(error, container: container.name)
        } catch {
            let message =
                switch reason {
                case .targetUnavailable: "the snapshot of container \(container.name) cannot be stored"
                case .baseImageUnavailable: "the image of container \(container.name) cannot be read"
                default: "container \(container.name) cannot be captured"
                }
            throw CaptureError(reason, message, cause: error)
        }
    }
}
