// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import SandboxModels
import SnapshotProvider

public import struct Foundation.Date

/// The Job as Kubernetes wants it.
extension CommitJob {
    /// Seconds beyond the freeze's deadline in which what was sealed can be released before Kubernetes ends the Job.
    private static let releaseTime = 120
    /// The most that the committer takes for a freeze, in seconds.
    private static let longestFreeze = 86_400

    /// The object to create.
    ///
    /// - Parameter now: The present.
    public func manifest(now: Date) -> Job {
        pod.job(
            name,
            for: request,
            of: snapshot,
            deadline: activeDeadline(now),
            [commitContainer] + (request.isHeld ? [holdContainer] : [])
        )
    }

    private func activeDeadline(_ now: Date) -> Int {
        guard case .holdFrozen(let until) = request.afterwards else { return settings.timeout }
        return max(settings.timeout, Int(until.timeIntervalSince(now).rounded(.up)) + Self.releaseTime)
    }

    private var pod: CommitterPod {
        CommitterPod(node: request.source.node, settings: settings, isHeld: request.isHeld, needsRegistry: true)
    }

    private var commitContainer: Container {
        pod.container(ContainerName.commit, [request.source.pod, request.source.namespace]) { container in
            // A tag may have moved since; without a digest the committer asks containerd.
            for captured in request.source.containers where captured.image.contains("@sha256:") {
                container.args += ["--base", "\(captured.name)=\(captured.image)"]
            }
            container.args += request.source.containers.map { "\($0.name):\($0.target)" }
            container.env += [
                CommitterPod.variable("STASIS_SNAPSHOT_UID", request.uid),
                CommitterPod.variable("STASIS_SANDBOX", request.source.sandbox),
                CommitterPod.variable("STASIS_POD_UID", request.source.podUID),
                CommitterPod.variable("NODE_NAME", request.source.node),
            ]
            if settings.isRegistryInsecure {
                container.env.append(CommitterPod.variable("SNAPSHOT_REGISTRY_INSECURE", "true"))
            }
            if case .holdFrozen(let until) = request.afterwards {
                container.env += [
                    CommitterPod.variable("STASIS_HOLD_SOCKET", CommitterPod.holdSocket),
                    CommitterPod.variable("STASIS_FREEZE_UNTIL", until.formatted(.iso8601)),
                ]
            }
            if let limit = request.source.freezeLimit, limit > 0 {
                container.env.append(
                    CommitterPod.variable("STASIS_FREEZE_SECONDS", String(min(limit, Self.longestFreeze)))
                )
            }
            if let mount = pod.credentialsMount { container.volumeMounts.append(mount) }
        }
    }

    private var holdContainer: Container {
        pod.container(ContainerName.hold, ["hold", "--listen", CommitterPod.holdSocket])
    }
}

extension SnapshotRequest {
    /// Whether the sandbox stays frozen after the capture.
    var isHeld: Bool {
        if case .holdFrozen = afterwards { true } else { false }
    }
}

extension SandboxSnapshot {
    /// The labels of its Jobs and of their pods: as documented, and as shipped.
    var jobLabels: [String: String] {
        [OpenSandbox.Label.snapshot: labelValue, OpenSandbox.Label.sandboxSnapshotName: labelValue]
    }
}
