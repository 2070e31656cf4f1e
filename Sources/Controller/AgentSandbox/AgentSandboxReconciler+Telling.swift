// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

/// What people are told. The status is upstream's, so it is told in annotations and by Events.
extension AgentSandboxReconciler {
    /// What is to be written into an object so that it has a state and tells of it; nil if it does.
    func change(of sandbox: Sandbox, to state: MachineState, _ notes: AgentSandboxNotes) -> MergePatch? {
        typealias Annotation = AgentSandboxes.Annotation
        var annotations = state.annotations
        func tell(_ key: String, _ value: String?) {
            guard sandbox.metadata.annotations[key] != value else { return }
            annotations[key] = value.map { .string($0) } ?? .null
        }
        if notes != AgentSandboxNotes(of: sandbox) { tell(Annotation.notes, notes.jsonText) }
        if sandbox.metadata.deletionTimestamp == nil {
            tell(Annotation.state, AgentSandboxState(of: state.record, isSuspended: sandbox.isSuspended).rawValue)
            tell(Annotation.message, message(of: state.record, of: sandbox))
            if state.intent.pause ?? false != sandbox.wantsSuspension {
                tell(Annotation.suspend, state.intent.pause == true ? "true" : "false")
            }
        }
        return MachineState.change(
            of: sandbox,
            annotations: annotations,
            finalizers: state.finalizers(of: sandbox, settings),
            spec: nil
        )
    }

    private func message(of record: AggregateRecord, of sandbox: Sandbox) -> String? {
        if case .releasing? = record.replicas.first?.recorded.phase, sandbox.isSuspended,
            let pod = place(0, of: sandbox).pod, pod.metadata.deletionTimestamp == nil
        {
            return "It is saved, and waits for the agent-sandbox controller to delete its pod \(pod.metadata.name)."
        }
        return record.agentSandboxMessage
    }

    /// In upstream's words. What upstream's controller tells itself is not told once more.
    func note(from before: AggregateRecord, to after: AggregateRecord) -> SandboxNote? {
        guard var note = SandboxNote(from: before, to: after) else { return nil }
        note.message = note.message.replacing("Replica 0: ", with: "")
        switch note.reason {
        case "Pausing":
            note.reason = "Suspending"
            note.message =
                "A suspension with a snapshot was asked for, so the sandbox is being captured; its SandboxSnapshot has more."
        case "Paused": note.reason = "Suspended"
        case "PauseFailed": note.reason = "SuspendFailed"
        case "Running":
            guard before.phase == .resuming else { return nil }
            note.reason = "Resumed"
        case "Failed": return nil
        default: break
        }
        return note
    }

    /// Tells that somebody has suspended a sandbox that is to be suspended with a snapshot only.
    ///
    /// - Parameters:
    ///   - record: What was written down before.
    ///   - notes: The same.
    func tellOfSuspension(_ record: AggregateRecord, _ notes: AgentSandboxNotes, of sandbox: Sandbox) {
        guard notes.isSuspended == false, sandbox.isSuspended,
            sandbox.metadata.annotations[AgentSandboxes.Annotation.suspend] != nil
        else { return }
        let problem = Problem.suspendedWithoutSnapshot
        switch record.phase {
        case .pending, .running, .failed:
            recorder.record(.warning, about: sandbox, reason: problem.reason, problem.message)
        case .pausing, .thawing, .sealing:
            recorder.record(
                .warning,
                about: sandbox,
                reason: "SuspendedDuringCapture",
                "Somebody has set the operatingMode to Suspended while the sandbox was being captured, and its pod is being deleted. What is "
                    + "captured is kept if it is complete before the pod's grace period ends."
            )
        case .releasing, .paused, .resuming, .deleting, .deleted: break
        }
    }
}
