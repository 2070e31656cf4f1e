// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider

public import struct Foundation.Date

/// The Job as Kubernetes wants it.
extension CommitJob {
    /// Seconds beyond the freeze's deadline in which what was sealed can be released before Kubernetes ends the Job.
    private static let releaseTime = 120
    /// The most that the committer takes for a freeze, in seconds.
    private static let longestFreeze = 86_400

    /// The Job to run.
    ///
    /// - Parameter now: The present.
    public func job(now: Date) -> NodeJob {
        pod.job(
            Self.task,
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
        CommitterPod(settings: settings, reads: true, isHeld: request.isHeld, needsRegistry: true, signs: true)
    }

    private var commitContainer: Container {
        pod.container(
            ContainerName.commit,
            [request.source.pod, request.source.namespace],
            reads: true
        ) { container in
            // A tag may have moved since; without a digest the committer asks containerd.
            for captured in request.source.containers where captured.image.contains("@sha256:") {
                container.args += ["--base", "\(captured.name)=\(captured.image)"]
            }
            container.args += request.source.containers.map { "\($0.name):\($0.target)" }
            container.env += [
                EnvVar("STASIS_SNAPSHOT_UID", request.uid),
                EnvVar("STASIS_SANDBOX", request.source.sandbox),
                EnvVar("STASIS_POD_UID", request.source.podUID),
                EnvVar("NODE_NAME", request.source.node),
            ]
            if settings.isRegistryInsecure {
                container.env.append(EnvVar("SNAPSHOT_REGISTRY_INSECURE", "true"))
            }
            if case .holdFrozen(let until) = request.afterwards {
                container.env += [
                    EnvVar("STASIS_HOLD_SOCKET", CommitterPod.holdSocket),
                    EnvVar("STASIS_FREEZE_UNTIL", until.formatted(.iso8601)),
                ]
            }
            if let limit = request.source.freezeLimit, limit > 0 {
                container.env.append(EnvVar("STASIS_FREEZE_SECONDS", String(min(limit, Self.longestFreeze))))
            }
            if let executions = request.executions {
                container.env.append(EnvVar("STASIS_CONTAINERS", executions))
            }
            if let mount = pod.signingKeyMount {
                container.env.append(EnvVar("STASIS_SIGNING_KEY", CommitterPod.signingKey))
                container.volumeMounts.append(mount)
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
