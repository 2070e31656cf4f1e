// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// Which pool a `BatchSandbox` gets that has left the choice to the controller (`spec.poolRef` is `*`).
public enum PoolAssignment: Sendable, Hashable {
    /// The one of this name.
    case pool(String)
    /// None, and why not, by the names of the pools.
    case none([PoolRefusal])

    /// Chooses among the pools that every predicate of the profile lets pass the one with the highest score; of equal ones
    /// that whose name comes first.
    ///
    /// - Parameters:
    ///   - sandbox: Whose pool.
    ///   - pools: All of its namespace, in any order.
    ///   - profile: What counts.
    ///   - promised: By the names of the pools, how many pods those want or have, as far as is known, who have got one.
    /// - Throws: `JSONError` if the template of the sandbox is none.
    public static func choose(
        for sandbox: BatchSandbox,
        among pools: [Pool],
        _ profile: PoolAssignmentProfile,
        promised: [String: Int] = [:]
    ) throws(JSONError) -> PoolAssignment {
        let demand = try PoolDemand(of: sandbox)
        var refusals: [PoolRefusal] = []
        var best: (name: String, score: Double)?
        for pool in pools.sorted(by: { $0.metadata.name < $1.metadata.name }) {
            switch judge(pool, demand, profile, promised: promised[pool.metadata.name] ?? 0) {
            case .failure(let refusal): refusals.append(refusal)
            case .success(let score):
                if let best, best.score >= score { continue }
                best = (pool.metadata.name, score)
            }
        }
        return best.map { .pool($0.name) } ?? .none(refusals)
    }

    private static func judge(
        _ pool: Pool,
        _ demand: PoolDemand,
        _ profile: PoolAssignmentProfile,
        promised: Int
    ) -> Result<Double, PoolRefusal> {
        func refusal(_ predicate: String?, _ reason: String) -> Result<Double, PoolRefusal> {
            .failure(PoolRefusal(pool: pool.metadata.name, predicate: predicate, reason: reason))
        }
        guard pool.metadata.deletionTimestamp == nil else { return refusal(nil, "it is being deleted") }
        let offer: PoolOffer
        do {
            offer = try PoolOffer(of: pool, promised: promised)
        } catch {
            return refusal(nil, "its spec.template is no template of pods: \(error)")
        }
        for predicate in profile.predicates {
            if let reason = predicate.refusal(of: offer, for: demand) { return refusal(predicate.name, reason) }
        }
        return .success(profile.scorers.reduce(0) { $0 + $1.scorer.score(of: offer) * Double($1.weight) })
    }
}

/// Why a pool is not the one.
public struct PoolRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The pool.
    public var pool: String
    /// The predicate that has refused it; nil if it did not come to that.
    public var predicate: String?
    /// Why, as the rest of a sentence about it.
    public var reason: String

    /// Creates one.
    public init(pool: String, predicate: String?, reason: String) {
        self.pool = pool
        self.predicate = predicate
        self.reason = reason
    }

    /// All of it.
    public var description: String { "\(pool)\(predicate.map { " (\($0))" } ?? ""): \(reason)" }
}

extension BatchSandbox {
    /// What `spec.poolRef` says to leave the choice to the controller.
    public static let anyPool = "*"

    /// Whether it is to be told its pool.
    public var awaitsPool: Bool { spec.poolRef == Self.anyPool && metadata.deletionTimestamp == nil }
}
