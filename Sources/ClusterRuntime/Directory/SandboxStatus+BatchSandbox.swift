// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels

import struct Foundation.Date

extension SandboxStatus {
    /// Where a sandbox is in its life, in the words of the API.
    ///
    /// A pause or a resume that did not come about is told as the reason of the state that it has left the sandbox in:
    /// clients that only look at the state see what they always saw.
    init(_ object: BatchSandbox, created: Date) {
        let told = Self.told(object)
        self.init(
            state: told.state,
            reason: told.reason,
            message: told.message,
            lastTransitionAt: object.lastTransition ?? created,
            progress: told.state == .pausing ? object.status?.progress.map { Progress($0) } : nil
        )
    }

    private struct Told {
        var state: State
        var reason: String
        var message: String?
    }

    private static func told(_ object: BatchSandbox) -> Told {
        if object.metadata.deletionTimestamp != nil { return Told(state: .stopping, reason: "DELETING") }
        switch object.pendingWish {
        case .pause?: return Told(state: .pausing, reason: "PAUSING", message: "It was asked to pause.")
        case .resume?: return Told(state: .resuming, reason: "RESUMING", message: "It was asked to resume.")
        case nil: break
        }
        let status = object.status ?? BatchSandboxStatus()
        func message(_ condition: BatchSandboxCondition) -> String? { status.conditions.told(condition) }
        switch status.phase {
        case .succeed? where status.taskFailed > 0:
            return Told(
                state: .failed,
                reason: "TASK_FAILED",
                message: status.taskLastErrorMessage ?? "What it was to run has failed."
            )
        case .succeed?:
            if let failure = message(.pauseFailed) {
                return Told(state: .running, reason: "PAUSE_FAILED", message: failure)
            }
            return Told(state: .running, reason: "RUNNING", message: message(.podFailed))
        case .pausing?: return Told(state: .pausing, reason: "PAUSING", message: status.progress?.summary)
        case .paused?:
            if let failure = message(.resumeFailed) {
                return Told(state: .paused, reason: "RESUME_FAILED", message: failure)
            }
            return Told(state: .paused, reason: "PAUSED")
        case .resuming?: return Told(state: .resuming, reason: "RESUMING", message: message(.podFailed))
        case .failed?:
            return Told(
                state: .failed,
                reason: "FAILED",
                message: message(.podFailed) ?? message(.resumeFailed) ?? message(.pauseFailed)
            )
        case .pending?:
            return Told(
                state: .pending,
                reason: "CREATING",
                message: message(.poolAllocationPending) ?? message(.podFailed)
            )
        default: return withoutPhase(object, status)
        }
    }

    /// Upstream's controller tells no phase until the first pod is there.
    private static func withoutPhase(_ object: BatchSandbox, _ status: BatchSandboxStatus) -> Told {
        if let shortage = status.conditions.told(.poolAllocationPending) {
            return Told(state: .pending, reason: "POOL_ALLOCATION_PENDING", message: shortage)
        }
        guard object.address != nil else { return Told(state: .pending, reason: "BATCHSANDBOX_PENDING") }
        guard status.ready > 0 else { return Told(state: .pending, reason: "POD_SCHEDULED") }
        return Told(state: .running, reason: "POD_READY_WITH_IP")
    }
}

extension [KubeModels.Condition] {
    /// What a condition that is true says; nil if it is not.
    func told(_ condition: BatchSandboxCondition) -> String? {
        guard let found = self[condition.rawValue], found.status == "True" else { return nil }
        let parts = [found.reason, found.message].compactMap { $0 }.filter { !$0.isEmpty }
        return parts.joined(separator: ": ")
    }
}

extension BatchSandbox {
    /// When the last of the conditions came that say where it is.
    fileprivate var lastTransition: Date? {
        let telling: Set<String> = Set(
            [BatchSandboxCondition.ready, .progressing, .paused, .podFailed].map(\.rawValue)
        )
        return status?.conditions.filter { telling.contains($0.type) }.compactMap { $0.lastTransitionTime?.date }.max()
    }
}
