// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Containers that run together on one node (core/v1).
public struct Pod: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(group: "", version: "v1", kind: "Pod", plural: "pods")

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What shall run.
    public var spec = PodSpec()
    /// What runs.
    public var status: PodStatus?
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

/// What pods are made from.
public struct PodTemplateSpec: JSONFields {
    /// Labels and annotations that the pods get.
    public var metadata: ObjectMeta?
    /// What shall run.
    public var spec = PodSpec()
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

/// What a pod shall run, and where.
public struct PodSpec: JSONFields {
    /// The containers. All run at the same time.
    public var containers: [Container] = []
    /// Containers that run before, one after the other.
    public var initContainers: [Container] = []
    /// What containers can mount.
    public var volumes: [Volume] = []
    /// The node that it runs on, once that is decided.
    public var nodeName: String?
    /// Labels that the node must have.
    public var nodeSelector: [String: String] = [:]
    /// `Always` (the default), `OnFailure` or `Never`.
    public var restartPolicy: String?
    /// How long its processes have to end when it is deleted; 30 by default.
    public var terminationGracePeriodSeconds: Int?
    /// After how many seconds it fails if it still runs.
    public var activeDeadlineSeconds: Int?
    /// Whose rights its processes have in the cluster.
    public var serviceAccountName: String?
    /// Whether those rights are given to each container as a file.
    public var automountServiceAccountToken: Bool?
    /// Logins to pull images with.
    public var imagePullSecrets: [LocalObjectReference] = []
    /// Whether it uses the node's network.
    public var hostNetwork: Bool?
    /// Whether it sees the node's processes.
    public var hostPID: Bool?
    /// Whether it shares memory with the node's processes.
    public var hostIPC: Bool?
    /// Whether its containers see one another's processes, and through them their files.
    public var shareProcessNamespace: Bool?
    /// The RuntimeClass that it runs under, such as one of gVisor or Kata.
    public var runtimeClassName: String?
    /// Its priority.
    public var priorityClassName: String?
    /// Who chooses its node.
    public var schedulerName: String?
    /// The name of its host, if not the pod's.
    public var hostname: String?
    /// The domain of its host.
    public var subdomain: String?
    /// Taints of nodes that it does not mind.
    public var tolerations: [Toleration] = []
    /// Users, groups and rights of all containers.
    public var securityContext: PodSecurityContext?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("containers", &containers)
        try fields.field("initContainers", &initContainers)
        try fields.field("volumes", &volumes)
        try fields.field("nodeName", &nodeName)
        try fields.field("nodeSelector", &nodeSelector)
        try fields.field("restartPolicy", &restartPolicy)
        try fields.field("terminationGracePeriodSeconds", &terminationGracePeriodSeconds)
        try fields.field("activeDeadlineSeconds", &activeDeadlineSeconds)
        try fields.field("serviceAccountName", &serviceAccountName)
        try fields.field("automountServiceAccountToken", &automountServiceAccountToken)
        try fields.field("imagePullSecrets", &imagePullSecrets)
        try fields.field("hostNetwork", &hostNetwork)
        try fields.field("hostPID", &hostPID)
        try fields.field("hostIPC", &hostIPC)
        try fields.field("shareProcessNamespace", &shareProcessNamespace)
        try fields.field("runtimeClassName", &runtimeClassName)
        try fields.field("priorityClassName", &priorityClassName)
        try fields.field("schedulerName", &schedulerName)
        try fields.field("hostname", &hostname)
        try fields.field("subdomain", &subdomain)
        try fields.field("tolerations", &tolerations)
        try fields.field("securityContext", &securityContext)
    }
}

/// A taint that a pod does not mind.
public struct Toleration: JSONFields {
    /// The taint's key; `nil` for any.
    public var key: String?
    /// `Equal` (the default) or `Exists`.
    public var `operator`: String?
    /// The taint's value.
    public var value: String?
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; `nil` for any.
    public var effect: String?
    /// How long it does not mind being where it is.
    public var tolerationSeconds: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("key", &key)
        try fields.field("operator", &`operator`)
        try fields.field("value", &value)
        try fields.field("effect", &effect)
        try fields.field("tolerationSeconds", &tolerationSeconds)
    }
}

/// Users, groups and rights of all of a pod's containers.
public struct PodSecurityContext: JSONFields {
    /// The user of its processes.
    public var runAsUser: Int?
    /// Their first group.
    public var runAsGroup: Int?
    /// Whether root is refused.
    public var runAsNonRoot: Bool?
    /// The group that volumes are given.
    public var fsGroup: Int?
    /// Further groups.
    public var supplementalGroups: [Int] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("runAsUser", &runAsUser)
        try fields.field("runAsGroup", &runAsGroup)
        try fields.field("runAsNonRoot", &runAsNonRoot)
        try fields.field("fsGroup", &fsGroup)
        try fields.field("supplementalGroups", &supplementalGroups)
    }
}
