// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Exploration
import Testing

/// The small explorations; the `explore` product runs the large ones.
@Suite("Exploration", .serialized)
struct ExplorationTests {
    @Test("Every law holds in every world within the budget", arguments: ModelCheck.small)
    func laws(check: ModelCheck) {
        let report = check.run()
        print("\(check.name): \(report.states) states, \(report.transitions) transitions, \(report.settled) settled")
        if let complaint = check.complaint(about: report) { Issue.record("\(check.name): \(complaint)") }
    }

    @Test("A machine that breaks a law is found out", arguments: ModelCheck.mutations)
    func mutations(check: ModelCheck) {
        let report = check.run()
        if let complaint = check.complaint(about: report) { Issue.record("\(check.name): \(complaint)") }
    }
}

extension ModelCheck: CustomTestStringConvertible {
    /// The machine, and the budget or the mistake.
    public var testDescription: String { name }
}
