// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// Something that a role of `deploy/` lets the controller do, and that it needs. A test compares these with the roles.
struct ControllerRight: Sendable, Hashable {
    /// Where it holds.
    enum Place: Sendable, Hashable {
        /// Wherever there are sandboxes.
        case sandboxes
        /// For things that are in no namespace.
        case cluster
        /// In the controller's own namespace.
        case own
        /// In the namespace of the lease.
        case lease
    }

    /// What has to be so for it to be needed.
    enum Need: Sendable, Hashable {
        case always
        case dialect(SandboxDialect)
        case leaderElection
        case secureMetrics
        /// It makes messages better, and nothing else.
        case advisable
    }

    /// Which objects.
    enum Names: Sendable, Hashable {
        case all
        case these([String])
        /// The Secrets with the logins, which flags name.
        case logins
    }

    var group: String
    /// With a subresource after a slash.
    var resources: [String]
    var verbs: [String]
    var names = Names.all
    var place = Place.sandboxes
    var need = Need.always

    init(
        _ group: String,
        _ resources: [String],
        _ verbs: [String],
        _ names: Names = .all,
        in place: Place = .sandboxes,
        if need: Need = .always
    ) {
        self.group = group
        self.resources = resources
        self.verbs = verbs
        self.names = names
        self.place = place
        self.need = need
    }
}

extension ControllerRight {
    /// All of them.
    static let all = controller + leader + metrics + kruise + agentSandbox

    /// Those of deploy/controller/controller-role.yaml.
    static let controller: [ControllerRight] = [
        ControllerRight(openSandbox, ["batchsandboxes"], ["get", "list", "watch", "patch", "delete"]),
        ControllerRight(openSandbox, ["sandboxsnapshots"], ["get", "list", "watch", "create", "patch", "delete"]),
        ControllerRight(openSandbox, ["pools"], ["get", "list", "watch", "patch"]),
        ControllerRight(openSandbox, ["batchsandboxes/status", "sandboxsnapshots/status", "pools/status"], ["patch"]),
        ControllerRight(
            openSandbox,
            ["batchsandboxes/finalizers", "sandboxsnapshots/finalizers", "pools/finalizers"],
            ["update"]
        ),
        ControllerRight("", ["pods"], ["get", "list", "watch", "create", "patch", "delete"]),
        ControllerRight("", ["pods/exec"], ["get", "create"]),
        ControllerRight("batch", ["jobs"], ["list", "watch", "create", "delete"]),
        ControllerRight("node.k8s.io", ["runtimeclasses"], ["get"], in: .cluster, if: .advisable),
        ControllerRight("", ["events"], ["create", "patch"]),
        ControllerRight("", ["secrets"], ["get"], .logins),
        ControllerRight(
            "apiextensions.k8s.io",
            ["customresourcedefinitions"],
            ["get"],
            .these(SandboxDialect.openSandbox.kinds.joined().map(\.qualifiedPlural)),
            in: .cluster,
            if: .advisable
        ),
        ControllerRight(
            "",
            ["configmaps"],
            ["get", "list", "watch"],
            .these([AssignmentProfiles.name]),
            in: .own,
            if: .advisable
        ),
    ]

    /// Those of deploy/controller/leader-role.yaml.
    static let leader: [ControllerRight] = [
        ControllerRight("coordination.k8s.io", ["leases"], ["create"], in: .lease, if: .leaderElection),
        ControllerRight(
            "coordination.k8s.io",
            ["leases"],
            ["get", "update"],
            .these([ControllerManager.leaseName]),
            in: .lease,
            if: .leaderElection
        ),
    ]

    /// Those of deploy/controller/metrics-roles.yaml.
    static let metrics: [ControllerRight] = [
        ControllerRight("authentication.k8s.io", ["tokenreviews"], ["create"], in: .cluster, if: .secureMetrics),
        ControllerRight("authorization.k8s.io", ["subjectaccessreviews"], ["create"], in: .cluster, if: .secureMetrics),
    ]

    /// Those of deploy/kruise/controller.
    static let kruise: [ControllerRight] = [
        ControllerRight(
            kruiseGroup,
            ["sandboxes", "sandboxtemplates"],
            ["get", "list", "watch", "create", "patch", "delete"],
            if: .dialect(.kruise)
        ),
        ControllerRight(
            kruiseGroup,
            ["sandboxsets", "sandboxclaims", "checkpoints"],
            ["get", "list", "watch", "patch", "delete"],
            if: .dialect(.kruise)
        ),
        ControllerRight(
            kruiseGroup,
            ["sandboxes/status", "sandboxsets/status", "sandboxclaims/status", "checkpoints/status"],
            ["patch"],
            if: .dialect(.kruise)
        ),
        ControllerRight(
            kruiseGroup,
            ["sandboxes/finalizers", "sandboxsets/finalizers", "sandboxclaims/finalizers", "checkpoints/finalizers"],
            ["update"],
            if: .dialect(.kruise)
        ),
        ControllerRight("", ["persistentvolumeclaims"], ["get", "create"], if: .dialect(.kruise)),
    ]

    /// Those of deploy/agent-sandbox/controller.
    static let agentSandbox: [ControllerRight] = [
        ControllerRight(
            "agents.x-k8s.io",
            ["sandboxes"],
            ["get", "list", "watch", "patch"],
            if: .dialect(.agentSandbox)
        ),
        ControllerRight("agents.x-k8s.io", ["sandboxes/finalizers"], ["update"], if: .dialect(.agentSandbox)),
        ControllerRight(
            "extensions.agents.x-k8s.io",
            ["sandboxtemplates"],
            ["list"],
            if: .dialect(.agentSandbox)
        ),
    ]

    static let openSandbox = OpenSandbox.group
    private static let kruiseGroup = Kruise.group
}
