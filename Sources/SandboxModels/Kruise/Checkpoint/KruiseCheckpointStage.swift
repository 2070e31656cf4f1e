// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// How far a checkpoint is, whatever captures it.
public enum KruiseCheckpointStage: Sendable, Hashable {
    /// It is not begun; what it waits for, if that can be said.
    case waiting(String?)
    /// It is being captured; how far that is, if that can be said.
    case creating(CaptureProgress?)
    /// It is durable and was verified; nil if there was nothing to capture.
    case captured(ArtifactSummary?)
    /// There is none.
    case failed(Problem)

    /// What is told of its snapshot.
    ///
    /// - Parameter snapshot: Nil if nothing is told of it yet.
    public init(_ snapshot: SandboxSnapshotStatus?) {
        switch snapshot?.phase {
        case nil, .pending?: self = .waiting(snapshot?.progress?.summary)
        case .succeed?: self = .captured(snapshot?.artifactSummary)
        case .failed?:
            let told = snapshot?.conditions[SandboxSnapshotCondition.failed.rawValue]
            self = .failed(
                Problem(
                    told?.reason ?? "CheckpointFailed",
                    told?.message ?? "Its snapshot failed, and no reason was given."
                )
            )
        // A word of a newer version is on the way to one of these.
        case .committing?, .some: self = .creating(snapshot?.progress)
        }
    }
}

extension SandboxSnapshotStatus {
    /// What was captured, in a few fields; nil if nothing was.
    fileprivate var artifactSummary: ArtifactSummary? {
        guard let first = containers.first, let digest = first.imageDigest else { return nil }
        let sizes = containers.compactMap(\.size)
        return .with {
            $0.imageUri = first.imageUri
            $0.imageDigest = digest
            $0.baseDigest = first.baseDigest
            $0.size = sizes.isEmpty ? nil : sizes.reduce(0, &+)
            $0.frozenMilliseconds = frozenMilliseconds
            $0.completionTime = completionTime
        }
    }
}

extension KruiseCheckpointStatus {
    /// Whether it never changes any more.
    public var isFinal: Bool { phase == .succeeded || phase == .failed }

    /// Tells how far it is. What is final stays as it is.
    ///
    /// - Parameters:
    ///   - stage: How far.
    ///   - name: The checkpoint's name, which is its identifier too.
    ///   - plan: What it was decided to capture; nil if that was not decided.
    ///   - now: The present, for what is new.
    public mutating func tell(
        _ stage: KruiseCheckpointStage,
        named name: String,
        _ plan: KruiseCheckpointPlan?,
        now: Timestamp
    ) {
        guard !isFinal else { return }
        progress = nil
        switch stage {
        case .waiting(let reason):
            phase = .pending
            message = reason
        case .creating(let told):
            phase = .creating
            message = nil
            progress = told
        case .captured(let summary):
            phase = .succeeded
            checkpointId = name
            completionTime = now
            artifact = summary.flatMap { $0.imageUri.isEmpty || $0.imageDigest.isEmpty ? nil : $0 }
            podTemplateDelta = plan?.delta
            let remark = plan?.remark
            message = remark?.message
            set(.degraded, remark, now)
            set(.failed, nil, now)
            set(
                .ready,
                Problem(KruiseCheckpointCondition.Reason.checkpointSucceeded, "Sandboxes can be made from it."),
                now
            )
        case .failed(let problem):
            phase = .failed
            completionTime = now
            message = problem.told
            set(.ready, nil, now)
            set(.failed, problem, now)
        }
    }

    /// Tells whether what is written there for its lifetime can be read.
    public mutating func tell(_ expiry: KruiseCheckpoint.Expiry, now: Timestamp) {
        guard case .unreadable(let text) = expiry else { return set(.lifetimeIgnored, nil, now) }
        set(
            .lifetimeIgnored,
            Problem(
                KruiseCheckpointCondition.Reason.invalidDuration,
                "spec.ttlAfterFinished is '\(text.prefix(80))', which is no duration such as 30m, 24h or 30d. The checkpoint is kept until "
                    + "that is mended or somebody deletes it."
            ),
            now
        )
    }

    private mutating func set(_ condition: KruiseCheckpointCondition, _ told: Problem?, _ now: Timestamp) {
        conditions[condition.rawValue] = told.map { told in
            .with {
                $0.type = condition.rawValue
                $0.status = "True"
                $0.reason = told.reason
                $0.message = told.told
                $0.lastTransitionTime = now
            }
        }
    }
}

extension Problem {
    /// Its message, which API servers before 1.21 refuse when it is empty.
    fileprivate var told: String { message.isEmpty ? "\(reason); no more is known." : message }
}

extension KruiseCheckpointPlan {
    /// What people have to know of what was not captured; nil if nothing.
    public var remark: Problem? {
        guard !missing.isEmpty else { return nil }
        let missing = missing.map(\.rawValue).joined(separator: " and ")
        let captured = contents.map(\.rawValue).joined(separator: " and ")
        return Problem(
            self.missing == [.memory]
                ? KruiseCheckpointCondition.Reason.memoryNotCaptured
                : KruiseCheckpointCondition.Reason.contentsNotCaptured,
            "\(missing) was not captured, because no provider of this controller saves it: clones have the \(captured) and start their "
                + "processes anew."
        )
    }
}
