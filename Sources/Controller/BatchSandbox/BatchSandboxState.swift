// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What the controller remembers of a BatchSandbox, and what it is about to change of it.
struct BatchSandboxState: Hashable {
    typealias Unreadable = MachineState.Unreadable

    /// What is remembered of a sandbox of any dialect.
    private var machine: MachineState
    /// The addresses of its pods; nil if those that were told still hold.
    var endpoints: String?
    /// The spec that it is to have; nil for that which it has.
    var spec: BatchSandboxSpec?
    /// What it keeps of its pool.
    var allocation = Allocation.stays

    /// What the state machine has written down.
    var record: AggregateRecord {
        get { machine.record }
        set { machine.record = newValue }
    }

    /// What the owner has asked for.
    var intent: PauseIntent {
        get { machine.intent }
        set { machine.intent = newValue }
    }

    /// Which images its pauses have left that are to be deleted one day.
    var images: ArtifactHistory { machine.images }

    /// The name under which what is done for the last wish stands in logs.
    var requestID: RequestID? { machine.requestID }

    /// The state of an object after this look at it.
    ///
    /// - Throws: `Unreadable`.
    init(of sandbox: BatchSandbox) throws(Unreadable) { machine = try MachineState(of: sandbox) }

    /// Takes note of what the record has come to need, and to need no more.
    ///
    /// - Parameter givenUp: The artifacts that are needed no more, by the identities of their members.
    mutating func noteImages(
        of sandbox: BatchSandbox,
        givenUp: [String: [Artifact]],
        _ settings: SandboxControllerSettings
    ) {
        machine.noteImages(of: sandbox, givenUp: givenUp, settings)
    }

    /// What to change in the object that this was read from so that it has this state; nil if it has it.
    func change(of sandbox: BatchSandbox, _ settings: SandboxControllerSettings) -> MergePatch? {
        var finalizers = machine.finalizers(of: sandbox, settings)
        if allocation == .ends { finalizers.removeAll { $0 == OpenSandbox.Finalizer.poolAllocation } }
        return MachineState.change(
            of: sandbox,
            annotations: annotations(of: sandbox),
            finalizers: finalizers,
            spec: spec.flatMap { sandbox.spec.change(to: $0) }
        )
    }

    /// The annotations to change in the object that this was read from so that it has this state.
    func annotations(of sandbox: BatchSandbox) -> [String: JSONValue] {
        let present = sandbox.metadata.annotations
        var annotations = machine.annotations
        if let endpoints, endpoints != present[OpenSandbox.Annotation.endpoints] {
            annotations[OpenSandbox.Annotation.endpoints] = .string(endpoints)
        }
        if allocation != .stays, present[OpenSandbox.Annotation.allocRelease] != nil {
            annotations[OpenSandbox.Annotation.allocRelease] = .null
        }
        return annotations
    }

    /// What the state machine has written down in an object; nil if nothing.
    ///
    /// - Throws: `Unreadable`.
    static func storedRecord(in sandbox: BatchSandbox) throws(Unreadable) -> AggregateRecord? {
        try MachineState.storedRecord(in: sandbox)
    }
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
    var isAcknowledged: Bool { machine.isAcknowledged }
}
