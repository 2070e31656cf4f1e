// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// An address that leads to pods (core/v1).
public struct Service: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(group: "", version: "v1", kind: "Service", plural: "services")

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// Where it leads.
    public var spec: ServiceSpec?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
    }
}

/// Where a service leads.
public struct ServiceSpec: JSONFields {
    /// `ClusterIP` (the default), `NodePort`, `LoadBalancer` or `ExternalName`.
    public var type: String?
    /// Its address; `None` for a service that has only names.
    public var clusterIP: String?
    /// Labels of the pods that it leads to.
    public var selector: [String: String] = [:]
    /// Its ports.
    public var ports: [ServicePort] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("type", &type)
        try fields.field("clusterIP", &clusterIP)
        try fields.field("selector", &selector)
        try fields.field("ports", &ports)
    }
}

/// A port of a service.
public struct ServicePort: JSONFields {
    /// Its name.
    public var name: String?
    /// `TCP` (the default), `UDP` or `SCTP`.
    public var `protocol`: String?
    /// Its number.
    public var port = 0
    /// The pods' port, by number or name; the same number by default.
    public var targetPort: IntOrString?
    /// The nodes' port that leads to it.
    public var nodePort: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("protocol", &`protocol`)
        try fields.field("port", &port)
        try fields.field("targetPort", &targetPort)
        try fields.field("nodePort", &nodePort)
    }
}
