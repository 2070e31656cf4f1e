// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// What the controller remembers of a BatchSandbox. It is kept in annotations of the object: an older schema prunes status
/// fields that it does not know, but never annotations.
struct BatchSandboxState: Hashable {
    /// What the state machine has written down.
    var record: AggregateRecord
    /// What the owner has asked for.
    var intent: PauseIntent
    /// Which images its pauses have left that are to be deleted one day.
    var images: ArtifactHistory
    /// The addresses of its pods; nil if those that were told still hold.
    var endpoints: String?
    /// The spec that it is to have; nil for that which it has.
    var spec: BatchSandboxSpec?
    /// What it keeps of its pool.
    var allocation = Allocation.stays
    /// What of these stands in the object that they were read from.
    private let stored: Stored

    private struct Stored: Hashable {
        var record: AggregateRecord?
        var intent: PauseIntent?
        var images = ArtifactHistory()
    }

    /// An annotation cannot be read. Nothing is done then: to begin anew could start a second pod beside a frozen one.
    struct Unreadable: Error, CustomStringConvertible {
        let annotation: String
        let cause: any Error

        var description: String {
            "the annotation \(annotation) cannot be read (\(cause)). If it was edited, put back what was there; if a newer "
                + "version of the controller has written it, run that one"
        }
    }

    /// The state of an object after this look at it.
    ///
    /// - Throws: `Unreadable`.
    init(of sandbox: BatchSandbox) throws(Unreadable) {
        stored = Stored(
            record: try Self.storedRecord(in: sandbox),
            intent: try Self.storedIntent(in: sandbox),
            images: ArtifactHistory(of: sandbox)
        )
        record = stored.record ?? AggregateRecord(identity: sandbox.metadata.uid ?? sandbox.metadata.name)
        intent = sandbox.pauseIntent(after: stored.intent)
        images = stored.images
    }

    /// Takes note of what the record has come to need, and to need no more.
    ///
    /// - Parameter givenUp: The artifacts that are needed no more, by the identities of their members.
    mutating func noteImages(
        of sandbox: BatchSandbox,
        givenUp: [String: [Artifact]],
        _ settings: SandboxControllerSettings
    ) {
        guard settings.tracksImages(of: sandbox) else { return }
        let keepsRemoved = sandbox.deletePolicy(else: settings.snapshotDeletePolicy) == .delete
        images.note(record, givenUp: givenUp, keepsRemoved: keepsRemoved)
    }

    /// What to change in the object that this was read from so that it has this state; nil if it has it.
    func change(of sandbox: BatchSandbox, _ settings: SandboxControllerSettings) -> MergePatch? {
        var document: [String: JSONValue] = [:]
        var metadata: [String: JSONValue] = [:]
        let annotations = annotations(of: sandbox)
        if !annotations.isEmpty { metadata["annotations"] = .object(annotations) }
        if let finalizers = finalizers(of: sandbox, settings) {
            metadata["finalizers"] = .array(finalizers.map { .string($0) })
        }
        if !metadata.isEmpty { document["metadata"] = .object(metadata) }
        if let edit = spec.flatMap({ sandbox.spec.change(to: $0) }) { document["spec"] = edit.document }
        return document.isEmpty ? nil : MergePatch(.object(document))
    }

    /// The annotations to change in the object that this was read from so that it has this state.
    func annotations(of sandbox: BatchSandbox) -> [String: JSONValue] {
        let present = sandbox.metadata.annotations
        var annotations: [String: JSONValue] = [:]
        if stored.record != record { annotations[OpenSandbox.Annotation.record] = .string(Self.text(record)) }
        if stored.intent != intent { annotations[OpenSandbox.Annotation.intent] = .string(intent.jsonText) }
        if images != stored.images {
            annotations[OpenSandbox.Annotation.images] = .string(images.text)
        }
        if let endpoints, endpoints != present[OpenSandbox.Annotation.endpoints] {
            annotations[OpenSandbox.Annotation.endpoints] = .string(endpoints)
        }
        if allocation != .stays, present[OpenSandbox.Annotation.allocRelease] != nil {
            annotations[OpenSandbox.Annotation.allocRelease] = .null
        }
        return annotations
    }

    /// Whether something would be left behind if the object went now.
    private func needsCleanup(_ sandbox: BatchSandbox, _ settings: SandboxControllerSettings) -> Bool {
        if !images.entries.isEmpty, sandbox.deletePolicy(else: settings.snapshotDeletePolicy) == .delete { return true }
        return record.members.contains { member in
            member.recorded.phase.capture != nil
                || member.recorded.leftovers.contains { if case .capture = $0 { true } else { false } }
        }
    }

    /// The finalizers that an object is to have; nil if it has them.
    private func finalizers(of sandbox: BatchSandbox, _ settings: SandboxControllerSettings) -> [String]? {
        let name = OpenSandbox.Finalizer.sandboxCleanup
        let present = sandbox.metadata.finalizers
        let has = present.contains(name)
        // The API server takes no new one once an object is being deleted.
        let needs = needsCleanup(sandbox, settings) && (has || sandbox.metadata.deletionTimestamp == nil)
        var finalizers = present
        if needs, !has { finalizers.append(name) }
        if !needs { finalizers.removeAll { $0 == name } }
        if allocation == .ends { finalizers.removeAll { $0 == OpenSandbox.Finalizer.poolAllocation } }
        return finalizers == present ? nil : finalizers
    }

    /// What the state machine has written down in an object; nil if nothing.
    ///
    /// - Throws: `Unreadable`.
    static func storedRecord(in sandbox: BatchSandbox) throws(Unreadable) -> AggregateRecord? {
        guard let text = sandbox.metadata.annotations[OpenSandbox.Annotation.record] else { return nil }
        do {
            return try JSONDecoder().decode(AggregateRecord.self, from: Data(text.utf8))
        } catch {
            throw Unreadable(annotation: OpenSandbox.Annotation.record, cause: error)
        }
    }

    private static func storedIntent(in sandbox: BatchSandbox) throws(Unreadable) -> PauseIntent? {
        do {
            return try sandbox.recordedIntent()
        } catch {
            throw Unreadable(annotation: OpenSandbox.Annotation.intent, cause: error)
        }
    }

    fileprivate static func text(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and dates can always be encoded.
        return String(decoding: (try? encoder.encode(value)) ?? Data(), as: UTF8.self)
    }
}

extension ArtifactHistory {
    /// What is written down in an object. What cannot be read is begun anew: the images that it named stay in the registry.
    init(of sandbox: BatchSandbox) {
        let text = sandbox.metadata.annotations[OpenSandbox.Annotation.images] ?? ""
        self = (try? JSONDecoder().decode(ArtifactHistory.self, from: Data(text.utf8))) ?? ArtifactHistory()
    }

    /// As it is written down.
    var text: String { BatchSandboxState.text(self) }
}

extension BatchSandboxState {
    /// What the state machine is told that the owner wants.
    func wanted(of sandbox: BatchSandbox) -> AggregateIntent {
        AggregateIntent(sandbox.lifecycleIntent(intent), replicas: replicas(of: sandbox))
    }

    /// How many replicas there are to be: those that there are, if it is to have more than could be written down.
    func replicas(of sandbox: BatchSandbox) -> Int {
        sandbox.isTooLarge ? record.replicas.count : sandbox.spec.replicas
    }

    /// Whether the last wish was acted upon.
    var isAcknowledged: Bool { record.acknowledged >= intent.statements }
}
