// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
public import SandboxModels
public import SnapshotProvider

import struct Foundation.Date

/// A capture that leaves the sandbox frozen, in the hands of a holder that listens (`ListeningHolder`): the first half of a
/// pause. Whoever releases or thaws the sandbox asks the holder (`FreezeControl`).
public struct HeldCapture: Sendable {
    private let capture: RootfsCapture
    private let holders: HolderClient
    private let owner: String
    private let longestFreeze: Duration?

    /// Creates a capture.
    ///
    /// - Parameters:
    ///   - capture: How to copy.
    ///   - holders: Who holds the freeze; a client of a holder that listens.
    ///   - owner: Who freezes, for the freeze's record.
    ///   - longestFreeze: After what time the freeze is given up even before the date in the request; nil if only that counts.
    public init(capture: RootfsCapture, holders: HolderClient, owner: String, longestFreeze: Duration? = nil) {
        self.capture = capture
        self.holders = holders
        self.owner = owner
        self.longestFreeze = longestFreeze
    }

    /// Captures. When this returns, the sandbox is frozen since before it was read and the holder has it. When this throws,
    /// nothing is frozen by it, but for the error `stillFrozen`.
    ///
    /// - Parameters:
    ///   - request: What to capture, and until when it is held afterwards. The freeze has its uid as its ID.
    ///   - containers: The IDs of all containers of the pod, captured or not: they are frozen in one go.
    ///   - meter: Where it is told how far this is.
    /// - Returns: The artifact, complete and verified; its statistics tell for how long the containers had been frozen then.
    /// - Throws: `CaptureError`, `ContainerdError`, `CancellationError`.
    public func run(
        _ request: SnapshotRequest,
        freezing containers: [String],
        meter: CaptureMeter
    ) async throws -> Artifact {
        let sandbox = request.source.sandbox
        guard case .holdFrozen(let deadline) = request.afterwards else {
            throw CaptureError(
                .invalidRequest,
                "the sandbox \(sandbox) is to run on, so its freeze is not left to a holder"
            )
        }
        let prepared = try await capture.prepare(request, meter: meter)
        let early = try await capture.copyEarly(prepared, meter: meter)
        try Task.checkCancellation()
        meter.enter(.freezing)
        let held = holders.makeFreeze(id: request.uid, owner: owner)
        do {
            let limit = longestFreeze.map { Date(timeIntervalSinceNow: $0 / .seconds(1)) }
            try await held.freeze(containers, until: min(deadline, limit ?? deadline))
        } catch let error as FreezeError {
            throw CaptureError(error, sandbox: sandbox)
        }
        do {
            var artifact = try await copy(prepared, after: early, while: held, meter: meter)
            let progress = meter.current
            artifact.statistics = Artifact.Statistics(
                frozenMilliseconds: Int64((await held.frozenDuration) / .milliseconds(1)),
                bytesRead: progress.bytesRead,
                bytesWritten: progress.bytesWritten
            )
            try await keep(held, artifact)
            return artifact
        } catch {
            try await thaw(held, sandbox)
            throw error
        }
    }

    /// Copies until the artifact is durable, or until the freeze has ended before that: then going on would be useless.
    private func copy(
        _ prepared: PreparedCapture,
        after early: EarlyCopy,
        while held: HeldFreeze,
        meter: CaptureMeter
    ) async throws -> Artifact {
        try await withThrowingTaskGroup(of: Artifact?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await capture.copy(prepared, after: early, meter: meter) }
            group.addTask {
                await held.waitUntilOver()
                return nil
            }
            guard let artifact = try await group.next() ?? nil else {
                try Task.checkCancellation()
                throw CaptureError(endedBy: await held.end, sandbox: prepared.request.source.sandbox)
            }
            return artifact
        }
    }

    /// Leaves the freeze to the holder, who says so only if it has lasted up to now. Then everything is said and done.
    private func keep(_ held: HeldFreeze, _ artifact: Artifact) async throws {
        try Task.checkCancellation()
        do {
            try await held.keep(captured: artifact.parts.map(\.digest))
        } catch FreezeError.holderLost {
            throw CaptureError(endedBy: .holderLost, sandbox: held.owner)
        } catch is FreezeError {
            throw CaptureError(endedBy: await held.end, sandbox: held.owner)
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
