// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// Names of pods that a `BatchSandbox` has of a pool, or gives back, as its annotations carry them: `{"pods":["a","b"]}`.
public struct PodAllocation: JSONFields {
    /// The pods. In `alloc-status` the place of a name is its index; in the others the order says nothing.
    public var pods: [String] = []
    /// The pool that they are of, in `alloc-status`. Upstream has it since after v0.2.0.
    public var poolRef: String?
    /// The generation of the `BatchSandbox` that they were allocated for, in `alloc-status`. Upstream has it since after
    /// v0.2.0.
    public var generation: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Creates one for some pods.
    public init(pods: [String]) { self.pods = pods }

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        // Written even if there are none, as upstream does.
        var names: [String]? = pods
        try fields.field("pods", &names)
        pods = names ?? []
        try fields.field("poolRef", &poolRef)
        try fields.field("generation", &generation)
    }
}

extension BatchSandbox {
    /// The pods that one of the annotations `alloc-status`, `alloc-release` and `alloc-released` names; none if it has no such
    /// annotation.
    ///
    /// - Throws: `JSONError` if it is no such list. Nothing may be concluded from it then: pods that are taken would look free.
    public func allocation(_ annotation: String) throws(JSONError) -> PodAllocation {
        guard let text = metadata.annotations[annotation], !text.isEmpty else { return PodAllocation() }
        return try PodAllocation(json: text)
    }
}

/// The addresses of the pods of a `BatchSandbox`, by index, as its annotation carries them: `["10.244.1.5",""]`.
public struct EndpointsAnnotation: Sendable, Hashable {
    /// An address for each pod, empty if it has none yet.
    public var addresses: [String]

    /// Creates one.
    public init(addresses: [String]) { self.addresses = addresses }

    /// Reads the annotation.
    ///
    /// - Throws: `JSONError` if it is no list of strings.
    public init(_ text: String) throws(JSONError) { addresses = try [String](json: text) }

    /// The annotation.
    public var text: String { addresses.jsonText }

    /// What the annotation is to become; `nil` if there is to be none. As upstream does, one is first written when there is an
    /// address, and is empty rather than gone afterwards.
    public static func updated(from old: String?, addresses: [String]) -> String? {
        let isWorthWriting = addresses.contains { !$0.isEmpty }
        return isWorthWriting || old != nil ? EndpointsAnnotation(addresses: addresses).text : nil
    }
}
