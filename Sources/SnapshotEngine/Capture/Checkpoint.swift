// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
public import SandboxModels
public import SnapshotProvider

import struct Foundation.Date

/// A capture that keeps the sandbox running: it is frozen only while it is read.
///
/// What the target loses after the thaw is not read again as if nothing had happened: the sandbox is frozen anew, and all of
/// it is one later instant.
public struct Checkpoint: Sendable {
    /// How often the sandbox is frozen at most.
    private static let mostFreezes = 3

    private let capture: RootfsCapture
    private let holders: HolderClient
    private let owner: String
    private let longestFreeze: Duration

    /// Creates a checkpoint.
    ///
    /// - Parameters:
    ///   - capture: How to copy.
    ///   - holders: Who holds the freeze.
    ///   - owner: Who freezes, for the freeze's record.
    ///   - longestFreeze: When the holder gives a freeze up, from its beginning on.
    public init(capture: RootfsCapture, holders: HolderClient, owner: String, longestFreeze: Duration) {
        self.capture = capture
        self.holders = holders
        self.owner = owner
        self.longestFreeze = longestFreeze
    }

    /// Captures. When this returns or throws nothing is frozen by it, but for the error `stillFrozen`.
    ///
    /// - Parameters:
    ///   - request: What to capture, to keep it running afterwards. Freezes are named after its uid.
    ///   - containers: The IDs of all containers of the pod, captured or not: they are frozen in one go.
    ///   - meter: Where it is told how far this is.
    /// - Returns: The artifact, complete and verified; its statistics tell how long the containers were frozen.
    /// - Throws: `CaptureError`, `ContainerdError`, `CancellationError`.
    public func run(
        _ request: SnapshotRequest,
        freezing containers: [String],
        meter: CaptureMeter
    ) async throws -> Artifact {
        let prepared = try await capture.prepare(request, meter: meter)
        let early = try await capture.copyEarly(prepared, meter: meter)
        var (attempt, frozen) = (1, Duration.zero)
        while true {
            try Task.checkCancellation()
            let held = holders.makeFreeze(id: Self.makeFreezeID(for: request.uid), owner: owner)
            do {
                var artifact = try await freeze(containers, by: held, toCopy: prepared, after: early, meter: meter)
                let progress = meter.current
                artifact.statistics = Artifact.Statistics(
                    frozenMilliseconds: Int64((frozen + (await held.frozenDuration)) / .milliseconds(1)),
                    bytesRead: progress.bytesRead,
                    bytesWritten: progress.bytesWritten
                )
                return artifact
            } catch let error as CaptureError where error.reason == .layerLost && attempt < Self.mostFreezes {
                frozen += await held.frozenDuration
                attempt += 1
                capture.logger.warning(
                    "a layer was lost after the thaw; the sandbox is frozen and read again",
                    metadata: ["uid": "\(request.uid)", "attempt": "\(attempt)", "error": "\(error)"]
                )
            }
        }
    }

    /// A name that no other freeze has: not one of a process that captures the same at the same time, and thaws.
    private static func makeFreezeID(for uid: String) -> String {
        let number = String(UInt64.random(in: 0 ... .max), radix: 16)
        return "\(uid.prefix(FreezeRecord.longestID - number.utf8.count - 1)).\(number)"
    }

    private func freeze(
        _ containers: [String],
        by held: HeldFreeze,
        toCopy prepared: PreparedCapture,
        after early: EarlyCopy,
        meter: CaptureMeter
    ) async throws -> Artifact {
        meter.enter(.freezing)
        let sandbox = prepared.request.source.sandbox
        do {
            try await held.freeze(containers, until: Date(timeIntervalSinceNow: longestFreeze / .seconds(1)))
        } catch let error as FreezeError {
            throw CaptureError(error, sandbox: sandbox)
        }
        do {
            return try await copy(prepared, after: early, while: held, meter: meter)
        } catch {
            try await thaw(held, sandbox)
            throw error
        }
    }

    /// Copies until the artifact is durable, or until the freeze has ended before everything was read: then going on would
    /// be useless.
    private func copy(
        _ prepared: PreparedCapture,
        after early: EarlyCopy,
        while held: HeldFreeze,
        meter: CaptureMeter
    ) async throws -> Artifact {
        let sandbox = prepared.request.source.sandbox
        return try await withThrowingTaskGroup(of: Artifact?.self) { group in
            let isRead = Latch()
            defer { group.cancelAll() }
            group.addTask {
                try await capture.copy(prepared, after: early, meter: meter) {
                    do {
                        try await held.checkHeld()
                    } catch FreezeError.holderLost {
                        throw CaptureError(endedBy: .holderLost, sandbox: sandbox)
                    } catch is FreezeError {
                        throw CaptureError(endedBy: await held.end, sandbox: sandbox)
                    }
                    isRead.open()
                    try await thaw(held, sandbox)
                }
            }
            group.addTask {
                // Returns when the freeze is over, or when it is cancelled above.
                await held.run()
                return nil
            }
            while let artifact = try await group.next() {
                if let artifact { return artifact }
                guard isRead.isOpen else {
                    try Task.checkCancellation()
                    throw CaptureError(endedBy: await held.end, sandbox: sandbox)
                }
            }
            throw CancellationError()
        }
    }

    private func thaw(_ held: HeldFreeze, _ sandbox: String) async throws {
        do {
            try await held.thaw()
        } catch is CancellationError {
            throw CaptureError(
                .stillFrozen,
                "containerd does not thaw the sandbox \(sandbox) now; the holder of the freeze goes on trying"
            )
        }
    }
}
