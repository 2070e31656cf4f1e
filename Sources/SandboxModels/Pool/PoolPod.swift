// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

public import struct Foundation.Date

/// What a pool has to know of one of its pods.
public struct PoolPod: Sendable, Hashable {
    /// How far a pod is, in the order in which pods are given up.
    public enum State: Int, Sendable, Hashable, Comparable {
        /// It has ended, and will not run again.
        case ended
        /// It waits for a node.
        case unscheduled
        /// Its containers are being started.
        case starting
        /// It runs and is not ready.
        case unready
        /// It can be given to a sandbox.
        case ready

        /// By how much would be lost.
        public static func < (left: State, right: State) -> Bool { left.rawValue < right.rawValue }
    }

    /// Its name, which no other pod of the pool ever has.
    public var name: String
    /// How far it is.
    public var state: State
    /// Whether it is being deleted.
    public var isTerminating: Bool
    /// Whether it is to go as soon as no sandbox has it.
    public var isEvicted: Bool
    /// The revision of the template that it was made from.
    public var revision: String
    /// When it was created.
    public var created: Date
    /// How often its containers were started again.
    public var restarts: Int

    /// Creates one.
    public init(
        name: String,
        state: State,
        isTerminating: Bool = false,
        isEvicted: Bool = false,
        revision: String = "",
        created: Date = Date(timeIntervalSince1970: 0),
        restarts: Int = 0
    ) {
        self.name = name
        self.state = state
        self.isTerminating = isTerminating
        self.isEvicted = isEvicted
        self.revision = revision
        self.created = created
        self.restarts = restarts
    }

    /// What a pod says of itself.
    ///
    /// - Parameter isEvicted: What whoever decides about evictions says of it.
    public init(_ pod: Pod, isEvicted: Bool) {
        self.init(
            name: pod.metadata.name,
            state: Self.state(of: pod),
            isTerminating: pod.metadata.deletionTimestamp != nil,
            isEvicted: isEvicted,
            revision: pod.metadata.labels[OpenSandbox.Label.poolRevision] ?? "",
            created: pod.metadata.creationTimestamp?.date ?? Date(timeIntervalSince1970: 0),
            restarts: pod.status?.containerStatuses.reduce(0) { $0 + $1.restartCount } ?? 0
        )
    }

    private static func state(of pod: Pod) -> State {
        switch pod.status?.phase {
        case "Succeeded", "Failed": .ended
        case "Running": pod.status?.conditions.isTrue("Ready") == true ? .ready : .unready
        default: pod.spec.nodeName == nil ? .unscheduled : .starting
        }
    }

    /// Whether it goes before another one: what is not ready first, then the oldest.
    func goes(before other: PoolPod) -> Bool {
        (state, created, other.restarts, name) < (other.state, other.created, restarts, other.name)
    }
}
