// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

@Suite("Exploration", .serialized)
struct ExplorationTests {
    #if DEBUG
    static let budgets = [
        Budget(intents: 2, writes: 1, faults: 1),
        Budget(intents: 1, writes: 1, faults: 2),
        Budget(intents: 1, writes: 1, faults: 1, pausesByItself: true),
        Budget(intents: 2, writes: 0, faults: 1, expiry: .evenPaused),
        Budget(intents: 2, writes: 0, faults: 1, expiry: .unlessPaused),
    ]
    #else
    static let budgets = [
        Budget(intents: 1, writes: 2, faults: 3),
        Budget(intents: 2, writes: 1, faults: 2),
        Budget(intents: 3, writes: 1, faults: 1),
        Budget(intents: 1, writes: 1, faults: 2, pausesByItself: true),
        Budget(intents: 2, writes: 0, faults: 1, expiry: .evenPaused),
        Budget(intents: 2, writes: 0, faults: 1, expiry: .unlessPaused),
    ]
    #endif

    @Test("Every law holds in every world within the budget", arguments: budgets)
    func laws(budget: Budget) {
        let clock = ContinuousClock()
        let start = clock.now
        let report = Explorer(budget).run()
        print(
            "\(budget): \(report.states) states, \(report.transitions) transitions, \(report.records) records,",
            "\(report.decisions) decisions, \(report.settled) settled worlds, \(clock.now - start)"
        )
        if let violation = report.violation {
            Issue.record("law \(violation.law): \(violation.text)\n\(report.trace.joined(separator: "\n"))")
        }
        #expect(report.isComplete)
        #expect(report.phases == Set(Phase.Name.allCases))
        #expect(Set(Event.allCases).subtracting(report.events) == budget.impossible)
    }

    @Test("A machine that breaks a law is found out", arguments: Mutation.allCases)
    func mutations(mutation: Mutation) throws {
        let budget = Budget(
            intents: 2,
            writes: 1,
            faults: 1,
            expiry: mutation == .expiresPaused ? .unlessPaused : .never
        )
        let report = Explorer(budget, mutation: mutation).run()
        let violation = try #require(report.violation, "\(mutation) goes unnoticed")
        print("\(mutation): law \(violation.law), \(violation.text), after \(report.trace.count) steps")
        #expect(violation.law == mutation.law, "\(report.trace.joined(separator: "\n"))")
    }
}
