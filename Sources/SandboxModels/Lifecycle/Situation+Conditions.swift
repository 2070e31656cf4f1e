// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What is told about a sandbox.
extension Situation {
    /// One of each kind, in the order of `Condition.Kind`.
    var conditions: [Condition] {
        Condition.Kind.allCases.map { kind in
            switch kind {
            case .ready: readyCondition
            case .progressing: progressingCondition
            case .paused: pausedCondition
            case .pauseFailed: setbackCondition(.pause, kind)
            case .resumeFailed: setbackCondition(.resume, kind)
            case .failed: failureCondition
            case .cleaningUp: cleaningUpCondition
            }
        }
    }

    private var readyCondition: Condition {
        guard case .running = recorded.phase else {
            return Condition(.ready, .no, reason: recorded.phase.title)
        }
        switch observation.compute {
        case .running(recorded.incarnation):
            return Condition(.ready, .yes, reason: "Running")
        case .unknown:
            return Condition(.ready, .unknown, reason: "ComputeUnknown", message: "The compute cannot be seen now.")
        default:
            return Condition(.ready, .no, reason: "ComputeNotReady", message: "The compute is not up now.")
        }
    }

    private var progressingCondition: Condition {
        let reason = recorded.phase.title
        switch recorded.phase {
        case .running, .paused, .failed, .deleted:
            return Condition(.progressing, .no, reason: reason)
        case .sealing(let capture, _) where now >= patience(capture):
            return Condition(
                .progressing,
                .yes,
                reason: "SealUnanswered",
                message: "The node has not said whether it still holds the sandbox frozen. The pause ends when it "
                    + "answers; if the node is gone for good, remove its compute and resume from the artifact."
            )
        case .pausing, .sealing, .releasing, .thawing, .pending, .resuming, .deleting:
            guard case .stopping = observation.compute else {
                return Condition(.progressing, .yes, reason: reason)
            }
            return Condition(.progressing, .yes, reason: reason, message: "The old compute is still going away.")
        }
    }

    private var pausedCondition: Condition {
        guard case .paused = recorded.phase else {
            return Condition(.paused, .no, reason: recorded.phase.title)
        }
        return Condition(.paused, .yes, reason: "Paused")
    }

    private func setbackCondition(_ transition: Recorded.Setback.Transition, _ kind: Condition.Kind) -> Condition {
        guard let setback = recorded.setback, setback.transition == transition else {
            return Condition(kind, .no, reason: "NoFailure")
        }
        return Condition(kind, .yes, reason: setback.problem.reason, message: setback.problem.message)
    }

    private var failureCondition: Condition {
        guard case .failed(let problem) = recorded.phase else {
            return Condition(.failed, .no, reason: "NoFailure")
        }
        return Condition(.failed, .yes, reason: problem.reason, message: problem.message)
    }

    private var cleaningUpCondition: Condition {
        guard !recorded.leftovers.isEmpty else {
            return Condition(.cleaningUp, .no, reason: "NothingLeft")
        }
        let artifacts = recorded.leftovers.count { if case .artifact = $0 { true } else { false } }
        let captures = recorded.leftovers.count - artifacts
        return Condition(
            .cleaningUp,
            .yes,
            reason: "LeftoversRemain",
            message: "Still to be cleaned up: \(captures) captures and \(artifacts) artifacts."
        )
    }
}

extension Phase {
    /// The phase as a condition's reason.
    fileprivate var title: String { name.title }
}

extension Phase.Name {
    /// The phase as a condition's reason.
    var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}
