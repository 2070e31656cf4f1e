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
        let (record, intent) = try Self.stored(in: sandbox)
        self.record = record ?? AggregateRecord(identity: sandbox.metadata.uid ?? sandbox.metadata.name)
        self.intent = sandbox.pauseIntent(after: intent)
    }

    /// What to change in an object so that it has this state; nil if it has it.
    func change(of sandbox: BatchSandbox) -> MergePatch? {
        let stored = try? Self.stored(in: sandbox)
        var annotations: [String: JSONValue] = [:]
        if stored?.record != record { annotations[OpenSandbox.Annotation.record] = .string(Self.text(record)) }
        if stored?.intent != intent { annotations[OpenSandbox.Annotation.intent] = .string(intent.jsonText) }
        var metadata: [String: JSONValue] = [:]
        if !annotations.isEmpty { metadata["annotations"] = .object(annotations) }
        if let finalizers = finalizers(of: sandbox) { metadata["finalizers"] = .array(finalizers.map { .string($0) }) }
        return metadata.isEmpty ? nil : MergePatch(["metadata": .object(metadata)])
    }

    /// Whether something would be left behind if the object went now.
    private var needsCleanup: Bool {
        record.members.contains { member in
            member.recorded.phase.capture != nil
                || member.recorded.leftovers.contains { if case .capture = $0 { true } else { false } }
        }
    }

    /// The finalizers that an object is to have; nil if it has them.
    private func finalizers(of sandbox: BatchSandbox) -> [String]? {
        let name = OpenSandbox.Finalizer.sandboxCleanup
        let has = sandbox.metadata.finalizers.contains(name)
        // The API server takes no new one once an object is being deleted.
        let needs = needsCleanup && (has || sandbox.metadata.deletionTimestamp == nil)
        guard has != needs else { return nil }
        return needs ? sandbox.metadata.finalizers + [name] : sandbox.metadata.finalizers.filter { $0 != name }
    }

    /// What the state machine has written down in an object; nil if nothing.
    ///
    /// - Throws: `Unreadable`.
    static func storedRecord(in sandbox: BatchSandbox) throws(Unreadable) -> AggregateRecord? {
        try stored(in: sandbox).record
    }

    private static func stored(
        in sandbox: BatchSandbox
    ) throws(Unreadable) -> (record: AggregateRecord?, intent: PauseIntent?) {
        let intent: PauseIntent?
        do {
            intent = try sandbox.recordedIntent()
        } catch {
            throw Unreadable(annotation: OpenSandbox.Annotation.intent, cause: error)
        }
        guard let text = sandbox.metadata.annotations[OpenSandbox.Annotation.record] else { return (nil, intent) }
        do {
            return (try JSONDecoder().decode(AggregateRecord.self, from: Data(text.utf8)), intent)
        } catch {
            throw Unreadable(annotation: OpenSandbox.Annotation.record, cause: error)
        }
    }

    private static func text(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and dates can always be encoded.
        return String(decoding: (try? encoder.encode(value)) ?? Data(), as: UTF8.self)
    }
}

extension BatchSandboxState {
    /// What the state machine is told that the owner wants.
    func wanted(of sandbox: BatchSandbox) -> AggregateIntent {
        AggregateIntent(sandbox.lifecycleIntent(intent), replicas: sandbox.spec.replicas)
    }

    /// Whether the last wish was acted upon.
    var isAcknowledged: Bool { record.acknowledged >= intent.statements }
}
