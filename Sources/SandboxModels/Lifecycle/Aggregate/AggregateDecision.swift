// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What was decided about the members of an aggregate and about the whole.
public struct AggregateDecision: Sendable, Hashable {
    /// How many replicas are where.
    public struct Counts: Sendable, Hashable {
        /// Replicas, whatever their phase.
        public var replicas = 0
        /// Those that run and are seen to.
        public var ready = 0
        /// Those of which only the artifact is left.
        public var paused = 0
        /// Those that ended or got lost by themselves, or never came up.
        public var failed = 0
    }

    /// What to do about one member.
    public struct MemberActions: Sendable, Hashable {
        /// The identity of the member.
        public var identity: String
        /// Its place.
        public var index: Int
        /// What to do, as `Decision.actions`.
        public var actions: [Action]
    }

    /// What to write down, before anything else and all at once.
    public var record: AggregateRecord
    /// What to tell of the whole, one of each `Condition.Kind`, in its order.
    public var conditions: [Condition]
    /// How many replicas are where.
    public var counts: Counts
    /// What to do once the record is written, for each member that has something to be done.
    public var actions: [MemberActions]
    /// When to decide again even if nothing else is observed before. Always later than the time of the decision.
    public var wakeAt: Date?
}

/// What the owner of an aggregate asked for.
public struct AggregateIntent: Sendable, Hashable, Codable {
    /// What is wanted of all replicas; the timers are those of the whole.
    public var intent: Intent
    /// How many are wanted. A change is acted upon while they run: nothing is created or deleted for it during a pause.
    public var replicas: Int

    /// Creates an intent.
    public init(_ intent: Intent, replicas: Int) {
        self.intent = intent
        self.replicas = replicas
    }
}
