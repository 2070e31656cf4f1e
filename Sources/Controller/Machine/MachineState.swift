// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// What the controller remembers of a sandbox, whatever its dialect. It is kept in annotations of the object: an older schema prunes
/// status fields that it does not know, but never annotations.
struct MachineState: Hashable {
    /// What the state machine has written down.
    var record: AggregateRecord
    /// What the owner has asked for.
    var intent: PauseIntent
    /// Which images its pauses have left that are to be deleted one day.
    var images: ArtifactHistory
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
    init(of sandbox: some MachineObject) throws(Unreadable) {
        stored = Stored(
            record: try Self.storedRecord(in: sandbox),
            intent: try Self.storedIntent(in: sandbox),
            images: ArtifactHistory(of: sandbox)
        )
        record = stored.record ?? AggregateRecord(identity: sandbox.metadata.uid ?? sandbox.metadata.name)
        intent = sandbox.pauseIntent(after: stored.intent)
        images = stored.images
    }

    /// What its owner was last known to want; nil if that was never written down.
    var lastIntent: PauseIntent? { stored.intent }

    /// The name under which what is done for the last wish stands in logs: that of the request in which it was stated, else one of its
    /// own.
    var requestID: RequestID? {
        RequestID(nearest: intent.request ?? "\(record.identity)-\(intent.statements)")
    }

    /// Whether the last wish was acted upon.
    var isAcknowledged: Bool { record.acknowledged >= intent.statements }

    /// Takes note of what the record has come to need, and to need no more.
    ///
    /// - Parameter givenUp: The artifacts that are needed no more, by the identities of their members.
    mutating func noteImages(
        of sandbox: some KubeResource,
        givenUp: [String: [Artifact]],
        _ settings: SandboxControllerSettings
    ) {
        guard settings.tracksImages(of: sandbox) else { return }
        let keepsRemoved = sandbox.deletePolicy(else: settings.snapshotDeletePolicy) == .delete
        images.note(record, givenUp: givenUp, keepsRemoved: keepsRemoved)
    }

    /// The annotations to change in the object that this was read from so that it has this state.
    var annotations: [String: JSONValue] {
        var annotations: [String: JSONValue] = [:]
        if stored.record != record { annotations[OpenSandbox.Annotation.record] = .string(Self.text(record)) }
        if stored.intent != intent { annotations[OpenSandbox.Annotation.intent] = .string(intent.jsonText) }
        if images != stored.images { annotations[OpenSandbox.Annotation.images] = .string(images.text) }
        return annotations
    }

    /// The finalizers that an object is to have, of which only its own may differ from those that it has.
    ///
    /// - Parameter isWanted: Whether it is to have its own also where nothing would be left behind if it went.
    func finalizers<Sandbox: MachineObject>(
        of sandbox: Sandbox,
        _ settings: SandboxControllerSettings,
        isWanted: Bool = false
    ) -> [String] {
        let name = Sandbox.cleanupFinalizer
        let present = sandbox.metadata.finalizers
        let has = present.contains(name)
        // The API server takes no new one once an object is being deleted.
        let needs = (isWanted || needsCleanup(sandbox, settings)) && (has || sandbox.metadata.deletionTimestamp == nil)
        if needs, !has { return present + [name] }
        return needs ? present : present.filter { $0 != name }
    }

    /// Whether something would be left behind if the object went now.
    private func needsCleanup(_ sandbox: some MachineObject, _ settings: SandboxControllerSettings) -> Bool {
        if !images.entries.isEmpty, sandbox.deletePolicy(else: settings.snapshotDeletePolicy) == .delete { return true }
        return record.members.contains { member in
            member.recorded.phase.capture != nil
                || member.recorded.leftovers.contains { if case .capture = $0 { true } else { false } }
        }
    }

    /// A change of the object that this was read from; nil if nothing is to be changed.
    ///
    /// - Parameters:
    ///   - annotations: Those to change.
    ///   - finalizers: Those that it is to have.
    ///   - spec: The change of its spec, if there is one.
    static func change(
        of sandbox: some KubeResource,
        annotations: [String: JSONValue],
        finalizers: [String],
        spec: MergePatch?
    ) -> MergePatch? {
        var document: [String: JSONValue] = [:]
        var metadata: [String: JSONValue] = [:]
        if !annotations.isEmpty { metadata["annotations"] = .object(annotations) }
        if finalizers != sandbox.metadata.finalizers {
            metadata["finalizers"] = .array(finalizers.map { .string($0) })
        }
        if !metadata.isEmpty { document["metadata"] = .object(metadata) }
        if let spec { document["spec"] = spec.document }
        return document.isEmpty ? nil : MergePatch(.object(document))
    }

    /// What the state machine has written down in an object; nil if nothing.
    ///
    /// - Throws: `Unreadable`.
    static func storedRecord(in sandbox: some KubeObject) throws(Unreadable) -> AggregateRecord? {
        guard let text = sandbox.metadata.annotations[OpenSandbox.Annotation.record] else { return nil }
        do {
            return try JSONDecoder().decode(AggregateRecord.self, from: Data(text.utf8))
        } catch {
            throw Unreadable(annotation: OpenSandbox.Annotation.record, cause: error)
        }
    }

    private static func storedIntent(in sandbox: some KubeObject) throws(Unreadable) -> PauseIntent? {
        do {
            return try PauseIntent(recordedIn: sandbox.metadata)
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
    init(of sandbox: some KubeObject) {
        let text = sandbox.metadata.annotations[OpenSandbox.Annotation.images] ?? ""
        self = (try? JSONDecoder().decode(ArtifactHistory.self, from: Data(text.utf8))) ?? ArtifactHistory()
    }

    /// As it is written down.
    var text: String { MachineState.text(self) }
}
