// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What the machine decided about one sandbox.
public struct Decision: Sendable, Hashable {
    /// What to write down, before anything else. Equal to the record that was given if there is nothing new.
    public var record: Recorded
    /// What to tell, one of each `Condition.Kind`, in its order.
    public var conditions: [Condition]
    /// What to do once the record is written, in this order; they may also be done side by side.
    public var actions: [Action]
    /// When to decide again even if nothing else is observed before. Always later than the time of the decision.
    public var wakeAt: Date?

    /// Creates a decision.
    public init(record: Recorded, conditions: [Condition], actions: [Action], wakeAt: Date? = nil) {
        self.record = record
        self.conditions = conditions
        self.actions = actions
        self.wakeAt = wakeAt
    }
}
