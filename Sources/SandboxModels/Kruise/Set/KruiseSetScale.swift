// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

public import struct Foundation.Date

/// A sandbox of a set, as far as the set decides by it.
public struct KruiseSetMember: Sendable, Hashable {
    /// How it is for the set.
    public enum State: Sendable, Hashable {
        /// It is not ready.
        case creating
        /// It can be claimed.
        case available
        /// It is of no use any more.
        case dead
        /// The set has begun to take it away.
        case leaving
        /// Somebody has it, or it is being deleted: it is none of the set's business.
        case gone
    }

    /// Its name.
    public var name: String
    /// How it is.
    public var state: State
    /// Whether it is of the present template.
    public var isUpdated: Bool
    /// Whether its pod does not run.
    public var isPending = false
    /// How often it came back to its set.
    public var recycled = 0
    /// When it was created.
    public var created: Date

    /// Creates one.
    public init(name: String, state: State, isUpdated: Bool = true, created: Date) {
        self.name = name
        self.state = state
        self.isUpdated = isUpdated
        self.created = created
    }

    /// What a sandbox is for its set.
    ///
    /// - Parameter revision: That of the set's template.
    public init(_ sandbox: KruiseSandbox, revision: String, at now: Date) {
        name = sandbox.metadata.name
        isUpdated = sandbox.metadata.labels[Kruise.Label.templateHash] == revision
        created = sandbox.metadata.creationTimestamp?.date ?? now
        recycled = sandbox.status?.recycledCount ?? 0
        isPending = sandbox.status?.phase.map { $0 == .pending } ?? true
        let isLocked = sandbox.metadata.annotations[Kruise.Annotation.lock] != nil
        if sandbox.metadata.deletionTimestamp != nil || !sandbox.isInSet {
            state = .gone
        } else if isLocked, sandbox.metadata.annotations[Kruise.Annotation.owner] == Kruise.scaleDownOwner {
            state = .leaving
        } else if isLocked || sandbox.metadata.labels[Kruise.Label.sandboxClaimed] == "true" {
            state = .gone
        } else {
            switch sandbox.state(at: now).state {
            case .available, .running: state = .available
            case .creating, .paused: state = .creating
            case .dead: state = .dead
            }
        }
    }

    /// Which goes first when there are too many.
    fileprivate func goes(before other: KruiseSetMember) -> Bool {
        if isUpdated != other.isUpdated { return !isUpdated }
        if isPending != other.isPending { return isPending }
        if recycled != other.recycled { return recycled > other.recycled }
        if (state == .available) != (other.state == .available) { return state != .available }
        return (created, name) < (other.created, other.name)
    }
}

/// Decides how many sandboxes a set is to have made, and which ones go.
public struct KruiseSetScale: Sendable, Hashable {
    private let replicas: Int
    private let growth: IntOrString?
    private let update: IntOrString
    private let patience: Double

    /// Seconds from its creation for which a sandbox that has ended is left: an end that comes again with each new one costs no
    /// more than that.
    public static let endedPatience: Double = 10

    /// What was decided.
    public struct Decision: Sendable, Hashable {
        /// How many sandboxes are to be made.
        public var create = 0
        /// Those that are taken away. Whoever claims one first has it.
        public var remove: [String] = []
        /// Those that are of no use, or are being taken away already.
        public var delete: [String] = []
        /// When to look again if nothing happens.
        public var wakeAt: Date?

        /// Creates one that changes nothing.
        public init() {}
    }

    /// Creates the scale of a set.
    ///
    /// - Parameter patience: Seconds from its creation for which one that has ended is left.
    public init(_ spec: KruiseSandboxSetSpec, patience: Double = Self.endedPatience) {
        replicas = max(0, spec.replicas)
        growth = spec.scaleStrategy?.maxUnavailable
        update = spec.updateStrategy?.maxUnavailable ?? "20%"
        self.patience = patience
    }

    /// Decides.
    public func decide(_ members: [KruiseSetMember], now: Date) -> Decision {
        var decision = Decision()
        var waiting = 0
        for member in members where member.state == .dead {
            let end = member.created.addingTimeInterval(patience)
            if end <= now {
                decision.delete.append(member.name)
            } else {
                waiting += 1
                decision.wakeAt = min(decision.wakeAt ?? end, end)
            }
        }
        decision.delete += members.filter { $0.state == .leaving }.map(\.name)
        let live = members.filter { $0.state == .creating || $0.state == .available }.sorted { $0.goes(before: $1) }
        let surplus = live.count - replicas
        if surplus > 0 {
            decision.remove = live.prefix(surplus).map(\.name)
        } else {
            decision.remove = outdated(live)
        }
        let left = live.filter { !decision.remove.contains($0.name) }
        let creating = left.count { $0.state == .creating } + waiting
        // Those that go are replaced when they are gone, so that there are never more than are wanted.
        let missing = replicas - live.count - waiting
        let room = growth?.scaled(of: replicas).map { $0 - creating } ?? missing
        decision.create = max(0, min(missing, room))
        return decision
    }

    /// Those of an older template that go now: all that are not ready, of the others as many as may be missing.
    private func outdated(_ live: [KruiseSetMember]) -> [String] {
        let old = live.filter { !$0.isUpdated }
        let ready = live.count { $0.state == .available }
        let budget = max(0, ready - (replicas - (update.scaled(of: replicas) ?? 0)))
        return old.filter { $0.state != .available }.map(\.name)
            + old.filter { $0.state == .available }.sorted { ($0.created, $0.name) < ($1.created, $1.name) }
            .prefix(budget).map(\.name)
    }
}
