// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import SnapshotProvider

public import struct Foundation.Date

/// How a container of a Job has ended.
public struct NodeJobEnd: Sendable, Hashable {
    /// The exit code of its program.
    public var exitCode: Int
    /// Kubernetes' word for the end, such as `Completed`, `Error` or `OOMKilled`.
    public var reason: String?
    /// What the program has left in its termination log.
    public var message: String?

    /// Creates an end.
    public init(exitCode: Int, reason: String? = nil, message: String? = nil) {
        self.exitCode = exitCode
        self.reason = reason
        self.message = message
    }
}

/// How far one container of a Job is, as the Job and its pod tell it.
public enum NodeJobOutcome: Sendable, Hashable {
    /// There is no such Job, or it is for another capture and has to go first.
    case none
    /// The container has not started yet.
    case starting
    /// It runs.
    case running
    /// It has ended.
    case ended(NodeJobEnd)
    /// It will never start: Kubernetes' word and message.
    case stuck(reason: String, message: String?)
    /// Kubernetes has given the Job up, without an end of the container: its word and message.
    case failed(reason: String?, message: String?)

    /// Whether the node has refused the pod for want of room: of pods, processors, memory or disk. There may be some soon.
    public var lacksRoom: Bool {
        if case .failed(let reason?, _) = self { reason.hasPrefix("OutOf") } else { false }
    }

    /// Why a container that has not started never will.
    private static let hopeless: Set<String> = [
        "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
    ]

    /// - Parameters:
    ///   - job: The Job of that name, if there is one.
    ///   - pod: Its pod, if it is there already, or still.
    ///   - container: The container's name.
    ///   - uid: The UID of the capture that it has to be for; nil if for none.
    ///   - now: The time.
    public init(job: Job?, pod: Pod?, container: String, captureUID uid: String?, now: Date) {
        guard let job, job.request?.uid == uid else {
            self = .none
            return
        }
        let state = pod?.status?.containerStatuses.first { $0.name == container }?.state
        if let ended = state?.terminated {
            self = .ended(NodeJobEnd(exitCode: ended.exitCode, reason: ended.reason, message: ended.message))
        } else if let failed = job.status?.conditions.first(where: { $0.type == "Failed" && $0.status == "True" }),
            pod?.isYetToTell != true
        {
            // A node that has no room for it says so in the pod alone.
            let told = pod?.status?.phase == "Failed" ? pod?.status : nil
            self = .failed(reason: told?.reason ?? failed.reason, message: told?.message ?? failed.message)
        } else if let pod, let waiting = state?.waiting, let reason = waiting.reason, Self.hopeless.contains(reason),
            !ImagePull.mayComeAbout(waiting, in: pod, now: now)
        {
            self = .stuck(reason: reason, message: waiting.message)
        } else {
            self = state?.running == nil ? .starting : .running
        }
    }
}

extension Pod {
    /// Whether more is to come of it: a Job that has failed because of it may be seen before it, and only the pod tells why.
    fileprivate var isYetToTell: Bool {
        metadata.deletionTimestamp == nil && status?.phase != "Failed" && status?.phase != "Succeeded"
    }
}
