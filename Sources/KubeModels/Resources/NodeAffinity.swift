// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Some nodes, by their labels: one of the `nodeSelectorTerms` of core/v1.
public struct NodeSelectorTerm: JSONFields {
    /// What their labels must be, all of it.
    public var matchExpressions: [NodeSelectorRequirement] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("matchExpressions", &matchExpressions)
    }

    /// Whether labels are as all of the expressions ask.
    public func matches(_ labels: [String: String]) -> Bool { matchExpressions.allSatisfy { $0.matches(labels) } }
}

/// What one label of a node must be.
public struct NodeSelectorRequirement: JSONFields {
    /// The label.
    public var key = ""
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
    public var `operator` = ""
    /// What it is compared with; of several, `Gt` and `Lt` take the first.
    public var values: [String] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("key", &key)
        try fields.field("operator", &`operator`)
        try fields.field("values", &values)
    }

    /// Whether labels are so. With an operator that there is none of, they never are.
    public func matches(_ labels: [String: String]) -> Bool {
        let value = labels[key]
        return switch `operator` {
        case "In": value.map { values.contains($0) } ?? false
        case "NotIn": value.map { !values.contains($0) } ?? true
        case "Exists": value != nil
        case "DoesNotExist": value == nil
        case "Gt": compares(value, >)
        case "Lt": compares(value, <)
        default: false
        }
    }

    /// Both sides are whole numbers, or it is not so.
    private func compares(_ value: String?, _ isSo: (Int64, Int64) -> Bool) -> Bool {
        guard let left = value.flatMap({ Int64($0) }), let right = values.first.flatMap({ Int64($0) }) else {
            return false
        }
        return isSo(left, right)
    }
}

extension PodSpec {
    /// The nodes that `affinity.nodeAffinity` demands: those of any of the terms, or all if there are none.
    ///
    /// - Throws: `JSONError` if it is not as the API has it. No schema checks the templates that pods are made from.
    public func requiredNodeTerms() throws(JSONError) -> [NodeSelectorTerm] {
        guard let affinity = unknownFields["affinity"], affinity.text != "null" else { return [] }
        do {
            return try affinity.decoded(as: Affinity.self).nodeAffinity?.required?.nodeSelectorTerms ?? []
        } catch {
            throw error.inside("affinity")
        }
    }
}

private struct Affinity: JSONFields {
    var nodeAffinity: NodeAffinity?
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("nodeAffinity", &nodeAffinity)
    }
}

private struct NodeAffinity: JSONFields {
    var required: NodeSelector?
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("requiredDuringSchedulingIgnoredDuringExecution", &required)
    }
}

private struct NodeSelector: JSONFields {
    var nodeSelectorTerms: [NodeSelectorTerm] = []
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("nodeSelectorTerms", &nodeSelectorTerms)
    }
}
