// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider

/// A Job that does on the node what the holder of a freeze would have done, had it not died.
struct RecoveryJob: Hashable {
    /// What is to be done, in a word.
    enum Purpose: String, CaseIterable {
        /// Thaw, unless it is sealed.
        case unpause
        /// Kill what is sealed.
        case release
    }

    /// The name of the Job's container.
    static let containerName = "recover"
    /// Seconds after which Kubernetes ends it.
    private static let timeout = 120

    var purpose: Purpose
    var request: SnapshotRequest
    var snapshot: SandboxSnapshot
    var settings: CommitJobSettings

    /// The Job to run.
    var job: NodeJob {
        let pod = CommitterPod(settings: settings)
        let container = pod.container(Self.containerName, arguments) {
            $0.env.append(EnvVar("STASIS_POD_UID", request.source.podUID))
        }
        return pod.job(purpose.rawValue, for: request, of: snapshot, deadline: Self.timeout, [container])
    }

    private var arguments: [String] {
        switch purpose {
        case .unpause:
            ["unpause", request.source.pod, request.source.namespace] + request.source.containers.map(\.name)
        case .release: ["release", request.uid]
        }
    }
}

/// What has come of a recovery Job.
enum RecoveryOutcome: Hashable {
    /// It has done it, or there was nothing to do.
    case done
    /// What was to be thawed is sealed.
    case sealed
    /// It has failed; it may be tried again.
    case failed(Problem)

    /// - Parameter end: How its container has ended.
    init(_ end: NodeJobEnd) {
        let error = end.message.flatMap { CommitMessage($0) }?.error
        switch (end.exitCode, error?.reason) {
        case (0, _), (_, "ContainerGone"): self = .done
        case (_, "Sealed"): self = .sealed
        default:
            self = .failed(
                Problem(
                    error?.reason ?? "RecoveryFailed",
                    error?.message ?? "It ended with exit code \(end.exitCode)."
                )
            )
        }
    }
}
