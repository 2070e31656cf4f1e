// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

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

    /// - Parameters:
    ///   - outcome: How far the container is that commits.
    ///   - name: The Job's name.
    ///   - request: The capture.
    ///   - provider: Who captures.
    ///   - platform: What is captured, as OCI spells it.
    init(_ outcome: NodeJobOutcome, of name: String, for request: SnapshotRequest, provider: String, platform: String) {
        switch outcome {
        case .none: self = .none
        case .starting: self = .active("Starting")
        case .running: self = .active("Committing")
        case .ended(let end): self = Self.ended(end, of: request, provider: provider, platform: platform)
        case .failed(let reason, let message):
            let advice =
                outcome.lacksRoom
                ? "There was no room for it on the node \(request.source.node), again and again: make some there, then try again."
                : "Try again."
            self = .failed(
                Problem(
                    "CommitJobFailed",
                    "The commit Job \(name) has failed (\(reason ?? "no reason is given")): "
                        + "\(message ?? "look at its pod"). \(advice)"
                )
            )
        case .stuck(let reason, let message):
            self = .failed(
                Problem(
                    "CommitterNotStarted",
                    "The committer does not start (\(reason)): \(message ?? "no message is given"). Look at "
                        + "--image-committer-image and at the events of the pod of the Job \(name)."
                )
            )
        }
    }

    private static func ended(
        _ ended: NodeJobEnd,
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
