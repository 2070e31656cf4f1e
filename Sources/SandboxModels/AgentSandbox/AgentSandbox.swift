// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// A version of upstream's API.
public protocol AgentSandboxVersion: Sendable, Hashable {
    /// Which one.
    static var version: AgentSandboxes.Version { get }
}

/// `agents.x-k8s.io/v1beta1`.
public enum AgentSandboxV1Beta1: AgentSandboxVersion {
    /// Which one.
    public static var version: AgentSandboxes.Version { .v1beta1 }
}

/// `agents.x-k8s.io/v1alpha1`, which upstream serves on for old clients.
public enum AgentSandboxV1Alpha1: AgentSandboxVersion {
    /// Which one.
    public static var version: AgentSandboxes.Version { .v1alpha1 }
}

/// One sandbox with one pod, which upstream's controller makes: `sandboxes.agents.x-k8s.io`.
public struct AgentSandbox<Version: AgentSandboxVersion>: KubeResource {
    /// Its kind, and where it is served.
    public static var resourceType: ResourceType {
        ResourceType(
            group: AgentSandboxes.group,
            version: Version.version.rawValue,
            kind: "Sandbox",
            plural: "sandboxes"
        )
    }

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wanted.
    public var spec = AgentSandboxSpec()
    /// What there is, in upstream's words. It is only read.
    public var status: AgentSandboxStatus?
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

    /// Whether it is to have no pod, in the words of its version.
    public var isSuspended: Bool {
        get {
            switch Version.version {
            case .v1beta1: spec.operatingMode == .suspended
            case .v1alpha1: spec.replicas == 0
            }
        }
        set {
            guard newValue != isSuspended else { return }
            switch Version.version {
            case .v1beta1: spec.operatingMode = newValue ? .suspended : .running
            case .v1alpha1: spec.replicas = newValue ? 0 : 1
            }
        }
    }
}

/// What is wanted of an `AgentSandbox`, in either version.
public struct AgentSandboxSpec: JSONFields {
    /// The `PodTemplateSpec` of its pod. It counts for the next pod, not for one that runs.
    public var podTemplate: RawJSON?
    /// Whether it is to have a pod. `v1beta1` only.
    public var operatingMode: AgentSandboxOperatingMode?
    /// How many pods it is to have, 0 or 1. `v1alpha1` only.
    public var replicas: Int?
    /// When upstream's controller ends it.
    public var shutdownTime: SpelledTime?
    /// Whether it is deleted then, or kept without a pod.
    public var shutdownPolicy: AgentSandboxShutdownPolicy?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("podTemplate", &podTemplate)
        try fields.field("operatingMode", &operatingMode)
        try fields.field("replicas", &replicas)
        try fields.field("shutdownTime", &shutdownTime)
        try fields.field("shutdownPolicy", &shutdownPolicy)
    }
}

/// Whether an `AgentSandbox` is to have a pod.
public struct AgentSandboxOperatingMode: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// It is. The default.
    public static let running = AgentSandboxOperatingMode(rawValue: "Running")
    /// It is not: upstream's controller deletes the pod at once.
    public static let suspended = AgentSandboxOperatingMode(rawValue: "Suspended")

    /// All there are so far.
    public static let known: [AgentSandboxOperatingMode] = [.running, .suspended]
}

/// What becomes of an `AgentSandbox` at its `shutdownTime`.
public struct AgentSandboxShutdownPolicy: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// It is deleted.
    public static let delete = AgentSandboxShutdownPolicy(rawValue: "Delete")
    /// Its pod is deleted, and it stays. The default.
    public static let retain = AgentSandboxShutdownPolicy(rawValue: "Retain")

    /// All there are so far.
    public static let known: [AgentSandboxShutdownPolicy] = [.delete, .retain]
}

/// What there is of an `AgentSandbox`. Upstream's controller alone writes it.
public struct AgentSandboxStatus: JSONFields {
    /// What is so, and what is not.
    public var conditions: [KubeModels.Condition] = []
    /// The node of its pod.
    public var nodeName: String?
    /// The addresses of its pod.
    public var podIPs: [String] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("conditions", &conditions)
        try fields.field("nodeName", &nodeName)
        try fields.field("podIPs", &podIPs)
    }
}
