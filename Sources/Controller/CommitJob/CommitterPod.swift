// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider

/// What all Jobs that run the committer have in common, and their pods: where they run, what they may, and what they see of the
/// node.
struct CommitterPod {
    /// The committer in its image.
    static let program = "/usr/local/bin/stasis-committer"
    /// Where the container that holds a freeze listens.
    static let holdSocket = "/run/stasis/hold.sock"
    /// Seconds after which Kubernetes deletes a Job that has ended.
    private static let timeToLive = 300
    private static let socketInContainer = "/var/run/containerd/containerd.sock"

    var node: String
    var settings: CommitJobSettings
    /// Whether its containers meet at a socket.
    var isHeld = false
    /// Whether it speaks with a registry.
    var needsRegistry = false

    /// A Job with such a pod.
    ///
    /// - Parameters:
    ///   - request: The capture that it is for; it is in the Job, for whoever finds it.
    ///   - snapshot: What owns it.
    ///   - deadline: Seconds after which Kubernetes ends it.
    func job(
        _ name: String,
        for request: SnapshotRequest,
        of snapshot: SandboxSnapshot,
        deadline: Int,
        _ containers: [Container]
    ) -> Job {
        .with { job in
            job.metadata.name = name
            job.metadata.namespace = request.source.namespace
            job.metadata.ownerReferences = [snapshot.controllerReference()]
            job.metadata.labels = snapshot.jobLabels
            job.metadata.labels[OpenSandbox.Label.privilegedNodeAccess] = "true"
            job.metadata.annotations = [SnapshotRequest.annotationName: request.annotation]
            // Whether to try again is for the state machine to say.
            job.spec.backoffLimit = 0
            job.spec.ttlSecondsAfterFinished = Self.timeToLive
            job.spec.activeDeadlineSeconds = deadline
            // Who sees the pod go has no Job any more to look into.
            job.spec.template.metadata = .with {
                $0.labels = snapshot.jobLabels
                $0.annotations = job.metadata.annotations
            }
            job.spec.template.spec = spec(containers)
        }
    }

    /// The whole pod.
    private func spec(_ containers: [Container]) -> PodSpec {
        .with { pod in
            pod.restartPolicy = "Never"
            // Past the scheduler: the snapshot is of this node, full or cordoned as it may be.
            pod.nodeName = node
            pod.tolerations = [.with { $0.operator = "Exists" }]
            pod.automountServiceAccountToken = false
            // To look at the mounts of the sandbox's processes.
            pod.hostPID = true
            pod.containers = containers
            pod.volumes = volumes
        }
    }

    /// One of its containers.
    func container(_ name: String, _ arguments: [String], _ configure: (inout Container) -> Void = { _ in })
        -> Container
    {
        .with { container in
            container.name = name
            container.image = settings.image
            container.imagePullPolicy = "IfNotPresent"
            container.command = [Self.program]
            container.args = arguments
            container.env = [Self.variable("CONTAINERD_SOCKET", Self.socketInContainer)]
            container.volumeMounts = [Self.mount("containerd-sock", Self.socketInContainer)]
            if let root = settings.containerdRoot {
                // Where it is on the node, because containerd names it so.
                container.volumeMounts.append(Self.mount("containerd-root", root, isReadOnly: true))
            }
            if isHeld { container.volumeMounts.append(Self.mount("hold", "/run/stasis")) }
            container.securityContext = securityContext
            configure(&container)
        }
    }

    /// Where the credentials are in a container that speaks with a registry; nil if there are none.
    var credentialsMount: VolumeMount? {
        guard needsRegistry, settings.pushSecret != nil else { return nil }
        return Self.mount("registry-creds", "/var/run/opensandbox/registry", isReadOnly: true)
    }

    static func variable(_ name: String, _ value: String) -> EnvVar {
        .with {
            $0.name = name
            $0.value = value
        }
    }

    // MARK: - Parts

    private var securityContext: SecurityContext {
        .with { context in
            // containerd's socket is root's.
            context.runAsUser = 0
            context.allowPrivilegeEscalation = false
            context.readOnlyRootFilesystem = true
            context.capabilities = .with {
                $0.drop = ["ALL"]
                // To see which directories are opaque; to read files of any user; to look into the sandbox's processes.
                $0.add = ["SYS_ADMIN", "DAC_READ_SEARCH", "SYS_PTRACE"]
            }
            context.unknownFields["seccompProfile"] = RawJSON(["type": "RuntimeDefault"])
        }
    }

    private var volumes: [Volume] {
        var volumes = [hostPath("containerd-sock", settings.containerdSocket, type: "Socket")]
        if let root = settings.containerdRoot { volumes.append(hostPath("containerd-root", root, type: "Directory")) }
        if isHeld {
            volumes.append(
                .with {
                    $0.name = "hold"
                    $0.emptyDir = .with { $0.medium = "Memory" }
                }
            )
        }
        if let secret = settings.pushSecret, needsRegistry { volumes.append(credentials(secret)) }
        return volumes
    }

    private func hostPath(_ name: String, _ path: String, type: String) -> Volume {
        .with {
            $0.name = name
            $0.hostPath = .with {
                $0.path = path
                $0.type = type
            }
        }
    }

    /// The Secret's one key, under the name that Docker gives such a file.
    private func credentials(_ secret: String) -> Volume {
        .with { volume in
            volume.name = "registry-creds"
            volume.secret = .with {
                $0.secretName = secret
                $0.unknownFields["items"] = RawJSON([["key": ".dockerconfigjson", "path": "config.json"]])
            }
        }
    }

    private static func mount(_ name: String, _ path: String, isReadOnly: Bool = false) -> VolumeMount {
        .with {
            $0.name = name
            $0.mountPath = path
            $0.readOnly = isReadOnly ? true : nil
        }
    }
}
