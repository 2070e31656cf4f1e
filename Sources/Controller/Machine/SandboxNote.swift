// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeRuntime
import SandboxModels

/// What people are told, as an Event, of one record that has followed another one.
struct SandboxNote: Hashable {
    var severity: EventNote.Severity
    var reason: String
    var message: String

    /// - Returns: Nil if there is nothing to tell.
    init?(from before: AggregateRecord, to after: AggregateRecord) {
        if let problem = after.newPauseFailure(since: before) {
            self.init(problem, reason: "PauseFailed")
            return
        }
        guard before.phase != after.phase else { return nil }
        switch after.phase {
        case .paused where before.phase == .resuming, .failed where before.phase == .resuming:
            self.init(after.newResumeFailure(since: before), reason: "ResumeFailed")
        case .failed: self.init(after.failure, reason: "Failed")
        case .pausing:
            self.init(
                severity: .normal,
                reason: "Pausing",
                message: "A pause was asked for, so the sandbox is being captured; its SandboxSnapshot has more."
            )
        case .sealing where before.phase == .pausing:
            self.init(severity: .normal, reason: "Verified", message: Self.verified(after))
        case .paused:
            self.init(severity: .normal, reason: "Paused", message: Self.paused(after))
        case .resuming:
            self.init(severity: .normal, reason: "Resuming", message: Self.resuming(after))
        case .running:
            self.init(severity: .normal, reason: "Running", message: "The sandbox runs.")
        default: return nil
        }
    }

    init(severity: EventNote.Severity, reason: String, message: String) {
        self.severity = severity
        self.reason = reason
        self.message = message
    }

    private init?(_ problem: Problem?, reason: String) {
        guard let problem else { return nil }
        self.init(severity: .warning, reason: reason, message: "\(problem.reason): \(problem.message)")
    }

    private static func paused(_ record: AggregateRecord) -> String {
        guard let artifact = record.replicas.first?.recorded.artifact else { return "The sandbox is saved." }
        let frozen = artifact.statistics.map { " It was frozen for \($0.frozenMilliseconds) ms until then." } ?? ""
        return "The sandbox is saved as \(artifact.images), and what it ran on is released.\(frozen)"
    }

    private static func verified(_ record: AggregateRecord) -> String {
        guard case .sealing(_, let artifact)? = record.replicas.first?.recorded.phase else {
            return "The sandbox is captured, and its images were verified; what it runs on is released now."
        }
        return "The registry has \(artifact.images), which was verified; what the sandbox runs on is released now."
    }

    private static func resuming(_ record: AggregateRecord) -> String {
        guard let artifact = record.replicas.first?.recorded.artifact else { return "The sandbox is started again." }
        return "The sandbox is brought back from \(artifact.images)."
    }
}

extension Artifact {
    /// Its images by digest, for people.
    fileprivate var images: String {
        parts.map { "\($0.reference)@\($0.digest)" }.joined(separator: ", ")
    }
}
