// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A machine that runs pods (core/v1).
public struct Node: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: "",
        version: "v1",
        kind: "Node",
        plural: "nodes",
        scope: .cluster
    )

    /// Name, labels and so on.
    public var metadata = ObjectMeta()
    /// What it shall do.
    public var spec: NodeSpec?
    /// What it is and does.
    public var status: NodeStatus?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
        try fields.field("status", &status)
    }
}

/// What a node shall do.
public struct NodeSpec: JSONFields {
    /// Whether it gets no new pods.
    public var unschedulable: Bool?
    /// Its name in the cloud that it is from.
    public var providerID: String?
    /// What pods must not mind.
    public var taints: [Taint] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("unschedulable", &unschedulable)
        try fields.field("providerID", &providerID)
        try fields.field("taints", &taints)
    }
}

/// Something about a node that pods must not mind.
public struct Taint: JSONFields {
    /// What it is about.
    public var key = ""
    /// Its value.
    public var value: String?
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    public var effect = ""
    /// Since when it drives pods out.
    public var timeAdded: Timestamp?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("key", &key)
        try fields.field("value", &value)
        try fields.field("effect", &effect)
        try fields.field("timeAdded", &timeAdded)
    }
}

/// What a node is and does.
public struct NodeStatus: JSONFields {
    /// `Ready`, `DiskPressure` and others.
    public var conditions: [Condition] = []
    /// Where it is reached.
    public var addresses: [NodeAddress] = []
    /// What it has.
    public var capacity: [String: Quantity] = [:]
    /// What pods may have of that.
    public var allocatable: [String: Quantity] = [:]
    /// Its software.
    public var nodeInfo: NodeSystemInfo?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("conditions", &conditions)
        try fields.field("addresses", &addresses)
        try fields.field("capacity", &capacity)
        try fields.field("allocatable", &allocatable)
        try fields.field("nodeInfo", &nodeInfo)
    }
}

/// Where a node is reached.
public struct NodeAddress: JSONFields {
    /// `InternalIP`, `Hostname` and others.
    public var type = ""
    /// The address.
    public var address = ""
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("type", &type)
        try fields.field("address", &address)
    }
}

/// A node's software.
public struct NodeSystemInfo: JSONFields {
    /// What `/etc/machine-id` says.
    public var machineID = ""
    /// A new one after each start.
    public var bootID = ""
    /// Its kernel.
    public var kernelVersion = ""
    /// Its distribution.
    public var osImage = ""
    /// What runs its containers: `containerd://1.6.20`.
    public var containerRuntimeVersion = ""
    /// Its kubelet.
    public var kubeletVersion = ""
    /// `linux`.
    public var operatingSystem = ""
    /// `amd64`.
    public var architecture = ""
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("machineID", &machineID)
        try fields.field("bootID", &bootID)
        try fields.field("kernelVersion", &kernelVersion)
        try fields.field("osImage", &osImage)
        try fields.field("containerRuntimeVersion", &containerRuntimeVersion)
        try fields.field("kubeletVersion", &kubeletVersion)
        try fields.field("operatingSystem", &operatingSystem)
        try fields.field("architecture", &architecture)
    }
}
