// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider

/// How far a commit Job is, as its objects tell it.
enum CommitJobOutcome: Hashable {
    /// There is no such Job, or it is of another capture and has to go first.
    case none
    /// It is on its way; in these words.
    case active(String)
    /// It has stored everything.
    case succeeded(Artifact)
    /// It will not.
    case failed(Problem)

    /// Why a container that has not started never will.
    private static let hopeless: Set<String> = [
        "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
    ]

    /// - Parameters:
    ///   - job: The Job of the snapshot, if there is one.
    ///   - pod: Its pod, if it is there already, or still.
    ///   - request: The capture.
    ///   - provider: Who captures.
    ///   - platform: What is captured, as OCI spells it.
    init(job: Job?, pod: Pod?, of request: SnapshotRequest, provider: String, platform: String) {
        guard let job, job.request?.uid == request.uid else {
            self = .none
            return
        }
        let commit = pod?.status?.containerStatuses.first { $0.name == CommitJob.ContainerName.commit }
        if let ended = commit?.state?.terminated {
            self = Self.ended(ended, of: request, provider: provider, platform: platform)
        } else if let failed = job.status?.conditions.first(where: { $0.type == "Failed" && $0.status == "True" }) {
            self = .failed(
                Problem(
                    "CommitJobFailed",
                    "The commit Job \(job.metadata.name) has failed (\(failed.reason ?? "no reason is given")): "
                        + "\(failed.message ?? "look at its pod"). Try again."
                )
            )
        } else if let waiting = commit?.state?.waiting, let reason = waiting.reason, Self.hopeless.contains(reason) {
            self = .failed(
                Problem(
                    "CommitterNotStarted",
                    "The committer does not start (\(reason)): \(waiting.message ?? "no message is given"). Look at "
                        + "--image-committer-image and at the events of the pod \(pod?.metadata.name ?? "of the Job")."
                )
            )
        } else if commit?.state?.running != nil {
            self = .active("Committing")
        } else {
            self = .active("Starting")
        }
    }

    private static func ended(
        _ ended: ContainerStateTerminated,
        of request: SnapshotRequest,
        provider: String,
        platform: String
    ) -> CommitJobOutcome {
        let message = ended.message.flatMap { CommitMessage($0) }
        if ended.exitCode == 0 {
            let containers = request.source.containers.map(\.name)
            if let artifact = message?.artifact(of: containers, provider: provider, platform: platform) {
                return .succeeded(artifact)
            }
            return .failed(
                Problem(
                    "CommitResultMissing",
                    "The committer has ended well but left no digest for each of \(containers.joined(separator: ", ")). "
                        + "Look at its log, and whether --image-committer-image is one of this version."
                )
            )
        }
        if let error = message?.error {
            return .failed(Problem(error.reason, error.message + advice(on: error.reason, request)))
        }
        return .failed(
            Problem(
                ended.reason == "OOMKilled" ? "CommitterOutOfMemory" : "CommitterEnded",
                "The committer ended with exit code \(ended.exitCode)"
                    + (ended.reason.map { " (\($0))" } ?? "") + " before it was done. Look at its log, and try again."
            )
        )
    }
}

extension CommitJobOutcome {
    /// What its user can do about a failure that the committer does not know the cause of.
    private static func advice(on reason: String, _ request: SnapshotRequest) -> String {
        guard reason == "FreezeLost", let limit = request.source.freezeLimit else { return "" }
        return ". A liveness probe of the pod allows a freeze of \(limit) seconds, failureThreshold less one times "
            + "periodSeconds: make the registry faster or the probe more patient"
    }
}

extension Job {
    /// The capture that this Job is for; nil if it is no commit Job of ours.
    var request: SnapshotRequest? {
        metadata.annotations[SnapshotRequest.annotationName].flatMap { SnapshotRequest(annotation: $0) }
    }
}
