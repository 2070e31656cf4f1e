// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

/// What a place is to the machine of the member that has it.
extension PodPlace {
    /// - Parameters:
    ///   - recorded: What is written down of the member.
    ///   - gone: Which pods of pools the API server has said to be gone. A cache that lacks one proves nothing: it may be behind.
    func compute(of recorded: Recorded, gone: Set<String>, now: Date) -> Observation.Compute {
        let wasUp = recorded.phase.hasComputeUp
        switch self {
        case .vacant:
            return .absent
        case .own(let pod):
            // One without a mark was created by another controller, before this one took over.
            let mark = PodMark(of: pod) ?? PodMark(member: recorded.identity, attempt: recorded.incarnation)
            let attempt = mark.attempt(of: recorded.identity)
            // An earlier member's at the same place is in the way, whatever it does.
            guard mark.member == recorded.identity else { return .stopping(attempt) }
            return pod.compute(attempt: attempt, wasUp: wasUp, now: now)
        case .pooled(let pod):
            guard let attempt = recorded.attemptOfPooledPod else { return .absent }
            return pod.compute(attempt: attempt, wasUp: wasUp, advice: Self.advice, now: now)
        case .missing(let name):
            guard recorded.attemptOfPooledPod != nil else { return .absent }
            guard gone.contains(name) else { return .unknown }
            return recorded.livesByPooledPod ? .ended(recorded.incarnation, .lost(pod: name)) : .absent
        case .givenBack, .unreadable:
            return recorded.attemptOfPooledPod == nil ? .absent : .unknown
        }
    }

    /// What to do about a pool's pod that has ended.
    fileprivate static let advice =
        "It is not replaced by another one, which would have none of the sandbox's files. Delete the sandbox and create another "
        + "one; if the pod runs again, resume the sandbox to go on with it."
}

extension Recorded {
    /// The attempt that a pool's pod at the member's place belongs to; nil if it is none of the member's any more.
    ///
    /// A pool's pod is never made for an attempt, so it is of the present one: asked to run after a failure, a sandbox goes on with it
    /// if it runs again. What is made from an artifact is no pool's, so one that is there meanwhile is of an earlier attempt. And of a
    /// sandbox that is deleted the pool recycles the pods, but not one that may have been frozen: nobody else may get that.
    var attemptOfPooledPod: Int? {
        switch phase {
        case .resuming: Self.beforeAllAttempts
        case .deleting, .deleted: mayBeFrozen ? incarnation : nil
        default: incarnation
        }
    }

    private static let beforeAllAttempts = 0

    /// Whether a pool's pod at the member's place may be deleted. Others go when their pool says so.
    var endsPooledPod: Bool {
        switch phase {
        case .releasing, .resuming: true
        case .deleting: mayBeFrozen
        case .pending, .running, .pausing, .sealing, .thawing, .paused, .failed, .deleted: false
        }
    }

    /// Whether it is to be known that a pool's pod is gone. In the other phases nothing follows from that.
    var dependsOnPooledPod: Bool {
        switch phase {
        case .pending, .running, .pausing, .sealing, .releasing, .thawing, .resuming: true
        case .deleting: mayBeFrozen
        case .paused, .failed, .deleted: false
        }
    }

    /// Whether the loss of a pool's pod is one of the sandbox's files.
    fileprivate var livesByPooledPod: Bool {
        switch phase {
        case .pending, .running: true
        default: false
        }
    }

    private var mayBeFrozen: Bool {
        leftovers.contains { if case .capture = $0 { true } else { false } }
    }
}

extension Phase {
    /// Whether the compute of this phase has been seen to be up.
    fileprivate var hasComputeUp: Bool {
        switch self {
        case .running, .pausing, .sealing, .releasing, .thawing: true
        case .pending, .paused, .resuming, .failed, .deleting, .deleted: false
        }
    }
}

extension Problem {
    /// A pool's pod is gone.
    fileprivate static func lost(pod: String) -> Problem {
        Problem(
            "ComputeLost",
            "Pod \(pod), which the sandbox had of its pool, is gone although nobody asked for that, and its files with it. It is not "
                + "replaced by an empty one: delete the sandbox and create another one."
        )
    }
}
