// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine
import SnapshotProvider
import SnapshotStore

import struct Foundation.UUID

/// The snapshots that owners asked for: taken, kept, and deleted.
///
/// A row is written before what it tells of is begun. What is in memory besides the rows is lost with the process; then a
/// snapshot that was being taken has failed, and what it may have stored is deleted.
actor SnapshotLibrary {
    let store: SnapshotStore
    let world: SandboxWorld
    let logger: Logger
    /// What is persisted, as it is persisted.
    var rows: [String: SnapshotRow]
    /// The snapshots that an earlier process was taking.
    let interrupted: Set<String>
    /// One change of a row at a time.
    let turns = KeyedLocks()
    /// Wakes those who look after a capture, by its uid.
    private var changes: [String: WakeSignal] = [:]
    /// Wakes those who wait for the end of a capture.
    private var settlers: [WakeSignal] = []
    /// Wakes whoever cleans up.
    let untidy = WakeSignal()
    private let queue: AsyncStream<Capture>
    private let begin: AsyncStream<Capture>.Continuation

    /// A snapshot that is to be taken.
    private struct Capture: Sendable {
        var request: SnapshotRequest
        var source: SandboxRunner
        /// Whether the sandbox ends when this is ready.
        var endsSource: Bool
    }

    /// How many snapshots may wait to be begun.
    private static let waitingCaptures = 1024

    /// Creates a library of what the store has.
    init(
        rows: [SnapshotRow],
        store: SnapshotStore,
        world: SandboxWorld,
        logger: Logger
    ) {
        self.rows = Dictionary(rows.map { ($0.id, $0) }) { first, _ in first }
        interrupted = Set(rows.filter { $0.status.state == .creating }.map(\.id))
        self.store = store
        self.world = world
        self.logger = logger
        (queue, begin) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.waitingCaptures))
    }

    /// Takes snapshots and cleans up until cancelled. Those that are being taken then are found failed after the next
    /// start.
    func run() async {
        await failInterrupted()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepTidy() }
            for await capture in queue {
                group.addTask { await self.take(capture) }
            }
            group.cancelAll()
        }
    }

    // MARK: - Asking

    /// Begins to take a snapshot. It is answered at once; its status tells how it goes on.
    ///
    /// - Throws: `SandboxError` with `snapshotSourceNotRunning`; what the database threw.
    func create(of source: SandboxRunner, _ options: SnapshotOptions) async throws -> Snapshot {
        let id = UUID().uuidString.lowercased()
        let request = try await source.beginSnapshot(id)
        let now = world.now()
        let row = SnapshotRow(
            id: id,
            sandboxID: source.id,
            name: options.name,
            status: SnapshotStatus(state: .creating, reason: SnapshotReason.accepted, lastTransitionAt: now),
            createdAt: now,
            unfinished: request.source.containers.first?.target,
            owner: options.owner,
            source: await source.row.spec,
            timeToLive: options.timeToLive,
            isInternal: options.isInternal ? true : nil
        )
        let capture = Capture(request: request, source: source, endsSource: !options.keepRunning)
        do {
            try await store.insert(row)
            rows[id] = row
            guard case .enqueued = begin.yield(capture) else {
                rows[id] = nil
                try await store.remove(id)
                throw SandboxError(.runtimeUnavailable, "too many snapshots wait to be taken; try again")
            }
        } catch {
            await source.endSnapshot(id)
            throw error
        }
        return row.snapshot
    }

    /// One snapshot as it is now.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound`, also for one that is being deleted.
    func row(_ id: String) throws(SandboxError) -> SnapshotRow {
        guard let row = rows[id], row.status.state != .deleting else {
            throw SandboxError(.snapshotNotFound, "there is no snapshot \(id)")
        }
        return row
    }

    /// A snapshot that is not being taken any more, or as it is at the deadline.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound`; `CancellationError`.
    func settled(_ id: String, deadline: ContinuousClock.Instant) async throws -> SnapshotRow {
        let signal = WakeSignal()
        settlers.append(signal)
        defer { settlers.removeAll { $0 === signal } }
        while true {
            let row = try row(id)
            guard row.status.state == .creating, ContinuousClock.now < deadline else { return row }
            await signal.wait(until: deadline)
            try Task.checkCancellation()
        }
    }

    /// All snapshots that are not being deleted and not only a means of the server's, in any order.
    var snapshots: [Snapshot] {
        rows.values.filter { $0.status.state != .deleting && $0.isInternal != true }.map(\.snapshot)
    }

    /// Deletes a snapshot. For its owner it is gone at once; its image follows when nothing refers to it.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound` or `snapshotBusy`; what the database threw.
    func delete(_ id: String) async throws {
        try await turns.withLock(id) {
            var row = try row(id)
            guard row.status.state != .creating else {
                throw SandboxError(
                    .snapshotBusy,
                    "the snapshot \(id) is still being taken and cannot be deleted: ask again when it is ready or failed"
                )
            }
            row.enter(.deleting, SnapshotReason.deleteRequested, at: world.now())
            try await store.update(row)
            rows[id] = row
        }
        untidy.signal()
    }

    /// Runs `body` with the image of a snapshot, which is not deleted meanwhile.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound` or `snapshotNotReady`; what `body` throws.
    func withImage<Result: Sendable>(
        of id: String,
        _ body: @Sendable (ImageLocation) async throws -> Result
    ) async throws -> Result {
        let part = try readyPart(of: id)
        await world.retention.pin(part.digest)
        do {
            // It may have been deleted before it was pinned.
            _ = try readyPart(of: id)
            let result = try await body(try part.restoreLocation())
            await unpin(part.digest)
            return result
        } catch {
            await unpin(part.digest)
            throw error
        }
    }

    private func unpin(_ digest: String) async {
        await world.retention.unpin(digest)
        untidy.signal()
    }

    private func readyPart(of id: String) throws(SandboxError) -> Artifact.Part {
        let row = try row(id)
        guard row.status.state == .ready, let part = row.artifact?.parts.first else {
            throw SandboxError(
                .snapshotNotReady,
                "the snapshot \(id) is \(row.status.state.rawValue), so nothing can be created from it"
            )
        }
        return part
    }

    // MARK: - Taking

    /// Makes whoever looks after a capture look again; false if it is none of a snapshot.
    func captureChanged(_ uid: String) -> Bool {
        guard let signal = changes[uid] else { return rows[uid] != nil }
        signal.signal()
        return true
    }

    private func take(_ capture: Capture) async {
        let id = capture.request.uid
        let signal = WakeSignal()
        changes[id] = signal
        defer { changes[id] = nil }
        guard let outcome = await outcome(of: capture.request, signal) else { return }
        // Nobody who reads that it is ready is to be told afterwards that it is still being taken.
        while case .waiting = await world.provider.forget(uid: id) {
            if Task.isCancelled { return }
            await signal.wait()
        }
        await capture.source.endSnapshot(id)
        if capture.endsSource, case .success = outcome {
            do {
                try await capture.source.state(.delete, api: .e2b)
            } catch {
                logger.warning(
                    "a sandbox that was to end with its snapshot runs on",
                    metadata: ["snapshot": "\(id)", "sandbox": "\(capture.source.id)", "error": "\(error)"]
                )
            }
        }
        await record(outcome, of: id)
    }

    /// What came of a capture; nil if this process is to end before.
    private func outcome(
        of request: SnapshotRequest,
        _ signal: WakeSignal
    ) async -> Result<Artifact, SnapshotFailure>? {
        while !Task.isCancelled {
            switch await world.provider.capture(request) {
            case .done(let artifact): return .success(artifact)
            case .failed(let failure):
                // A capture that was cancelled with this process is found failed after the next start.
                return Task.isCancelled ? nil : .failure(failure)
            case .waiting: await signal.wait()
            }
        }
        return nil
    }

    private func record(_ outcome: Result<Artifact, SnapshotFailure>, of id: String) async {
        guard var row = rows[id] else { return }
        switch outcome {
        case .success(let artifact):
            row.artifact = artifact
            row.unfinished = nil
            row.enter(.ready, SnapshotReason.ready, at: world.now())
        case .failure(let failure):
            row.enter(.failed, failure.reason, failure.message, at: world.now())
        }
        logger.info("snapshot", metadata: ["snapshot": "\(id)", "state": "\(row.status.state.rawValue)"])
        await persist(row)
        for settler in settlers { settler.signal() }
        untidy.signal()
    }

    /// Writes a row down, as often as it takes, until the task is cancelled.
    func persist(_ row: SnapshotRow) async {
        while !Task.isCancelled {
            do {
                try await store.update(row)
                rows[row.id] = row
                return
            } catch {
                logger.error("cannot write a snapshot's state; will try again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: world.retryDelay)
            }
        }
    }
}
