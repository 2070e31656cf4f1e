// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import Synchronization

/// How many pods of each pool those want, or have, who have got it.
///
/// A pool's status counts pods when they are allocated, and is told a moment after that. Of many sandboxes that are to be told their
/// pools at once, each would find all pools as they were before the first. So choices are made one after the other, and each counts
/// from the moment at which it is made, before it is written down.
final class PoolPromises: Sendable {
    private struct Promise {
        var pool: String
        var replicas: Int
        /// Whether it was chosen here, and not seen in the sandbox yet.
        var isNew: Bool
    }

    private struct State {
        var promises: [ObjectKey: Promise] = [:]
        var sums: [ObjectKey: Int] = [:]

        mutating func set(_ promise: Promise?, of sandbox: ObjectKey) {
            if let old = promises[sandbox] { add(-old.replicas, to: old.pool, sandbox) }
            promises[sandbox] = promise
            if let promise { add(promise.replicas, to: promise.pool, sandbox) }
        }

        private mutating func add(_ replicas: Int, to pool: String, _ sandbox: ObjectKey) {
            let key = ObjectKey(namespace: sandbox.namespace, name: pool)
            let sum = (sums[key] ?? 0) + replicas
            sums[key] = sum == 0 ? nil : sum
        }
    }

    private let state = Mutex(State())

    /// Chooses a pool for a sandbox, while nobody else chooses.
    ///
    /// - Parameter choice: Chooses, told how many pods of each pool of the namespace are wanted, by their names.
    func choose(
        for sandbox: BatchSandbox,
        among pools: [Pool],
        _ choice: (_ promised: [String: Int]) throws(JSONError) -> PoolAssignment
    ) throws(JSONError) -> PoolAssignment {
        try state.withLock { state throws(JSONError) in
            let key = sandbox.key
            state.set(nil, of: key)
            let promised = pools.reduce(into: [String: Int]()) { promised, pool in
                promised[pool.metadata.name] = state.sums[pool.key]
            }
            let answer = try choice(promised)
            if case .pool(let pool) = answer {
                state.set(Promise(pool: pool, replicas: max(0, sandbox.spec.replicas), isNew: true), of: key)
            }
            return answer
        }
    }

    /// What was chosen could not be written down.
    func takeBack(_ sandbox: ObjectKey) {
        state.withLock { state in
            if state.promises[sandbox]?.isNew == true { state.set(nil, of: sandbox) }
        }
    }

    /// Takes note of what a sandbox wants.
    func note(_ change: Change<BatchSandbox>) {
        let sandbox = change.object
        state.withLock { state in
            if case .deleted = change { return state.set(nil, of: change.key) }
            // It gives back what it has, and the pool's status counts that.
            guard sandbox.metadata.deletionTimestamp == nil, let pool = sandbox.spec.poolRef, !pool.isEmpty else {
                return state.set(nil, of: change.key)
            }
            guard pool != BatchSandbox.anyPool else {
                // The choice is under way, and an older state of the sandbox is told of.
                if state.promises[change.key]?.isNew != true { state.set(nil, of: change.key) }
                return
            }
            let promise = Promise(pool: pool, replicas: max(0, sandbox.spec.replicas), isNew: false)
            state.set(promise, of: change.key)
        }
    }
}
