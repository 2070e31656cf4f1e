// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
public import SandboxModels

/// Snapshots of sandboxes that run on, as `SandboxSnapshot`s. All that is known of them is in those objects, so every server
/// answers for each.
extension ClusterRuntime {
    /// Begins to take a snapshot of a running sandbox. The snapshot's status tells what becomes of it.
    ///
    /// - Parameter name: What its owner calls it; not necessarily unique.
    /// - Throws: `SandboxError` with `notFound`, `snapshotSourceNotRunning` or `runtimeUnavailable`.
    public func createSnapshot(of id: String, name: String?) async throws -> Snapshot {
        let entry = try await entry(id)
        let status = entry.sandbox.status
        guard status.state == .running else {
            throw SandboxError(
                .snapshotSourceNotRunning,
                "A snapshot is taken of a sandbox that runs; '\(id)' is \(status.state.rawValue)."
            )
        }
        let snapshotID = SandboxIdentity.random()
        var object = SandboxSnapshot()
        object.metadata.name = "osb-snap-\(snapshotID.replacing("-", with: ""))"
        object.metadata.labels = [
            OpenSandbox.Label.snapshotID: snapshotID,
            OpenSandbox.Label.sourceSandboxID: id,
            OpenSandbox.Label.snapshotScope: "public",
        ]
        object.metadata.annotations[OpenSandbox.Annotation.snapshotName] = name
        object.metadata.annotations[OpenSandbox.Annotation.requestID] = RequestID.current?.text
        object.spec.sandboxName = entry.object.metadata.name
        let asked = object
        let created = try await telling("create the snapshot") { try await snapshotObjects.create(asked) }
        return Snapshot(created)
    }

    /// One snapshot as it is now, whether its sandbox still exists or not.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound`.
    public func snapshot(_ id: String) async throws -> Snapshot { Snapshot(try await snapshotObject(id)) }

    /// All snapshots that were asked for, newest first.
    public func snapshots() async throws -> [Snapshot] {
        try await waitUntilSynced()
        return snapshotInformer.store.objects.filter(\.isPublic).map { Snapshot($0) }
            .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
    }

    /// Begins to delete a snapshot. Sandboxes that were created from it live on; what becomes of its image is the
    /// controller's to say.
    ///
    /// - Throws: `SandboxError` with `snapshotNotFound`, or `snapshotBusy` while it is being taken.
    public func deleteSnapshot(_ id: String) async throws {
        let object = try await snapshotObject(id)
        guard Snapshot(object).status.state != .creating else {
            throw SandboxError(
                .snapshotBusy,
                "The snapshot '\(id)' is still being taken; delete it when that has ended."
            )
        }
        do {
            _ = try await telling("delete the snapshot") {
                try await snapshotObjects.delete(object.metadata.name, DeleteOptions(uid: object.metadata.uid))
            }
        } catch let error as SandboxError where (error.cause as? KubeError)?.isNotFound == true {
            throw SandboxError.noSnapshot(id)
        }
    }

    /// The object of a snapshot. One that was created by another server a moment ago is looked up.
    func snapshotObject(_ id: String) async throws -> SandboxSnapshot {
        try await waitUntilSynced()
        if let known = snapshotInformer.store.objects(.snapshotID, id).first { return known }
        guard NameRule.labelValue.allows(id), !id.isEmpty else { throw SandboxError.noSnapshot(id) }
        let name = "osb-snap-\(id.replacing("-", with: ""))"
        let found = try await telling("look the snapshot up") { try await snapshotObjects.find(name) }
        guard let found, found.isPublic, found.snapshotID == id else { throw SandboxError.noSnapshot(id) }
        return found
    }
}
