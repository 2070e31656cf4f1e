// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

/// What people are told in an Event about a checkpoint.
struct CheckpointNote: Hashable {
    var severity: EventNote.Severity
    var reason: String
    var message: String

    /// What is to be told when the status has changed.
    static func notes(
        from before: KruiseCheckpointStatus?,
        to after: KruiseCheckpointStatus,
        of plan: KruiseCheckpointPlan?
    ) -> [CheckpointNote] {
        var notes: [CheckpointNote] = []
        if before?.phase != after.phase {
            switch after.phase {
            case .creating?:
                let sandbox = plan?.sandboxName ?? "of it"
                let then = plan?.endsSandbox == true ? " It ends with that." : ""
                notes.append(.init(.normal, "CheckpointStarted", "Capturing the sandbox \(sandbox).\(then)"))
            case .succeeded?:
                let image = after.artifact.map { " Captured \($0.imageUri)@\($0.imageDigest)." } ?? ""
                let frozen = after.artifact?.frozenMilliseconds.map { " The sandbox was frozen for \($0) ms." } ?? ""
                notes.append(.init(.normal, "CheckpointSucceeded", "Sandboxes can be made from it.\(image)\(frozen)"))
                if let plan, let remark = plan.remark {
                    // Who has not asked for anything is not to be alarmed.
                    notes.append(.init(plan.isExplicit ? .warning : .normal, remark.reason, remark.message))
                }
            case .failed?:
                let reason = after.conditions[KruiseCheckpointCondition.failed.rawValue]?.reason ?? "Failed"
                notes.append(
                    .init(.warning, "CheckpointFailed", "\(reason): \(after.message ?? "no reason was given")")
                )
            default: break
            }
        }
        let ignored = KruiseCheckpointCondition.lifetimeIgnored.rawValue
        if let condition = after.conditions[ignored], before?.conditions[ignored]?.message != condition.message {
            notes.append(.init(.warning, condition.reason ?? ignored, condition.message ?? ""))
        }
        return notes
    }

    private init(_ severity: EventNote.Severity, _ reason: String, _ message: String) {
        self.severity = severity
        self.reason = reason
        self.message = message
    }
}
