// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// How good a pool is among those that would do. The names are upstream's, as profiles have them.
public enum PoolAssignmentScorer: Sendable, Hashable {
    /// By how much of it sandboxes have.
    case resourceBalance(Strategy)

    /// Which pools are better.
    public enum Strategy: String, Sendable, Hashable, CaseIterable {
        /// Those of which the smaller part is taken.
        case leastAllocated = "LeastAllocated"
        /// Those of which the larger part is taken.
        case mostAllocated = "MostAllocated"
    }

    /// Creates one by its name in a profile; nil if there is none of that name.
    ///
    /// - Parameter arguments: What the profile has to say to it.
    /// - Throws: `JSONError` if it cannot be that.
    public init?(_ name: String, _ arguments: [String: JSONValue]) throws(JSONError) {
        guard name == "resbalance" else { return nil }
        // What is no text, or an empty one, counts as not said, as it does upstream.
        guard let text = arguments["strategy"]?.string, !text.isEmpty else {
            self = .resourceBalance(.leastAllocated)
            return
        }
        guard let strategy = Strategy(rawValue: text) else {
            let known = Strategy.allCases.map(\.rawValue).joined(separator: " or ")
            throw JSONError("is '\(text.prefix(80))', not \(known)", path: [name, "strategy"])
        }
        self = .resourceBalance(strategy)
    }

    /// From 0 to 1, and beyond that if more is wanted of a pool than it has. A pool without pods has 0.
    public func score(of offer: PoolOffer) -> Double {
        guard offer.total != 0 else { return 0 }
        let ratio = Double(offer.allocated) / Double(offer.total)
        return switch self {
        case .resourceBalance(.leastAllocated): 1 - ratio
        case .resourceBalance(.mostAllocated): ratio
        }
    }
}
