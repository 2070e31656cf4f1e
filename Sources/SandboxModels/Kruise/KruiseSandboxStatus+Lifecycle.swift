// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What there is to tell of a `KruiseSandbox`: what the state machine has decided, and what is seen of its pod.
public struct KruiseSandboxNews: Sendable, Hashable {
    /// What is written down of it.
    public var record: AggregateRecord
    /// Whether a pause is asked for and was not acted upon yet.
    public var isPauseWaiting = false
    /// Its pod; `nil` if there is none.
    public var pod: Pod?
    /// Why its pod cannot be created yet.
    public var obstacle: Problem?
    /// What a pause does not keep although it was asked for.
    public var loss: String?
    /// Whether it has ended once it is paused: a checkpoint was to be its end.
    public var endsPaused = false
    /// Whether its pause strategy is to hibernate.
    public var hibernates = false
    /// Whether it ends with the capture of a checkpoint: when it is paused it has ended.
    public var endsWithCheckpoint = false
    /// How far it is that its agent is told what it has to know; nil if it is told nothing.
    public var runtime: KruiseRuntimeStage?

    /// Creates what a record tells.
    public init(_ record: AggregateRecord) { self.record = record }

    private var recorded: Recorded? { record.replicas.first?.recorded }
}

extension KruiseSandboxNews {
    /// Where it is in upstream's words: Paused from the beginning of a pause on, which is Running again if it does not come about.
    public var phase: KruiseSandboxPhase {
        switch record.phase {
        case .pending: .pending
        case .running: .running
        case .paused where endsWithCheckpoint: .succeeded
        case .paused: endsPaused ? .succeeded : .paused
        case .pausing, .sealing, .releasing, .thawing: .paused
        case .resuming: .resuming
        case .failed: hasSucceeded ? .succeeded : .failed
        case .deleting, .deleted: .terminating
        }
    }

    /// Why it has failed, or has not come as far as was asked for.
    public var problem: Problem? {
        switch record.phase {
        case .failed: failure
        case .paused: resumeFailure
        case .pending, .resuming: obstacle
        case .running: record.pauseFailure
        case .thawing: if case .undoing(let problem) = record.stage { problem } else { nil }
        case .pausing, .sealing, .releasing, .deleting, .deleted: nil
        }
    }

    /// Whether its pod ended well.
    private var hasSucceeded: Bool {
        if let phase = pod?.status?.phase, ["Succeeded", "Failed"].contains(phase) { return phase == "Succeeded" }
        return failure?.reason == Problem.podEnded
    }

    private var failure: Problem? {
        if case .failed(let problem)? = recorded?.phase { problem } else { nil }
    }

    private var resumeFailure: Problem? {
        guard let setback = recorded?.setback, setback.transition == .resume else { return nil }
        return setback.problem
    }

    /// Whether its pod was made anew after the first one.
    private var isSecondPod: Bool { (recorded?.incarnation ?? 1) > 1 }

    // MARK: - Conditions

    /// Those that there are.
    var conditions: [KubeModels.Condition] {
        [ready, paused, resumed, runtimeInitialized, cleaningUp].compactMap(\.self)
    }

    private var ready: KubeModels.Condition {
        let isReady = record.phase == .running && pod?.isReady == true
        if isReady { return condition(.ready, true, KruiseSandboxCondition.Reason.podReady, "Its pod is ready.") }
        let problem = problem
        return switch problem?.reason {
        case nil: condition(.ready, false, KruiseSandboxCondition.Reason.podReady)
        case let reason? where Problem.startReasons.contains(reason):
            condition(.ready, false, KruiseSandboxCondition.Reason.startContainerFailed, problem?.message)
        case let reason? where obstacle != nil || Problem.refusals.contains(reason):
            condition(.ready, false, KruiseSandboxCondition.Reason.podCreateFailed, problem?.message)
        default: condition(.ready, false, KruiseSandboxCondition.Reason.podReady, problem?.message)
        }
    }

    private var paused: KubeModels.Condition? {
        typealias Reason = KruiseSandboxCondition.Reason
        switch record.phase {
        case .pausing:
            return condition(.paused, false, Reason.checkpointCreating, sentence("It is being captured."))
        case .sealing, .releasing:
            return condition(
                .paused,
                false,
                Reason.checkpointSucceeded,
                sentence("It is captured, and its pod is released.")
            )
        case .thawing:
            return condition(.paused, false, Reason.checkpointFailed, problem?.told)
        case .paused, .resuming:
            return condition(
                .paused,
                true,
                hibernates ? Reason.snapshotPauseSucceed : Reason.stopPauseSucceed,
                sentence(recorded?.artifact.map { "It is saved as \($0.images)." } ?? "It is saved.")
            )
        case .pending, .running, .failed:
            if isPauseWaiting { return condition(.paused, false, Reason.pending, "It is paused as soon as it can be.") }
            return record.pauseFailure.map { condition(.paused, false, Reason.checkpointFailed, $0.told) }
        case .deleting, .deleted:
            return nil
        }
    }

    private var resumed: KubeModels.Condition? {
        switch record.phase {
        case .resuming:
            condition(
                .resumed,
                false,
                KruiseSandboxCondition.Reason.createPod,
                obstacle?.message ?? "Its pod is made anew."
            )
        case .paused: resumeFailure.map { condition(.resumed, false, $0.reason, $0.told) }
        case .running:
            isSecondPod
                ? condition(.resumed, true, KruiseSandboxCondition.Reason.resumePod, "Its pod was made anew.") : nil
        default: nil
        }
    }

    private var runtimeInitialized: KubeModels.Condition? {
        typealias Reason = KruiseSandboxCondition.Reason
        return switch runtime {
        case nil: nil
        case .pending?:
            condition(.runtimeInitialized, false, Reason.pending, "Its agent is told what it has to know once it runs.")
        case .told?: condition(.runtimeInitialized, true, Reason.succeeded, "Its agent was told what it has to know.")
        case .failed(let why)?: condition(.runtimeInitialized, false, Reason.failed, why)
        }
    }

    private var cleaningUp: KubeModels.Condition? {
        let leftovers = record.members.reduce(0) { $0 + $1.recorded.leftovers.count }
        guard leftovers > 0 else { return nil }
        return condition(
            .cleaningUp,
            true,
            "LeftoversRemain",
            "Still to be cleaned up: \(leftovers) captures and images."
        )
    }

    /// With what is not kept, if something is not.
    private func sentence(_ text: String) -> String { loss.map { "\(text) \($0)" } ?? text }

    private func condition(
        _ type: KruiseSandboxCondition,
        _ status: Bool,
        _ reason: String,
        _ message: String? = nil
    ) -> KubeModels.Condition {
        .with {
            $0.type = type.rawValue
            $0.status = status ? "True" : "False"
            $0.reason = reason
            // The schema of conditions takes none without.
            $0.message = message?.withoutReplica ?? "Its pod is not ready."
        }
    }
}

extension KruiseSandboxStatus {
    /// Tells what there is to tell. Conditions that this does not speak of stay.
    ///
    /// - Parameters:
    ///   - generation: That of the spec which it is told of.
    ///   - now: When that was decided.
    public mutating func tell(_ news: KruiseSandboxNews, generation: Int?, now: Timestamp) {
        observedGeneration = generation
        phase = news.phase
        message = news.problem?.told.withoutReplica
        let told = news.conditions
        for type in Self.spokenOf where !told.contains(where: { $0.type == type.rawValue }) {
            conditions[type.rawValue] = nil
        }
        for var condition in told {
            condition.lastTransitionTime = now
            condition.observedGeneration = generation
            conditions[condition.type] = condition
        }
        tell(news.pod.flatMap { $0.metadata.deletionTimestamp == nil ? $0 : nil })
        if news.record.phase != .pausing { progress = nil }
        artifact = news.record.replicas.first?.recorded.artifact.flatMap { ArtifactSummary($0) }
    }

    private static let spokenOf: [KruiseSandboxCondition] = [
        .ready, .paused, .resumed, .runtimeInitialized, .cleaningUp,
    ]

    /// Where its pod is. What others have put onto the last one stays told while there is none: a resume gives it to the next.
    private mutating func tell(_ pod: Pod?) {
        nodeName = pod?.spec.nodeName
        sandboxIp = pod?.status?.podIP
        guard var info = podInfo ?? pod.map({ _ in KruisePodInfo() }) else { return }
        if let pod {
            info.labels = pod.metadata.labels
            info.annotations = pod.metadata.annotations.filter { !$0.key.hasPrefix("stasis.dev/") }
        }
        info.nodeName = nodeName
        info.podIP = sandboxIp
        info.podUID = pod?.metadata.uid
        podInfo = info
    }
}

extension Pod {
    /// Whether it can be used.
    fileprivate var isReady: Bool {
        metadata.deletionTimestamp == nil && status?.phase == "Running" && status?.conditions.isTrue("Ready") == true
    }
}

extension Problem {
    /// How a pod that ended without a failure is told of.
    static let podEnded = "PodEnded"
    /// Why a container does not start.
    fileprivate static let startReasons: Set<String> = [
        "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError",
    ]
    /// Why there is no pod.
    fileprivate static let refusals: Set<String> = ["PodNotMade", "PodRefused"]

    /// For people, where no other field has the reason.
    fileprivate var told: String { "\(reason): \(message)" }
}

extension Artifact {
    /// Its images by digest, for people.
    fileprivate var images: String { parts.map { "\($0.reference)@\($0.digest)" }.joined(separator: ", ") }
}

extension String {
    /// A sandbox of this dialect is one: nobody counts its replicas.
    fileprivate var withoutReplica: String { replacing("Replica 0: ", with: "") }
}
