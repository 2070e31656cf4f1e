// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The explorations of two replicas.
extension ModelCheck {
    package static let smallAggregateChecks: [ModelCheck] = [
        aggregate(Budget(intents: 1, writes: 0, faults: 0))
    ]

    package static let largeAggregateChecks: [ModelCheck] = [
        aggregate(Budget(intents: 1, writes: 0, faults: 1)),
        aggregate(Budget(intents: 2, writes: 0, faults: 0)),
        aggregate(Budget(intents: 1, writes: 1, faults: 0)),
        aggregate(Budget(intents: 0, writes: 0, faults: 0, pausesByItself: true, expiry: .unlessPaused)),
    ]

    package static let aggregateMutations: [ModelCheck] = AggregateMutation.allCases.map { aggregate($0.budget, $0) }

    private static func aggregate(_ budget: Budget, _ mutation: AggregateMutation? = nil) -> ModelCheck {
        let name = "two replicas, " + (mutation.map { "\($0)" } ?? "\(budget)")
        return ModelCheck(name, breaks: mutation?.law) {
            let machine = AggregateMachine(mutation: mutation)
            var report = Explorer(model: AggregateModel(budget: budget, machine: machine)).run()
            let impossible = Set(
                budget.impossible.flatMap { event in Side.allCases.map { "\(AggregateEvent(event, $0))" } }
            )
            // Without faults much cannot happen.
            if budget.faults > 0 { report.gaps = report.neverHappened.filter { !impossible.contains($0) } }
            return report
        }
    }
}
