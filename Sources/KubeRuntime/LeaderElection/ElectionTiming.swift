// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How long a leader may be silent.
public struct ElectionTiming: Sendable, Hashable {
    /// How long others wait after they have seen the lease change, by their own clocks, before they take it. Whole seconds.
    public var leaseDuration: Duration
    /// How long the leader goes on without having renewed the lease. Then its work is cancelled. The rest of the lease's duration
    /// is what the work has to end in.
    public var renewDeadline: Duration
    /// How often candidates look at the lease and the leader renews it.
    public var retryPeriod: Duration

    /// Creates timings; as they are, they are those of client-go.
    ///
    /// The lease must last longer than the leader goes on without it, and that must be longer than the period of trying.
    public init(
        leaseDuration: Duration = .seconds(15),
        renewDeadline: Duration = .seconds(10),
        retryPeriod: Duration = .seconds(2)
    ) {
        precondition(
            leaseDuration > renewDeadline,
            "a lease must last longer than its holder goes on without renewing it"
        )
        precondition(renewDeadline > retryPeriod, "a leader must be able to try more than once")
        precondition(retryPeriod > .zero, "trying without a pause floods the server")
        self.leaseDuration = leaseDuration
        self.renewDeadline = renewDeadline
        self.retryPeriod = retryPeriod
    }

    /// As leases say it, rounded up.
    var leaseSeconds: Int {
        let (seconds, rest) = leaseDuration.components
        return Int(seconds) + (rest > 0 ? 1 : 0)
    }
}
