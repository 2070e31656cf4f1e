// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
import Logging
public import SandboxModels

import struct Foundation.Date

/// Snapshots of sandboxes that run on, as `Checkpoint`s. What their controller makes beside them, a `SandboxTemplate` of the same
/// name, is what sandboxes are created from.
extension KruiseRuntime {
    /// Begins to take a snapshot of a running sandbox. The snapshot's status tells what becomes of it.
    ///
    /// - Throws: `SandboxError` with `notFound`, `snapshotSourceNotRunning` or `runtimeUnavailable`.
    public func createSnapshot(of id: String, name: String?) async throws -> Snapshot {
        try await createSnapshot(of: id, options: SnapshotOptions(name: name))
    }

    /// Begins to take a snapshot of a running sandbox.
    ///
    /// - Throws: `SandboxError` with `notFound`, `snapshotSourceNotRunning`, `invalidParameter` or `runtimeUnavailable`.
    public func createSnapshot(of id: String, options: SnapshotOptions) async throws -> Snapshot {
        var entry = try await entry(id)
        if entry.sandbox.status.state != .running || !entry.object.isReady {
            try await objects.refresh(entry, "look at the sandbox")
            entry = try await self.entry(id)
        }
        guard !entry.sandbox.isOver(at: now()), entry.object.metadata.deletionTimestamp == nil else {
            throw SandboxError.noSandbox(id)
        }
        guard entry.sandbox.status.state == .running, entry.object.isReady else {
            throw SandboxError(
                .snapshotSourceNotRunning,
                "A snapshot is taken of a sandbox that runs; '\(id)' is \(entry.sandbox.status.state.rawValue)."
            )
        }
        let asked = Self.checkpoint(of: entry.object, id: id, options)
        return Snapshot(try await telling("create the snapshot") { try await checkpoints.create(asked) })
    }

    /// The object that is asked for.
    static func checkpoint(of sandbox: KruiseSandbox, id: String, _ options: SnapshotOptions) -> KruiseCheckpoint {
        let name = sandbox.metadata.name
        return .with {
            // It is a label, too, and the beginning of other names.
            $0.metadata.name = "\(name.prefix(54).trimmed)-\(SandboxIdentity.suffix())"
            if NameRule.labelValue.allows(name) { $0.metadata.labels[Kruise.Label.sandboxName] = name }
            if let owner = options.owner {
                $0.metadata.annotations[Kruise.Annotation.owner] = owner
                if NameRule.labelValue.allows(owner) { $0.metadata.labels[Kruise.Label.owner] = owner }
            }
            $0.metadata.annotations[Kruise.Annotation.sandboxID] = id
            $0.metadata.annotations[OpenSandbox.Annotation.requestID] = RequestID.current?.text
            $0.metadata.annotations[Kruise.Annotation.initRuntimeRequest] =
                sandbox.metadata.annotations[Kruise.Annotation.initRuntimeRequest]
            $0.metadata.annotations[OpenSandbox.Annotation.snapshotName] = options.name
            $0.metadata.annotations[Kruise.Annotation.internalSnapshot] = options.isInternal ? "true" : nil
            $0.spec.podName = name
            $0.spec.keepRunning = options.keepRunning
            $0.spec.ttlAfterFinished = options.timeToLive.map { GoDuration(.seconds($0)).description }
            let asked = options.contents.sorted().map { KruiseContent(rawValue: $0) }
            $0.spec.persistentContents = asked.isEmpty ? sandbox.spec.persistentContents.filter { $0 != .ip } : asked
        }
    }

    /// One snapshot as it is now, whether its sandbox still exists or not.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound` or `runtimeUnavailable`.
    public func snapshot(_ id: String) async throws -> Snapshot {
        guard let object = try await checkpoint(id) else { throw SandboxError.noSnapshot(id) }
        return Snapshot(object)
    }

    /// All snapshots but those that are only a means of a server's, newest first.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable`.
    public func snapshots() async throws -> [Snapshot] {
        try await objects.waitUntilSynced()
        return checkpointInformer.store.objects.map { Snapshot($0) }.filter { !$0.isInternal }
            .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
    }

    /// A snapshot once it is ready or has failed, or as it is when the time is over. One that has failed is deleted when that has been
    /// told: nobody would ever do it.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound`, also when it goes meanwhile, or `runtimeUnavailable`.
    public func settledSnapshot(_ id: String, within limit: Duration) async throws -> Snapshot {
        guard let first = try await checkpoint(id) else { throw SandboxError.noSnapshot(id) }
        let found = try await settled(first, within: limit)
        if found.status.state == .failed { await discard(first.metadata.name, found.status.message ?? "") }
        return found
    }

    private func settled(_ first: KruiseCheckpoint, within limit: Duration) async throws -> Snapshot {
        let (id, uid) = (first.checkpointID, first.metadata.uid)
        let changes = checkpointInformer.changes
        return try await withThrowingTaskGroup(of: Snapshot?.self) { group in
            group.addTask {
                // What is there already comes as the first changes.
                for await change in changes where change.object.metadata.uid == uid {
                    if case .deleted = change { throw SandboxError.noSnapshot(id) }
                    let snapshot = Snapshot(change.object)
                    switch snapshot.status.state {
                    case .creating: continue
                    case .deleting: throw SandboxError.noSnapshot(id)
                    case .ready, .failed: return snapshot
                    }
                }
                throw CancellationError()
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            if let settled = try await group.next() ?? nil { return settled }
            let last = checkpointInformer.store[configuration.namespace, first.metadata.name] ?? first
            return Snapshot(last)
        }
    }

    /// Deletes what has come of a snapshot of which nobody would ever hear, also if whoever asked has gone.
    private func discard(_ name: String, _ why: String) async {
        logger.info("a snapshot did not come about", metadata: ["checkpoint": "\(name)", "reason": "\(why)"])
        let work = Task { _ = try? await checkpoints.delete(name) }
        await work.value
    }

    /// Begins to delete a snapshot. Sandboxes that were created from it live on.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound` or `runtimeUnavailable`.
    public func deleteSnapshot(_ id: String) async throws {
        guard let object = try await checkpoint(id), object.metadata.deletionTimestamp == nil else {
            throw SandboxError.noSnapshot(id)
        }
        do {
            try await checkpoints.delete(object.metadata.name, DeleteOptions(uid: object.metadata.uid))
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            throw SandboxError.noSnapshot(id)
        } catch let error as KubeError {
            throw SandboxError(error, doing: "delete the snapshot")
        }
    }

    /// The object of a snapshot, by what clients call it or by its name; nil if there is none. One of which no watch has told yet
    /// is looked up.
    func checkpoint(_ id: String) async throws -> KruiseCheckpoint? {
        try await objects.waitUntilSynced()
        if let known = checkpointInformer.store.objects(.checkpointID, id).first { return known }
        if let known = checkpointInformer.store[configuration.namespace, id] { return known }
        guard NameRule.subdomain.allows(id) else { return nil }
        return try await telling("look the snapshot up") { try await checkpoints.find(id) }
    }
}

extension Substring {
    /// Without hyphens and dots at its end.
    fileprivate var trimmed: Substring {
        var text = self
        while text.last == "-" || text.last == "." { text.removeLast() }
        return text
    }
}
