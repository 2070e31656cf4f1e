// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
public import SandboxModels
public import SnapshotProvider
import Synchronization

import struct Foundation.Date

/// How far one capture is, and what its freeze is like.
public struct CaptureState: Sendable {
    /// What became of the copy.
    public var progress: Observation.Capture.Progress
    /// What became of the freeze.
    public var hold: Observation.Capture.Hold
    /// Stage and bytes.
    public var meter: SnapshotProgress
}

/// One capture from its beginning to the end of its freeze.
final class RunningCapture: Sendable {
    /// How long a checkpoint may keep the sandbox frozen while it is read.
    private static let longestCheckpointFreeze = Duration.seconds(600)

    let request: SnapshotRequest
    private let capture: RootfsCapture
    private let holders: HolderClient
    private let owner: String
    /// The freeze that is held, if it is to be held: a checkpoint has its own.
    private let held: HeldFreeze
    private let logger: Logger
    private let changed: @Sendable () async -> Void
    private let meter = CaptureMeter()
    private let life = Mutex(Life())
    /// Ends `run`, with whatever thawing that takes.
    private let end = Latch()
    /// Opened when the freeze has ended: thawed, or sealed and killed.
    private let unfrozen = Latch()
    /// Opened when nothing of it is being done any more.
    private let over = Latch()

    private struct Life {
        var progress = Observation.Capture.Progress.active
        var hold = Observation.Capture.Hold.unknown
        var failure: SnapshotFailure?
        /// Whether the holder goes on alone to thaw.
        var isLeftFrozen = false
    }

    init(
        request: SnapshotRequest,
        capture: RootfsCapture,
        holders: HolderClient,
        logger: Logger,
        changed: @escaping @Sendable () async -> Void
    ) {
        self.request = request
        self.capture = capture
        self.holders = holders
        self.owner = request.source.sandbox
        self.held = holders.makeFreeze(id: request.uid, owner: owner)
        self.logger = logger
        self.changed = changed
    }

    var state: CaptureState {
        let (progress, hold) = life.withLock { ($0.progress, $0.hold) }
        return CaptureState(progress: progress, hold: hold, meter: meter.current)
    }

    /// Whether nothing of it is being done any more.
    var isOver: Bool { over.isOpen }

    /// Returns when nothing of it is being done any more, or when the task is cancelled.
    func waitUntilOver() async { await over.wait() }

    /// The answer to "how far is it".
    var step: Step<Artifact> {
        let (progress, failure) = life.withLock { ($0.progress, $0.failure) }
        switch progress {
        case .none, .active: return .waiting(meter.current, wakeOn: [])
        case .succeeded(let artifact): return .done(artifact)
        case .failed(let problem): return .failed(failure ?? SnapshotFailure(problem.reason, problem.message))
        }
    }

    /// Captures, then keeps the freeze until it is over: thawed, or sealed and killed. If it is given up, or the task is
    /// cancelled, nothing stays frozen but what was sealed.
    func run() async {
        await RequestID.$current.withValue(request.requestID.flatMap { RequestID(nearest: $0) }) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.captureAndHold() }
                group.addTask { await self.end.wait() }
                await group.next()
                group.cancelAll()
            }
            await endFreeze()
        }
        over.open()
    }

    private func endFreeze() async {
        do {
            if life.withLock({ $0.isLeftFrozen }) { throw CancellationError() }
            try await held.thaw()
            life.withLock { $0.hold = .thawed }
        } catch FreezeError.sealed {
            life.withLock { $0.hold = .sealed }
        } catch {
            logger.warning(
                "containerd does not thaw now; the holder of the freeze goes on alone",
                metadata: ["uid": "\(request.uid)"]
            )
        }
    }

    /// Asks for the point of no return.
    func seal() async -> Step<Sealed> {
        do {
            let outcome = try await held.seal()
            life.withLock { $0.hold = outcome == .sealed ? .sealed : .thawed }
            if outcome == .sealed { return .done(Sealed()) }
        } catch {
            logger.warning("cannot seal yet", metadata: ["uid": "\(request.uid)", "error": "\(error)"])
            return .failed(SnapshotFailure("NotSealed", "the freeze could not be sealed: \(error)", isRetryable: true))
        }
        return .failed(SnapshotFailure("FreezeLost", "the sandbox was thawed before its pause was complete"))
    }

    /// Kills what is frozen, once sealed; done already if it is not frozen by this capture any more.
    func kill() async throws {
        guard life.withLock({ $0.hold == .sealed }) else { return }
        try await held.kill()
    }

    /// Gives the capture up. `run` then thaws.
    func abandon() {
        end.open()
    }

    private func captureAndHold() async {
        do {
            switch request.afterwards {
            case .keepRunning: try await checkpoint()
            case .holdFrozen(let until): try await captureAndHold(until: until)
            }
        } catch {
            fail(error)
        }
    }

    private func checkpoint() async throws {
        let checkpoint = Checkpoint(
            capture: capture,
            holders: holders,
            owner: owner,
            longestFreeze: Self.longestCheckpointFreeze
        )
        let containers = request.source.containers.map(\.id)
        let artifact = try await checkpoint.run(request, freezing: containers, meter: meter)
        life.withLock { $0.progress = .succeeded(artifact) }
    }

    private func captureAndHold(until deadline: Date) async throws {
        let prepared = try await capture.prepare(request, meter: meter)
        let early = try await capture.copyEarly(prepared, meter: meter)
        try Task.checkCancellation()
        meter.enter(.freezing)
        try await freeze(until: deadline)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.held.run()
                self.unfrozen.open()
            }
            do {
                try await copy(prepared, after: early)
                await changed()
            } catch {
                fail(error)
                // Makes the holder thaw.
                group.cancelAll()
            }
        }
    }

    private func freeze(until deadline: Date) async throws {
        do {
            try await held.freeze(request.source.containers.map(\.id), until: deadline)
        } catch let error as FreezeError {
            throw CaptureError(error, sandbox: request.source.sandbox)
        }
        life.withLock { $0.hold = .held }
    }

    /// Copies what is frozen, and tells how that went.
    private func copy(_ prepared: PreparedCapture, after early: EarlyCopy) async throws {
        var artifact = try await copyWhileFrozen(prepared, after: early)
        let progress = meter.current
        artifact.statistics = Artifact.Statistics(
            frozenMilliseconds: Int64(await held.frozenDuration / .milliseconds(1)),
            bytesRead: progress.bytesRead,
            bytesWritten: progress.bytesWritten
        )
        life.withLock { [artifact] in $0.progress = .succeeded(artifact) }
    }

    /// Copies until the artifact is durable, or until the freeze has ended before that: then going on would be useless.
    private func copyWhileFrozen(_ prepared: PreparedCapture, after early: EarlyCopy) async throws -> Artifact {
        try await withThrowingTaskGroup(of: Artifact?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await self.capture.copy(prepared, after: early, meter: self.meter) }
            group.addTask {
                await self.unfrozen.wait()
                return nil
            }
            guard let artifact = try await group.next() ?? nil else {
                try Task.checkCancellation()
                throw CaptureError(endedBy: await held.end, sandbox: request.source.sandbox)
            }
            return artifact
        }
    }

    private func fail(_ error: any Error) {
        let failure = RootfsProvider.failure(error)
        logger.warning("capture failed", metadata: ["uid": "\(request.uid)", "error": "\(failure)"])
        life.withLock { life in
            life.failure = failure
            life.isLeftFrozen = (error as? CaptureError)?.reason == .stillFrozen
            life.progress = .failed(Problem(failure.reason, failure.message))
        }
    }
}
