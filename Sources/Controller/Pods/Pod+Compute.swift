// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

/// What a pod is to the state machine.
extension Pod {
    /// Why a container waits, if it will not start without help. These are the reasons that upstream calls a failure.
    private static let failureReasons: Set<String> = [
        "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError",
    ]

    /// The compute that this pod is.
    ///
    /// - Parameters:
    ///   - attempt: The attempt that it was created for.
    ///   - wasUp: Whether it has been up before. Then it still is while its containers run, ready or not: a frozen container
    ///     answers no probe.
    ///   - advice: What people are told to do about one that has ended.
    func compute(
        attempt: Int,
        wasUp: Bool,
        advice: String = "Resume the sandbox to start it again, or delete it.",
        now: Date
    ) -> Observation.Compute {
        if metadata.deletionTimestamp != nil { return .stopping(attempt) }
        switch status?.phase {
        case "Succeeded", "Failed": return .ended(attempt, ending(advice))
        default: break
        }
        if let failure = failure(now) { return .ended(attempt, failure) }
        if status?.phase == "Running", status?.conditions.isTrue("Ready") == true { return .running(attempt) }
        return wasUp && areContainersRunning ? .running(attempt) : .starting(attempt)
    }

    /// Whether all containers run, as their kubelet saw it last.
    private var areContainersRunning: Bool {
        guard let status, status.containerStatuses.count >= spec.containers.count else { return false }
        return status.containerStatuses.allSatisfy { $0.state?.running != nil }
    }

    /// Why it will not start, if that is so.
    private func failure(_ now: Date) -> Problem? {
        guard let status else { return nil }
        for container in status.initContainerStatuses + status.containerStatuses {
            guard let waiting = container.state?.waiting, let reason = waiting.reason,
                Self.failureReasons.contains(reason), !ImagePull.mayComeAbout(waiting, in: self, now: now)
            else { continue }
            return Problem(
                reason,
                "Container \(container.name) of pod \(metadata.name) does not start"
                    + (waiting.message.map { ": \($0)" } ?? ".")
            )
        }
        return nil
    }

    /// Why it ended.
    private func ending(_ advice: String) -> Problem {
        let ended = status?.containerStatuses.first { ($0.state?.terminated?.exitCode ?? 0) != 0 }
        let reason = status?.reason ?? ended?.state?.terminated?.reason ?? "PodEnded"
        var message = "Pod \(metadata.name) has ended"
        if let ended, let code = ended.state?.terminated?.exitCode {
            message += ": its container \(ended.name) with exit code \(code)"
        }
        if let told = status?.message { message += ": \(told)" }
        return Problem(reason, "\(message). \(advice)")
    }
}
