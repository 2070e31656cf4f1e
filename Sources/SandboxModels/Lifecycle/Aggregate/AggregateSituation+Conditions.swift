// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What is told about the whole.
extension AggregateSituation {
    /// How many replicas are where.
    var counts: AggregateDecision.Counts {
        var counts = AggregateDecision.Counts()
        for recorded in record.replicas.map(\.recorded) {
            counts.replicas += 1
            switch recorded.phase {
            case .running: if compute(of: recorded) == .running(recorded.incarnation) { counts.ready += 1 }
            case .paused: counts.paused += 1
            case .failed: counts.failed += 1
            default: break
            }
        }
        return counts
    }

    /// One of each kind, in the order of `Condition.Kind`.
    var conditions: [Condition] {
        Condition.Kind.allCases.map { kind in
            switch kind {
            case .ready: readyCondition
            case .progressing: progressingCondition
            case .paused: Condition(.paused, record.phase == .paused ? .yes : .no, reason: record.phase.title)
            case .pauseFailed: condition(kind, record.pauseFailure)
            case .resumeFailed: condition(kind, resumeFailure)
            case .failed: condition(kind, failure)
            case .cleaningUp: cleaningUpCondition
            }
        }
    }

    private var readyCondition: Condition {
        let counts = counts
        let message = "\(counts.ready) of \(intent.replicas) replicas run."
        guard record.phase == .running else {
            return Condition(.ready, .no, reason: record.phase.title, message: message)
        }
        if counts.ready == counts.replicas, counts.replicas == intent.replicas {
            return Condition(.ready, .yes, reason: "Running", message: message)
        }
        let isUnseen = record.replicas.contains { compute(of: $0.recorded) == .unknown }
        return Condition(
            .ready,
            isUnseen ? .unknown : .no,
            reason: isUnseen ? "ComputeUnknown" : "ComputeNotReady",
            message: message
        )
    }

    private var progressingCondition: Condition {
        switch record.phase {
        case .running, .paused, .failed, .deleted: Condition(.progressing, .no, reason: record.phase.title)
        default: Condition(.progressing, .yes, reason: record.phase.title)
        }
    }

    private var cleaningUpCondition: Condition {
        let leftovers = record.members.reduce(0) { $0 + $1.recorded.leftovers.count }
        return leftovers == 0
            ? Condition(.cleaningUp, .no, reason: "NothingLeft")
            : Condition(
                .cleaningUp,
                .yes,
                reason: "LeftoversRemain",
                message: "Still to be cleaned up: \(leftovers) captures and artifacts."
            )
    }

    private func condition(_ kind: Condition.Kind, _ problem: Problem?) -> Condition {
        guard let problem else { return Condition(kind, .no, reason: "NoFailure") }
        return Condition(kind, .yes, reason: problem.reason, message: problem.message)
    }

    private var resumeFailure: Problem? {
        for member in record.replicas {
            if let setback = member.recorded.setback, setback.transition == .resume {
                return setback.problem.of(member)
            }
        }
        return nil
    }

    private var failure: Problem? {
        for member in record.replicas {
            if case .failed(let problem) = member.recorded.phase { return problem.of(member) }
        }
        return nil
    }
}
