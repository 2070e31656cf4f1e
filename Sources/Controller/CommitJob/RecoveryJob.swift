// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider

/// A Job that does on the node what the holder of a freeze would have done, had it not died.
struct RecoveryJob: Hashable {
    /// What is to be done.
    enum Purpose: Hashable {
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

    /// The Job's name.
    var name: String {
        switch purpose {
        case .unpause: snapshot.unpauseJobName
        case .release: snapshot.releaseJobName
        }
    }

    /// The object to create.
    var manifest: Job {
        let pod = CommitterPod(node: request.source.node, settings: settings)
        let container = pod.container(Self.containerName, arguments) {
            $0.env.append(CommitterPod.variable("STASIS_POD_UID", request.source.podUID))
        }
        return pod.job(name, for: request, of: snapshot, deadline: Self.timeout, [container])
    }

    private var arguments: [String] {
        switch purpose {
        case .unpause:
            ["unpause", request.source.pod, request.source.namespace] + request.source.containers.map(\.name)
        case .release: ["release", request.uid]
        }
    }
}

/// How far a recovery Job is.
enum RecoveryOutcome: Hashable {
    /// There is none.
    case none
    /// It is on its way.
    case active
    /// It has done it, or there was nothing to do.
    case done
    /// What was to be thawed is sealed.
    case sealed
    /// It has failed; it may be tried again.
    case failed(Problem)

    /// - Parameters:
    ///   - job: The Job, if there is one.
    ///   - pod: Its pod, if it is there already, or still.
    init(job: Job?, pod: Pod?, of request: SnapshotRequest) {
        guard let job, job.request?.uid == request.uid else {
            self = .none
            return
        }
        let status = pod?.status?.containerStatuses.first { $0.name == RecoveryJob.containerName }
        if let ended = status?.state?.terminated {
            let error = ended.message.flatMap { CommitMessage($0) }?.error
            switch (ended.exitCode, error?.reason) {
            case (0, _), (_, "ContainerGone"): self = .done
            case (_, "Sealed"): self = .sealed
            default:
                self = .failed(
                    Problem(
                        error?.reason ?? "RecoveryFailed",
                        error?.message ?? "The Job \(job.metadata.name) ended with exit code \(ended.exitCode)."
                    )
                )
            }
        } else if job.status?.conditions.isTrue("Failed") == true {
            self = .failed(Problem("RecoveryFailed", "The Job \(job.metadata.name) has failed. Look at its events."))
        } else {
            self = .active
        }
    }
}
