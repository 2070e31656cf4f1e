// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What a pool must be like to be a sandbox's. The names are upstream's, as profiles have them.
public enum PoolAssignmentPredicate: Sendable, Hashable {
    /// An image of the sandbox is also one of the pool's.
    case image
    /// Of no resource the sandbox requests more than the pool does.
    case resource
    /// The pool's labels are what the sandbox demands of nodes.
    case nodeSelector
    /// Both have each of these labels, with the same value.
    case labelSelector(keys: [String])
    /// The pool may still have as many pods as the sandbox wants. Upstream has it since after v0.2.0.
    case capacity

    /// Creates one by its name in a profile; nil if there is none of that name.
    ///
    /// - Parameter arguments: What the profile has to say to it.
    /// - Throws: `JSONError` if it cannot be that.
    public init?(_ name: String, _ arguments: [String: JSONValue]) throws(JSONError) {
        switch name {
        case "image": self = .image
        case "resource": self = .resource
        case "nodeselector": self = .nodeSelector
        case "capacity": self = .capacity
        case "labelselector":
            guard let keys = arguments["keys"], keys != .null else {
                self = .labelSelector(keys: [])
                return
            }
            do {
                self = .labelSelector(keys: try keys.decoded())
            } catch {
                throw error.inside("keys").inside(name)
            }
        default: return nil
        }
    }

    /// Its name in a profile.
    public var name: String {
        switch self {
        case .image: "image"
        case .resource: "resource"
        case .nodeSelector: "nodeselector"
        case .labelSelector: "labelselector"
        case .capacity: "capacity"
        }
    }

    /// Why a pool is not what a sandbox wants; nil if it is.
    public func refusal(of offer: PoolOffer, for demand: PoolDemand) -> String? {
        switch self {
        case .image: imageRefusal(offer, demand)
        case .resource: resourceRefusal(offer, demand)
        case .nodeSelector: nodeRefusal(offer, demand)
        case .labelSelector(let keys): Self.mismatch(keys, offer.labels, demand.labels)
        case .capacity:
            offer.limit - offer.allocated >= demand.replicas
                ? nil
                : "\(offer.allocated) of at most \(offer.limit) pods are taken, and the sandbox wants \(demand.replicas)"
        }
    }

    private func imageRefusal(_ offer: PoolOffer, _ demand: PoolDemand) -> String? {
        guard !demand.images.isEmpty, demand.images.isDisjoint(with: offer.images) else { return nil }
        return "it has \(Self.list(offer.images)), and the sandbox wants \(Self.list(demand.images))"
    }

    private func resourceRefusal(_ offer: PoolOffer, _ demand: PoolDemand) -> String? {
        let lacking = demand.requests.filter { $0.value > offer.requests[$0.key] ?? 0 }.sorted { $0.key < $1.key }
        guard !lacking.isEmpty else { return nil }
        return lacking.map { name, wanted in
            "it requests \(offer.requests[name] ?? 0) of \(name), and the sandbox \(wanted)"
        }.joined(separator: ", ")
    }

    private func nodeRefusal(_ offer: PoolOffer, _ demand: PoolDemand) -> String? {
        for (key, value) in demand.nodeSelector.sorted(by: { $0.key < $1.key }) where offer.nodeLabels[key] != value {
            let own = offer.nodeLabels[key].map { "is '\($0)'" } ?? "is missing"
            return "the label \(key) \(own), and the sandbox's nodeSelector wants '\(value)'"
        }
        guard demand.nodeTerms.isEmpty || demand.nodeTerms.contains(where: { $0.matches(offer.nodeLabels) }) else {
            return "its labels are not what the sandbox's required nodeAffinity asks for"
        }
        return nil
    }

    private static func mismatch(_ keys: [String], _ pool: [String: String], _ sandbox: [String: String]) -> String? {
        for key in keys {
            guard let wanted = sandbox[key] else { return "the sandbox has no label \(key)" }
            guard let own = pool[key] else { return "it has no label \(key)" }
            if own != wanted { return "its label \(key) is '\(own)', and the sandbox's '\(wanted)'" }
        }
        return nil
    }

    private static func list(_ images: Set<String>) -> String {
        images.isEmpty ? "no image" : images.sorted().joined(separator: ", ")
    }
}
