// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One exploration: of a machine that is to keep every law, or of one with a deliberate mistake that is to be found out.
package struct ModelCheck: Sendable {
    /// The machine, and the budget or the mistake.
    package var name: String
    /// The law that the mistake breaks; nil for a machine without one.
    package var breaks: Law?
    private var explore: @Sendable () -> Report

    init(_ name: String, breaks law: Law? = nil, explore: @escaping @Sendable () -> Report) {
        self.name = name
        breaks = law
        self.explore = explore
    }

    /// Explores; it takes from a moment to minutes, and memory for every world.
    package func run() -> Report {
        explore()
    }

    /// What is wrong with a report of this exploration, in words; nil if all is as it should be.
    package func complaint(about report: Report) -> String? {
        let trace = report.trace.joined(separator: "\n    ")
        switch (breaks, report.violation) {
        case (nil, let violation?): return "law \(violation.law) is broken: \(violation.text)\n    \(trace)"
        case (let law?, nil): return "nobody notices that law \(law) is broken"
        case (let law?, let violation?) where law != violation.law:
            return "law \(law) is broken, but \(violation.law) is found: \(violation.text)\n    \(trace)"
        case (.some, .some): return nil
        case (nil, nil) where !report.isComplete: return "not all was explored"
        case (nil, nil): return report.gaps.isEmpty ? nil : "never seen: \(report.gaps.joined(separator: ", "))"
        }
    }
}

/// All explorations of all machines.
extension ModelCheck {
    /// With small budgets, for every change.
    package static let small = smallSandboxChecks + smallAggregateChecks + smallSnapshotChecks + retentionChecks
    /// With large budgets, for a build that is optimized.
    package static let large = largeSandboxChecks + largeAggregateChecks + largeSnapshotChecks + retentionChecks
    /// The deliberate mistakes.
    package static let mutations = sandboxMutations + aggregateMutations + snapshotMutations + retentionMutations
}
