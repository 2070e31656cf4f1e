// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Decides which sandbox gets which pod.
///
/// It is fair: as long as there are too few, each that waits gets one in turn, beginning with the one that has waited longest. So
/// a large sandbox keeps no small one waiting, and none waits for ever.
public enum PoolAllocator {
    /// How many pods one batch reserves at most: an annotation has its limits.
    public static let mostReserved = 1000

    /// What was decided.
    public struct Decision: Sendable, Hashable {
        /// What the ledger is to be.
        public var ledger: PoolLedger
        /// Whether it has to be written before anything else: a reservation is new.
        public var reserves: Bool
        /// What is reserved and does not stand in a sandbox's annotation, as far as can be seen: to be written there, after the
        /// ledger.
        public var grants: [PoolLedger.Reservation]
        /// How many pods each sandbox lacks, by UID.
        public var shortages: [String: Int]
        /// The pods that some sandbox has, or is promised.
        public var taken: Set<String>
    }

    /// Decides.
    ///
    /// - Parameters:
    ///   - ledger: What is promised.
    ///   - sandboxes: All that want pods of the pool, or have some.
    ///   - pods: The pool's pods.
    ///   - excluded: Pods that nobody may get: what a sandbox left in them is unknown.
    ///   - revision: The present one, whose pods go first.
    public static func decide(
        _ ledger: PoolLedger,
        _ sandboxes: [PooledSandbox],
        _ pods: [PoolPod],
        excluded: Set<String> = [],
        revision: String = ""
    ) -> Decision {
        let known = Dictionary(sandboxes.map { ($0.uid, $0) }) { first, _ in first }
        var ledger = ledger
        ledger.reservations.removeAll { isKept($0, by: known[$0.uid]) }
        let grants = ledger.reservations
        var taken = Set(sandboxes.flatMap(\.held))
        var promised: [String: Int] = [:]
        for reservation in ledger.reservations {
            taken.formUnion(reservation.pods)
            promised[reservation.uid, default: 0] += reservation.pods.count
        }
        let free = pods.filter {
            $0.state == .ready && !$0.isTerminating && !$0.isEvicted && !taken.contains($0.name)
                && !excluded.contains($0.name)
        }
        .sorted { left, right in
            let (isOld, isOtherOld) = (left.revision == revision ? 0 : 1, right.revision == revision ? 0 : 1)
            return (isOld, left.created, left.name) < (isOtherOld, right.created, right.name)
        }
        .map(\.name)
        let queue = sandboxes.filter { !$0.isLeaving }
            .map { Waiting($0, needs: $0.replicas - $0.allocated.count - promised[$0.uid, default: 0]) }
            .filter { $0.needs > 0 }
            .sorted { ($0.sandbox.created, $0.sandbox.name) < ($1.sandbox.created, $1.sandbox.name) }
        let room = mostReserved - promised.values.reduce(0, +)
        let new = share(free.prefix(max(0, room)), among: queue)
        ledger.reservations += new
        taken.formUnion(new.flatMap(\.pods))
        let served = Dictionary(uniqueKeysWithValues: new.map { ($0.uid, $0.pods.count) })
        var shortages: [String: Int] = [:]
        for waiting in queue {
            let missing = waiting.needs - served[waiting.sandbox.uid, default: 0]
            if missing > 0 { shortages[waiting.sandbox.uid] = missing }
        }
        return Decision(
            ledger: ledger,
            reserves: !new.isEmpty,
            grants: grants + new,
            shortages: shortages,
            taken: taken
        )
    }

    /// Whether a promise was kept, or there is nobody to keep it to.
    private static func isKept(_ reservation: PoolLedger.Reservation, by sandbox: PooledSandbox?) -> Bool {
        guard let sandbox else { return true }
        return Set(reservation.pods).isSubset(of: sandbox.allocated)
    }

    private struct Waiting {
        let sandbox: PooledSandbox
        let needs: Int

        init(_ sandbox: PooledSandbox, needs: Int) {
            self.sandbox = sandbox
            self.needs = needs
        }
    }

    /// Gives one pod to each in turn, until there is none left or nobody who wants one.
    private static func share(_ free: ArraySlice<String>, among queue: [Waiting]) -> [PoolLedger.Reservation] {
        var shares = Array(repeating: 0, count: queue.count)
        var left = free.count
        var hungry = Array(queue.indices)
        while left > 0, !hungry.isEmpty {
            for index in hungry.prefix(left) { shares[index] += 1 }
            left -= min(left, hungry.count)
            hungry.removeAll { shares[$0] == queue[$0].needs }
        }
        var rest = free
        return queue.indices.filter { shares[$0] > 0 }.map { index in
            defer { rest = rest.dropFirst(shares[index]) }
            return PoolLedger.Reservation(
                sandbox: queue[index].sandbox.name,
                uid: queue[index].sandbox.uid,
                pods: Array(rest.prefix(shares[index]))
            )
        }
    }
}
