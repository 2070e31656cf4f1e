// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What a `BatchSandbox` wants of its pool: what its template says, if it has one.
public struct PoolDemand: Sendable, Hashable {
    /// Its own labels.
    public var labels: [String: String] = [:]
    /// How many pods.
    public var replicas = 1
    /// The images of its containers.
    public var images: Set<String> = []
    /// What its containers request together.
    public var requests: [String: Quantity] = [:]
    /// What labels of a node must be.
    public var nodeSelector: [String: String] = [:]
    /// What labels of a node must be as well, in one of these ways if there are any.
    public var nodeTerms: [NodeSelectorTerm] = []

    /// The demand of a sandbox.
    ///
    /// - Throws: `JSONError` if its template is none.
    public init(of sandbox: BatchSandbox) throws(JSONError) {
        labels = sandbox.metadata.labels
        replicas = sandbox.spec.replicas
        guard let template = try sandbox.spec.podTemplate() else { return }
        images = template.images
        requests = template.requests
        nodeSelector = template.spec.nodeSelector
        nodeTerms = try template.spec.requiredNodeTerms()
    }
}

/// What a `Pool` has to offer.
public struct PoolOffer: Sendable, Hashable {
    /// Its own labels.
    public var labels: [String: String]
    /// The labels that stand for those of its nodes: its own, and above them the node selector of its template.
    public var nodeLabels: [String: String]
    /// The images of its containers.
    public var images: Set<String> = []
    /// What its containers request together.
    public var requests: [String: Quantity] = [:]
    /// How many pods sandboxes have, or will.
    public var allocated: Int
    /// How many pods there are.
    public var total: Int
    /// How many pods there may be.
    public var limit: Int

    /// The offer of a pool.
    ///
    /// - Parameter promised: How many pods those want or have, as far as is known, who have got the pool. Its status may not count
    ///   them yet.
    /// - Throws: `JSONError` if its template is none.
    public init(of pool: Pool, promised: Int = 0) throws(JSONError) {
        labels = pool.metadata.labels
        nodeLabels = pool.metadata.labels
        allocated = max(pool.status?.allocated ?? 0, promised)
        total = pool.status?.total ?? 0
        limit = pool.spec.capacitySpec.poolMax
        guard let template = try pool.spec.podTemplate() else { return }
        images = template.images
        requests = template.requests
        nodeLabels.merge(template.spec.nodeSelector) { $1 }
    }
}

extension PodTemplateSpec {
    /// The images of its containers.
    fileprivate var images: Set<String> { Set(spec.containers.compactMap(\.image).filter { !$0.isEmpty }) }

    /// What its containers request together.
    fileprivate var requests: [String: Quantity] {
        spec.containers.reduce(into: [:]) { $0.merge($1.resources?.requests ?? [:], uniquingKeysWith: +) }
    }
}
