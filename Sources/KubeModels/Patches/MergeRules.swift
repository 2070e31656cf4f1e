// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How a strategic merge patch merges the lists of a kind of object. What is not said is replaced as a whole, and objects are
/// merged member by member.
public struct MergeRules: Sendable, Hashable {
    /// How a list is merged.
    public enum List: Sendable, Hashable {
        /// It is replaced as a whole.
        case atomic
        /// Elements that are not there yet are added.
        case set
        /// Elements with the same value of this member are merged, others are added.
        case map(key: String)
    }

    /// How the value is merged if it is a list.
    public var list: List
    /// What is said about members of the value, or of its elements if it is a list.
    public var members: [String: MergeRules]

    /// Creates rules.
    public init(list: List = .atomic, members: [String: MergeRules] = [:]) {
        self.list = list
        self.members = members
    }

    /// No list is merged.
    public static let plain = MergeRules()
}

/// What the API of core/v1 says in its `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`.
extension MergeRules {
    /// A list whose elements are told apart by one of their members.
    public static func map(_ key: String, _ members: [String: MergeRules] = [:]) -> MergeRules {
        MergeRules(list: .map(key: key), members: members)
    }

    /// Of a pod.
    public static let pod = MergeRules(members: [
        "metadata": objectMeta, "spec": podSpec,
        "status": MergeRules(members: ["conditions": map("type"), "podIPs": map("ip"), "hostIPs": map("ip")]),
    ])

    /// Of what every object has.
    public static let objectMeta = MergeRules(members: [
        "finalizers": MergeRules(list: .set), "ownerReferences": map("uid"),
    ])

    /// Of what a pod shall run.
    public static let podSpec = MergeRules(members: [
        "containers": containers, "initContainers": containers, "ephemeralContainers": containers,
        "volumes": map("name"), "imagePullSecrets": map("name"), "hostAliases": map("ip"),
        "topologySpreadConstraints": map("topologyKey"), "schedulingGates": map("name"), "resourceClaims": map("name"),
    ])

    private static let containers = map("name", container)

    /// Of a container.
    public static let container: [String: MergeRules] = [
        "env": map("name"), "ports": map("containerPort"), "volumeMounts": map("mountPath"),
        "volumeDevices": map("devicePath"),
    ]
}
