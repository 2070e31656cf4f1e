// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

public import struct Foundation.Date

/// Decides how many pods a pool is to have, and which ones go.
///
/// How many are created at a time is bounded by how many are not ready: as long as those that were created do not come up, no
/// more are, whatever is asked for.
public struct PoolScale: Sendable, Hashable {
    private let spec: PoolSpec
    private let revision: String

    /// Seconds for which a pod that has ended is left: an end that comes again with each new one costs no more than that.
    public static let endedPatience: Double = 60

    /// What was decided.
    public struct Decision: Sendable, Hashable {
        /// How many pods are to be created.
        public var create = 0
        /// The pods that are to be deleted. None of them is a sandbox's.
        public var delete: [String] = []
        /// When to look again if nothing happens.
        public var wakeAt: Date?

        /// Creates one that changes nothing.
        public init() {}
    }

    /// Creates the scale of a pool.
    ///
    /// - Parameter revision: The revision of its template.
    public init(_ spec: PoolSpec, revision: String) {
        self.spec = spec
        self.revision = revision
    }

    /// Decides.
    ///
    /// - Parameters:
    ///   - pods: All pods of the pool.
    ///   - taken: Those that sandboxes have or are promised.
    ///   - missing: How many pods sandboxes lack.
    ///   - now: The time.
    public func decide(_ pods: [PoolPod], taken: Set<String>, missing: Int, now: Date) -> Decision {
        var decision = Decision()
        let there = pods.filter { !$0.isTerminating }
        let idle = there.filter { !$0.isEvicted && !taken.contains($0.name) }.sorted { $0.goes(before: $1) }
        let allocated = there.count { taken.contains($0.name) }
        let notReady = (there.count { !taken.contains($0.name) && !$0.isEvicted && $0.state != .ready })

        var leaving = Set(ended(idle, &decision, now))
        leaving.formUnion(outdated(idle.filter { !leaving.contains($0.name) }, of: there.count, notReady: notReady))
        let kept = idle.filter { !leaving.contains($0.name) }

        let wanted = max(allocated + missing + buffer(idle.count), spec.capacitySpec.poolMin)
        let surplus = allocated + kept.count - wanted
        if surplus > 0 { leaving.formUnion(kept.prefix(surplus).map(\.name)) }
        decision.delete = idle.map(\.name).filter(leaving.contains)
        // Those that are to be deleted are there until they are being deleted.
        let room = spec.capacitySpec.poolMax - there.count + decision.delete.count
        let pace = limit(spec.scaleStrategy, of: wanted) - notReady + ended(among: idle, in: leaving)
        decision.create = max(0, min(-surplus, room, pace))
        return decision
    }

    /// Idle pods that have ended, and that long enough ago.
    private func ended(_ idle: [PoolPod], _ decision: inout Decision, _ now: Date) -> [String] {
        var gone: [String] = []
        for pod in idle where pod.state == .ended {
            let end = pod.created.addingTimeInterval(Self.endedPatience)
            if end <= now {
                gone.append(pod.name)
            } else {
                decision.wakeAt = min(decision.wakeAt ?? end, end)
            }
        }
        return gone
    }

    /// What is not ready and goes is not waited for.
    private func ended(among idle: [PoolPod], in leaving: Set<String>) -> Int {
        idle.count { $0.state != .ready && leaving.contains($0.name) }
    }

    /// Idle pods of an older template that go now: those that are not ready in any case, of the others as many as may be missing.
    private func outdated(_ idle: [PoolPod], of total: Int, notReady: Int) -> [String] {
        let old = idle.filter { $0.revision != revision }
        let unready = old.filter { $0.state != .ready }
        let budget = max(0, limit(spec.updateStrategy, of: total) - notReady)
        return unready.map(\.name) + old.filter { $0.state == .ready }.prefix(budget).map(\.name)
    }

    /// How many pods are to wait idle: as many as do, unless these are too few or too many.
    private func buffer(_ idle: Int) -> Int {
        let (least, most) = (spec.capacitySpec.bufferMin, spec.capacitySpec.bufferMax)
        return idle < least || idle > most ? (least + most) / 2 : idle
    }

    private func limit(_ rollout: PoolRollout?, of whole: Int) -> Int {
        max(1, (rollout?.maxUnavailable ?? "25%").scaled(of: whole) ?? 1)
    }
}
