// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What an exploration found.
package struct Report: Sendable {
    /// Worlds that were reached.
    package var states = 0
    /// Steps from one to another.
    package var transitions = 0
    /// Worlds in which nothing happens any more by itself.
    package var settled = 0
    /// Whether every world within the budget was reached and none breaks a law.
    package var isComplete = false
    /// The law that is broken, and how.
    package var violation: Violation?
    /// What led to that, one event after the other.
    package var trace: [String] = []
    /// What should have happened somewhere and did not: what never happens shows nothing.
    package var gaps: [String] = []

    var neverHappened: [String] = []
}

/// A law that was broken, and how.
package struct Violation: Sendable {
    /// Which one.
    package var law: Law
    /// What was seen.
    package var text: String

    init(_ law: Law, _ text: String) {
        self.law = law
        self.text = text
    }
}
