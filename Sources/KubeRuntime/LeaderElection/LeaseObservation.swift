// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// What a candidate knows of a lease: its last state, and since when it has seen that one by its own clock. Pure.
///
/// The times in the lease are by somebody else's clock and are never compared. A holder is taken for gone when nothing has
/// changed for as long as the lease lasts.
struct LeaseObservation: Sendable {
    /// What a candidate can do.
    enum Step: Hashable {
        /// There is no lease: create this one.
        case create(Lease)
        /// Nobody holds it, or we do: replace it by this one.
        case replace(Lease)
        /// Somebody else holds it, at least until then.
        case wait(until: Duration)
    }

    let identity: String
    let timing: ElectionTiming
    private(set) var lease: Lease?
    /// When this state was first seen.
    private(set) var since: Duration = .zero

    init(identity: String, timing: ElectionTiming) {
        self.identity = identity
        self.timing = timing
    }

    /// Who holds it; `nil` if nobody does.
    var holder: String? {
        guard let holder = lease?.spec.holderIdentity, !holder.isEmpty else { return nil }
        return holder
    }

    /// Takes note of the lease's state; `nil` if there is none.
    mutating func observe(_ newer: Lease?, at now: Duration) {
        // Other parts of it, such as labels, are no sign of life.
        if newer?.spec != lease?.spec || newer?.metadata.uid != lease?.metadata.uid { since = now }
        lease = newer
    }

    /// What to do at a time.
    func step(at now: Duration, wallTime: MicroTime) -> Step {
        guard var next = lease else {
            return .create(.with { $0.spec = taken(LeaseSpec(), wallTime, transitions: 0) })
        }
        if holder == identity {
            next.spec.renewTime = wallTime
            next.spec.leaseDurationSeconds = timing.leaseSeconds
            return .replace(next)
        }
        if holder != nil {
            let seconds = next.spec.leaseDurationSeconds.map { max($0, 1) } ?? timing.leaseSeconds
            let end = since + .seconds(seconds)
            if now < end { return .wait(until: end) }
        }
        next.spec = taken(next.spec, wallTime, transitions: (next.spec.leaseTransitions ?? 0) + 1)
        return .replace(next)
    }

    /// The lease as it is when we let it go.
    func released(wallTime: MicroTime) -> Lease? {
        guard holder == identity, var next = lease else { return nil }
        next.spec.holderIdentity = ""
        next.spec.leaseDurationSeconds = 1
        next.spec.acquireTime = wallTime
        next.spec.renewTime = wallTime
        return next
    }

    private func taken(_ spec: LeaseSpec, _ wallTime: MicroTime, transitions: Int) -> LeaseSpec {
        var spec = spec
        spec.holderIdentity = identity
        spec.leaseDurationSeconds = timing.leaseSeconds
        spec.acquireTime = wallTime
        spec.renewTime = wallTime
        spec.leaseTransitions = transitions
        return spec
    }
}
