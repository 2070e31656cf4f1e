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
    /// The key that it signs with, in the folder where the Secret is mounted.
    static let signingKey = "\(signingFolder)/key.pem"
    private static let signingFolder = "/var/run/stasis/signing"
    private static let socketInContainer = "/var/run/containerd/containerd.sock"
    /// Below containerd's root: what its snapshotter has, and nothing of its other parts.
    private static let snapshotterFolder = "io.containerd.snapshotter.v1.overlayfs"
    /// What reading a filesystem takes: to see which directories are opaque; to read files of any user; to look into the sandbox's
    /// processes. The committer checks at its start that it has them.
    private static let readingCapabilities = ["SYS_ADMIN", "DAC_READ_SEARCH", "SYS_PTRACE"]

    var settings: CommitJobSettings
    /// Whether one of its containers reads filesystems itself. All others need nothing but containerd's socket.
    var reads = false
    /// Whether its containers meet at a socket.
    var isHeld = false
    /// Whether it speaks with a registry.
    var needsRegistry = false
    /// Whether it signs what it stores, if there is a key.
    var signs = false

    /// The whole pod.
    func spec(_ containers: [Container]) -> PodSpec {
        .with { pod in
            // To look at the mounts of the sandbox's processes.
            if snapshots != nil { pod.hostPID = true }
            pod.containers = containers
            pod.volumes = volumes
        }
    }

    /// A Job with such a pod.
    ///
    /// - Parameters:
    ///   - task: What it does, in a word.
    ///   - request: The capture that it is for.
    ///   - snapshot: What owns it.
    ///   - deadline: Seconds after which Kubernetes ends it.
    func job(
        _ task: String,
        for request: SnapshotRequest,
        of snapshot: SandboxSnapshot,
        deadline: Int,
        _ containers: [Container]
    ) -> NodeJob {
        let environment = request.requestID.map { [EnvVar("STASIS_REQUEST_ID", $0)] } ?? []
        let containers = containers.map { container in
            var container = container
            container.env += environment
            return container
        }
        var job = NodeJob(task, for: request, deadline: deadline, pod: spec(containers))
        job.name = snapshot.jobName(task)
        job.snapshot = snapshot
        job.labels[OpenSandbox.Label.privilegedNodeAccess] = "true"
        return job
    }

    /// One of its containers.
    ///
    /// - Parameter reads: Whether it is the one that reads filesystems.
    func container(
        _ name: String,
        _ arguments: [String],
        reads: Bool = false,
        _ configure: (inout Container) -> Void = { _ in }
    ) -> Container {
        .with { container in
            container.name = name
            container.image = settings.image
            container.imagePullPolicy = "IfNotPresent"
            container.command = [Self.program]
            container.args = arguments
            container.env = [EnvVar("CONTAINERD_SOCKET", Self.socketInContainer)]
            container.volumeMounts = [VolumeMount("containerd-sock", at: Self.socketInContainer)]
            if reads, let snapshots {
                // Where it is on the node, because containerd names it so.
                container.volumeMounts.append(VolumeMount("containerd-snapshots", at: snapshots, isReadOnly: true))
            }
            if isHeld { container.volumeMounts.append(VolumeMount("hold", at: "/run/stasis")) }
            container.securityContext = securityContext(reads: reads && snapshots != nil)
            configure(&container)
        }
    }

    /// Where the credentials are in a container that speaks with a registry; nil if there are none.
    var credentialsMount: VolumeMount? {
        guard needsRegistry, settings.pushSecret != nil else { return nil }
        return VolumeMount("registry-creds", at: "/var/run/opensandbox/registry", isReadOnly: true)
    }

    /// Where the key is in a container that signs; nil if there is none.
    var signingKeyMount: VolumeMount? {
        guard signs, settings.signingSecret != nil else { return nil }
        return VolumeMount("signing-key", at: Self.signingFolder, isReadOnly: true)
    }

    // MARK: - Parts

    /// The folder of the snapshots on the node; nil if nothing is to be read there.
    private var snapshots: String? {
        guard reads, let root = settings.containerdRoot, !root.isEmpty else { return nil }
        return (root.hasSuffix("/") ? String(root.dropLast()) : root) + "/" + Self.snapshotterFolder
    }

    private func securityContext(reads: Bool) -> SecurityContext {
        // containerd's socket is root's.
        var context = SecurityContext(rootWith: reads ? Self.readingCapabilities : [])
        context.readOnlyRootFilesystem = true
        context.unknownFields["seccompProfile"] = RawJSON(["type": "RuntimeDefault"])
        // Where SELinux is on, a container's usual type may neither connect to containerd nor read what is another container's.
        // Where it is off, nobody looks at this.
        context.unknownFields["seLinuxOptions"] = RawJSON(["type": "spc_t"])
        return context
    }

    private var volumes: [Volume] {
        var volumes = [Volume("containerd-sock", ofNode: settings.containerdSocket, type: "Socket")]
        if let snapshots { volumes.append(Volume("containerd-snapshots", ofNode: snapshots, type: "Directory")) }
        if isHeld {
            volumes.append(
                .with {
                    $0.name = "hold"
                    $0.emptyDir = .with { $0.medium = "Memory" }
                }
            )
        }
        if let secret = settings.pushSecret, needsRegistry { volumes.append(credentials(secret)) }
        if let secret = settings.signingSecret, signs {
            volumes.append(
                .with { volume in
                    volume.name = "signing-key"
                    volume.secret = .with {
                        $0.secretName = secret
                        // Where it is missing the committer says so; the kubelet would wait for it in silence.
                        $0.optional = true
                    }
                }
            )
        }
        return volumes
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
}
