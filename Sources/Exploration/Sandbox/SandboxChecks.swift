// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The explorations of one sandbox and its machine.
extension ModelCheck {
    /// With small budgets: seconds without optimization.
    package static let smallSandboxChecks: [ModelCheck] = [
        sandbox(Budget(intents: 1, writes: 1, faults: 1)),
        sandbox(Budget(intents: 1, writes: 0, faults: 1, pausesByItself: true, renewals: 1)),
        sandbox(Budget(intents: 1, writes: 0, faults: 1, expiry: .unlessPaused, endsAfterFailure: true, renewals: 1)),
    ]

    /// With budgets that are worth optimizing for.
    package static let largeSandboxChecks: [ModelCheck] = [
        sandbox(Budget(intents: 1, writes: 2, faults: 3)),
        sandbox(Budget(intents: 2, writes: 1, faults: 2)),
        sandbox(Budget(intents: 3, writes: 0, faults: 1)),
        sandbox(Budget(intents: 1, writes: 0, faults: 2, pausesByItself: true)),
        sandbox(Budget(intents: 2, writes: 0, faults: 1, expiry: .evenPaused, renewals: 1)),
        sandbox(Budget(intents: 2, writes: 0, faults: 1, expiry: .unlessPaused, endsAfterFailure: true, renewals: 1)),
        sandbox(Budget(intents: 0, writes: 0, faults: 1, pausesByItself: true, expiry: .unlessPaused, renewals: 1)),
    ]

    /// Each mistake that the laws of one sandbox are there to find.
    package static let sandboxMutations: [ModelCheck] =
        Mutation.allCases.filter { !$0.budget.takesSnapshot }.map { sandbox($0.budget, $0) }

    private static func sandbox(_ budget: Budget, _ mutation: Mutation? = nil) -> ModelCheck {
        let name = "sandbox, " + (mutation.map { "\($0)" } ?? "\(budget)")
        return ModelCheck(name, breaks: mutation?.law) {
            let machine = Machine(mutation: mutation)
            var report = Explorer(model: SandboxModel(budget: budget, machine: machine)).run()
            // Without requests and faults much cannot happen.
            guard budget.intents > 0, budget.faults > 0 else { return report }
            let impossible = Set(budget.impossible.map { "\($0)" })
            let phases = Set(machine.records.map(\.phase.name))
            report.gaps = report.neverHappened.filter { !impossible.contains($0) }
            report.gaps += Phase.Name.allCases.filter { !phases.contains($0) }.map(\.rawValue)
            return report
        }
    }
}
