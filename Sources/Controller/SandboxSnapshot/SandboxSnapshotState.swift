// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

import struct Foundation.Data
import struct Foundation.Date
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// What the controller remembers of a SandboxSnapshot that somebody asked for. It is kept in annotations of the object: an older
/// schema prunes status fields that it does not know, but never annotations.
struct SandboxSnapshotState: Hashable {
    /// Keeps the object until nothing of its capture is left.
    static let finalizer = Finalizer(OpenSandbox.Finalizer.snapshotCleanup)

    /// What the state machine has written down.
    var record: SnapshotRecord

    /// The annotation cannot be read. Nothing is done then: what it stands for may hold a sandbox frozen.
    struct Unreadable: Error, CustomStringConvertible {
        let cause: any Error

        var description: String {
            "the annotation \(OpenSandbox.Annotation.snapshotRecord) cannot be read (\(cause)). If it was edited, put back what "
                + "was there; if a newer version of the controller has written it, run that one"
        }
    }

    /// The state of an object. Without a record it is that of one which was just asked for, or which another controller has
    /// already made ready or failed with.
    ///
    /// - Throws: `Unreadable`.
    init(of snapshot: SandboxSnapshot, now: Date) throws(Unreadable) {
        if let stored = try Self.stored(in: snapshot) {
            record = stored
            return
        }
        record = SnapshotRecord(uid: snapshot.metadata.uid ?? snapshot.metadata.name, now: now)
        if snapshot.status?.phase == .succeed {
            record.phase = .ready(snapshot.toldArtifact)
        } else if snapshot.status?.phase == .failed {
            let told = snapshot.status?.conditions[SandboxSnapshotCondition.failed.rawValue]
            record.phase = .failed(Problem(told?.reason ?? "Failed", told?.message ?? ""))
        }
    }

    /// The record of an object; nil if it has none of its own. A copy of an object brings that of the other one along.
    ///
    /// - Throws: `Unreadable`.
    static func stored(in snapshot: SandboxSnapshot) throws(Unreadable) -> SnapshotRecord? {
        guard let text = snapshot.metadata.annotations[OpenSandbox.Annotation.snapshotRecord] else { return nil }
        do {
            let record = try JSONDecoder().decode(SnapshotRecord.self, from: Data(text.utf8))
            return record.uid == snapshot.metadata.uid ? record : nil
        } catch {
            throw Unreadable(cause: error)
        }
    }

    /// What to change in an object so that it has this state; nil if it has it.
    func change(of snapshot: SandboxSnapshot) -> MergePatch? {
        var metadata: [String: JSONValue] = [:]
        if (try? Self.stored(in: snapshot)) != record {
            metadata["annotations"] = [OpenSandbox.Annotation.snapshotRecord: .string(Self.text(record))]
        }
        if let finalizers = finalizers(of: snapshot) { metadata["finalizers"] = .array(finalizers.map { .string($0) }) }
        return metadata.isEmpty ? nil : MergePatch(["metadata": .object(metadata)])
    }

    /// The finalizers that an object is to have; nil if it has them.
    private func finalizers(of snapshot: SandboxSnapshot) -> [String]? {
        let name = Self.finalizer.name
        let has = Self.finalizer.isIn(snapshot)
        // The API server takes no new one once an object is being deleted.
        let needs = record.phase != .deleted && (has || snapshot.metadata.deletionTimestamp == nil)
        guard has != needs else { return nil }
        return needs ? snapshot.metadata.finalizers + [name] : snapshot.metadata.finalizers.filter { $0 != name }
    }

    private static func text(_ record: SnapshotRecord) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and dates can always be encoded.
        return String(decoding: (try? encoder.encode(record)) ?? Data(), as: UTF8.self)
    }
}

extension SandboxSnapshot {
    /// What its capture was asked for; nil if none was, or if it is not of this object: then somebody else has written it.
    var ownRequest: SnapshotRequest? {
        guard let request, request.uid == metadata.uid, request.source.namespace == metadata.namespace,
            request.source.sandbox == sandbox.key.name
        else { return nil }
        return request
    }

    /// The artifact that its status tells of.
    fileprivate var toldArtifact: Artifact {
        let parts = (status?.containers ?? []).compactMap { container in
            container.imageDigest.map {
                Artifact.Part(
                    container: container.containerName,
                    reference: container.imageUri,
                    digest: $0,
                    size: Int64(container.size ?? 0),
                    layers: container.layers,
                    baseDigest: container.baseDigest
                )
            }
        }
        return Artifact(provider: status?.provider ?? "", parts: parts, platform: status?.platform ?? "")
    }
}
