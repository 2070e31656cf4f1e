// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import OCIRegistry
public import Provenance
public import SandboxModels
public import SnapshotProvider
import SnapshotStore

import struct Foundation.Date

/// The built-in provider `oci-rootfs`, working in this process on this machine's containerd.
///
/// Captures are carried out by `run`; the steps of the protocol only look at how far they are. What is in memory here is
/// lost with the process: whoever begins after it ends its freezes first (`FreezeRecovery`), so that a capture which
/// this provider does not know holds nothing frozen, unless it was sealed.
public actor RootfsProvider: SnapshotProvider {
    /// `oci-rootfs`.
    public nonisolated let name = RootfsCapture.providerName
    let capture: RootfsCapture
    let store: ArtifactStore
    private let holders: HolderClient
    let logger: Logger
    private let changed: @Sendable (String) async -> Void
    private var captures: [String: RunningCapture] = [:]
    private let queue: AsyncStream<RunningCapture>
    private let begin: AsyncStream<RunningCapture>.Continuation

    /// How many captures may wait to be begun.
    private static let waitingCaptures = 1024

    /// Creates a provider.
    ///
    /// - Parameters:
    ///   - capture: How to copy.
    ///   - holders: Who holds the freezes.
    ///   - provenance: What is demanded of an artifact before a restore; nil for nothing.
    ///   - logger: Where remarks go.
    ///   - changed: Called with the uid of a capture that has ended, or whose freeze has.
    public init(
        capture: RootfsCapture,
        holders: HolderClient,
        provenance: ProvenancePolicy? = nil,
        logger: Logger,
        changed: @escaping @Sendable (String) async -> Void
    ) {
        self.capture = capture
        self.store = ArtifactStore(repositories: capture.repositories, provenance: provenance, logger: logger)
        self.holders = holders
        self.logger = logger
        self.changed = changed
        (queue, begin) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.waitingCaptures))
    }

    /// What this provider can do.
    public nonisolated var capabilities: ProviderCapabilities {
        ProviderCapabilities(
            contents: .filesystem,
            canKeepRunning: true,
            canHoldFrozen: true,
            isPortable: true,
            isIncremental: true,
            isPerContainer: true
        )
    }

    /// Carries out captures until cancelled; those in flight are then given up and thawed.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for await capture in queue {
                group.addTask {
                    await capture.run()
                    await self.changed(capture.request.uid)
                }
            }
            group.cancelAll()
        }
    }

    /// How far a capture is; nil if this process did not begin it.
    public func state(of uid: String) -> CaptureState? {
        captures[uid]?.state
    }

    // MARK: - The steps

    /// Finds out whether the containers can be captured. Nothing is frozen.
    public func preflight(_ request: SnapshotRequest) async throws(SnapshotFailure) {
        do {
            _ = try await capture.prepare(request, compacts: false, meter: CaptureMeter())
        } catch {
            throw Self.failure(error)
        }
    }

    /// Begins the capture, or tells how far it is.
    public func capture(_ request: SnapshotRequest) async -> Step<Artifact> {
        let running: RunningCapture
        if let known = captures[request.uid] {
            running = known
        } else {
            let changed = changed
            running = RunningCapture(
                request: request,
                capture: capture,
                holders: holders,
                logger: logger
            ) {
                await changed(request.uid)
            }
            guard case .enqueued = begin.yield(running) else {
                return .failed(
                    SnapshotFailure("TooManyCaptures", "too many captures are waiting; try again", isRetryable: true)
                )
            }
            captures[request.uid] = running
        }
        return running.step
    }

    /// Asks the holder for the point of no return.
    public func seal(_ request: SnapshotRequest) async -> Step<Sealed> {
        await seal(uid: request.uid)
    }

    /// Asks the holder for the point of no return.
    public func seal(uid: String) async -> Step<Sealed> {
        guard let running = captures[uid] else {
            return .failed(SnapshotFailure("FreezeLost", "the process that held the freeze is gone"))
        }
        return await running.seal()
    }

    /// Ends the capture and its freeze.
    public func abandon(_ request: SnapshotRequest) async -> Step<Abandoned> {
        await abandon(uid: request.uid)
    }

    /// Ends the capture and its freeze.
    public func abandon(uid: String) async -> Step<Abandoned> {
        guard let running = captures[uid] else { return .done(Abandoned()) }
        running.abandon()
        switch running.state.hold {
        case .thawed: return .done(Abandoned())
        case .sealed: return .failed(SnapshotFailure("Sealed", "the freeze of \(uid) is sealed and is never thawed"))
        case .unknown, .held: return .waiting(running.state.meter, wakeOn: [])
        }
    }

    /// Returns when nothing of a capture is being done any more, or when the task is cancelled: what `abandon` and
    /// `forget` wait for.
    public func waitUntilOver(uid: String) async {
        await captures[uid]?.waitUntilOver()
    }

    /// Ends the processes of a sealed freeze while they are frozen.
    public func release(_ request: SnapshotRequest) async -> Step<Released> {
        do {
            try await release(uid: request.uid)
            return .done(Released())
        } catch {
            return .failed(Self.failure(error))
        }
    }

    /// Ends the processes of a sealed freeze while they are frozen.
    ///
    /// - Throws: `ContainerdError` or `FreezeError` if containerd did not do it; ask again.
    public func release(uid: String) async throws {
        guard let running = captures[uid] else { return try await killInherited(uid) }
        try await running.kill()
    }

    /// Kills what an earlier process had sealed and not killed.
    ///
    /// What was not sealed is none of this function's business: its container may be held by a later freeze by now.
    private func killInherited(_ uid: String) async throws {
        do {
            try await FreezeRecovery(client: capture.containerd).kill(uid)
        } catch FreezeError.notSealed {
            return
        }
    }

    /// Removes the traces of a capture.
    public func forget(_ request: SnapshotRequest) async -> Step<Forgotten> {
        await forget(uid: request.uid)
    }

    /// Removes the traces of a capture.
    public func forget(uid: String) async -> Step<Forgotten> {
        guard let running = captures[uid] else {
            do {
                try await killInherited(uid)
                return .done(Forgotten())
            } catch {
                return .failed(Self.failure(error))
            }
        }
        do {
            try await running.kill()
        } catch {
            return .failed(Self.failure(error))
        }
        running.abandon()
        guard running.isOver else { return .waiting(running.state.meter, wakeOn: []) }
        captures[uid] = nil
        return .done(Forgotten())
    }

    /// Asks the store for every manifest and blob of an artifact. The namespace says nothing here.
    public func verify(_ artifact: Artifact, in namespace: String = "") async -> Step<Verified> {
        do {
            return .done(Verified(remarks: try await store.verify(artifact)))
        } catch {
            return .failed(Self.failure(error))
        }
    }

    /// Deletes the manifests of an artifact. What a registry does not delete stays there and is no failure.
    public func delete(_ artifact: Artifact, in namespace: String = "") async -> Step<Deleted> {
        do {
            try await store.delete(artifact)
            return .done(Deleted())
        } catch {
            return .failed(Self.failure(error))
        }
    }

    /// The images to start from, by digest.
    public nonisolated func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch {
        try TemplatePatch(startingFrom: artifact)
    }

    static func failure(_ error: any Error) -> SnapshotFailure {
        switch error {
        case let failure as SnapshotFailure: failure
        case let error as CaptureError: error.failure
        case let error as ArtifactStoreError: error.failure
        case is CancellationError:
            SnapshotFailure("Cancelled", "the capture was given up before it was complete", isRetryable: true)
        case let error as ContainerdError:
            CaptureError(.runtimeUnavailable, "containerd did not do what the capture needs", cause: error).failure
        default: SnapshotFailure("CaptureFailed", "\(error)", isRetryable: true)
        }
    }
}
