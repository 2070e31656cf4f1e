// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels

import struct Foundation.Date

extension SandboxStatus {
    /// Where a sandbox is in its life.
    ///
    /// A wish that its controller has not begun yet is told as begun. A pause that did not come about is told as the reason of
    /// running.
    init(_ object: KruiseSandbox, created: Date) {
        let told = Self.told(object)
        self.init(
            state: told.state,
            reason: told.reason,
            message: told.message ?? object.status?.message.flatMap { $0.isEmpty ? nil : $0 },
            lastTransitionAt: object.lastTransition ?? created,
            progress: told.state == .pausing ? object.status?.progress.map { Progress($0) } : nil
        )
    }

    private struct Told {
        var state: State
        var reason: String
        var message: String?
    }

    private static func told(_ object: KruiseSandbox) -> Told {
        if object.metadata.deletionTimestamp != nil { return Told(state: .stopping, reason: "DELETING") }
        let isToPause = object.spec.paused == true
        switch object.status?.phase {
        case .running?:
            if let failure = object.failedPause {
                return Told(state: .running, reason: "PAUSE_FAILED", message: failure)
            }
            if isToPause { return Told(state: .pausing, reason: "PAUSING", message: "It was asked to pause.") }
            if object.isReady, object.isAgentToBeTold {
                // What is asked of it before would be refused, or done without its variables.
                return Told(state: .resuming, reason: "INITIALIZING", message: "Its agent is told what it has to know.")
            }
            return Told(state: .running, reason: object.isReady ? "RUNNING" : "NOT_READY", message: object.unreadiness)
        case .paused? where object.isFullyPaused:
            if !isToPause, object.failedResume == nil {
                return Told(state: .resuming, reason: "RESUMING", message: "It was asked to resume.")
            }
            let failure = object.failedResume
            return Told(state: .paused, reason: failure == nil ? "PAUSED" : "RESUME_FAILED", message: failure)
        case .paused?: return Told(state: .pausing, reason: "PAUSING", message: object.status?.progress?.summary)
        case .resuming?, .upgrading?, .recycling?:
            return Told(state: .resuming, reason: "RESUMING", message: object.unreadiness)
        case .succeeded?: return Told(state: .terminated, reason: "SUCCEEDED")
        case .failed? where object.isToReturn:
            return Told(state: .resuming, reason: "RESUMING", message: "It was asked to resume.")
        case .failed?: return Told(state: .failed, reason: "FAILED", message: object.unreadiness)
        case .terminating?: return Told(state: .stopping, reason: "DELETING")
        default: return Told(state: .pending, reason: "CREATING", message: object.unreadiness)
        }
    }
}

extension KruiseSandbox {
    /// Whether it is paused and not just being paused.
    var isFullyPaused: Bool {
        status?.conditions.isTrue(KruiseSandboxCondition.paused.rawValue) == true
    }

    /// Why the pause that is wished for did not come about; nil if it did, or nobody knows yet.
    var failedPause: String? {
        guard spec.paused == true, status?.phase == .running,
            let condition = status?.conditions[KruiseSandboxCondition.paused.rawValue], condition.status == "False",
            condition.reason == KruiseSandboxCondition.Reason.checkpointFailed, hasSeenSpec
        else { return nil }
        return [condition.reason, condition.message].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
    }

    /// Why the resume that is wished for did not come about, and has left it paused; nil if it did, or nobody knows yet.
    var failedResume: String? {
        guard spec.paused != true, isFullyPaused, hasSeenSpec else { return nil }
        return condition(.resumed, "False", but: [KruiseSandboxCondition.Reason.createPod])
    }

    /// Whether it has failed, and is to be brought back from what was captured; nobody has begun yet.
    var isToReturn: Bool { spec.paused != true && status?.artifact != nil && !hasSeenSpec }

    /// Whether its controller has seen the spec as it is now.
    private var hasSeenSpec: Bool {
        guard let seen = status?.observedGeneration, let generation = metadata.generation else { return true }
        return seen >= generation
    }

    /// Whether its agent is still to be told what it has to know, and that was not tried in vain.
    var isAgentToBeTold: Bool { spec.paused != true && agentStage == .pending }

    /// Whether its agent, if it has one, knows what it has to know.
    var isAgentTold: Bool { agentStage == nil || agentStage == .told }

    private var agentStage: KruiseRuntimeStage? { runtimeStage(spec.runtimes, podUID: status?.podInfo?.podUID) }

    /// Why its pod does not come up, as far as its controller has said so.
    var unreadiness: String? { condition(.ready, "False", but: [KruiseSandboxCondition.Reason.podReady]) }

    /// Whether its pod will not come up by itself.
    var cannotStart: Bool {
        guard let ready = status?.conditions[KruiseSandboxCondition.ready.rawValue], ready.status == "False" else {
            return false
        }
        let reasons = [
            KruiseSandboxCondition.Reason.podCreateFailed, KruiseSandboxCondition.Reason.startContainerFailed,
        ]
        return reasons.contains(ready.reason ?? "")
    }

    /// What a condition of a status says, unless its reason is an ordinary one.
    func condition(_ type: KruiseSandboxCondition, _ state: String, but ordinary: [String]) -> String? {
        guard let found = status?.conditions[type.rawValue], found.status == state,
            !ordinary.contains(found.reason ?? "")
        else { return nil }
        let parts = [found.reason, found.message].compactMap { $0 }.filter { !$0.isEmpty }
        return parts.isEmpty ? nil : parts.joined(separator: ": ")
    }

    /// When the last of the conditions came that say where it is.
    fileprivate var lastTransition: Date? {
        let telling = Set([KruiseSandboxCondition.ready, .paused, .resumed].map(\.rawValue))
        return status?.conditions.filter { telling.contains($0.type) }.compactMap { $0.lastTransitionTime?.date }.max()
    }
}
