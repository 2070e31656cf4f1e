// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Metrics
public import SandboxModels

import struct Foundation.Date

/// What a controller measures of the lives of sandboxes.
///
/// Labels have few values: names of phases, and the reasons of failures, which are single words.
public struct SandboxMetrics: Sendable {
    private let factory: any MetricsFactory

    /// Creates it.
    ///
    /// - Parameter factory: Where measurements go; nil for the process's own system.
    public init(factory: (any MetricsFactory)? = nil) {
        self.factory = factory ?? MetricsSystem.factory
        // They are there from the start: of a counter that begins at 1 nobody sees that it has grown.
        for isGood in [true, false] {
            for label in [Self.pauses, Self.resumes] { ended(label, isGood).increment(by: 0) }
        }
        counter(Self.unproven, []).increment(by: 0)
    }

    private static let pauses = "stasis_sandbox_pauses_total"
    private static let resumes = "stasis_sandbox_resumes_total"
    private static let unproven = "stasis_unproven_images_total"

    /// An image was passed of which nobody who is trusted says where it comes from, because the policy is only to warn.
    public func startedUnproven() { counter(Self.unproven, []).increment() }

    /// A record was replaced by another one, which is written down.
    public func recorded(_ after: AggregateRecord, insteadOf before: AggregateRecord) {
        for artifact in after.newArtifacts(since: before) { captured(artifact) }
        if let problem = after.newPauseFailure(since: before) {
            failed("stasis_sandbox_pause_failures_total", problem)
            ended(Self.pauses, false).increment()
        }
        if let problem = after.newResumeFailure(since: before) {
            failed("stasis_sandbox_resume_failures_total", problem)
            ended(Self.resumes, false).increment()
        }
        guard before.phase != after.phase else { return }
        switch (before.phase, after.phase) {
        case (.pausing, .paused), (.sealing, .paused), (.releasing, .paused): ended(Self.pauses, true).increment()
        case (.resuming, .running): ended(Self.resumes, true).increment()
        default: break
        }
        let dimensions = [("from", before.phase.rawValue), ("to", after.phase.rawValue)]
        counter("stasis_sandbox_transitions_total", dimensions).increment()
        // Records tell when their members came where they are.
        let (start, end) = (before.members.map(\.recorded.since).min(), after.members.map(\.recorded.since).max())
        if let start, let end, end >= start {
            timer(
                "stasis_sandbox_phase_duration_seconds",
                [("phase", before.phase.rawValue), ("to", after.phase.rawValue)]
            )
            .recordNanoseconds(Int64(min(end.timeIntervalSince(start), 1e9) * 1e9))
        }
    }

    private func captured(_ artifact: Artifact) {
        guard let statistics = artifact.statistics else { return }
        timer("stasis_sandbox_frozen_seconds", []).recordMilliseconds(statistics.frozenMilliseconds)
        counter("stasis_capture_read_bytes_total", []).increment(by: statistics.bytesRead)
        counter("stasis_capture_written_bytes_total", []).increment(by: statistics.bytesWritten)
    }

    private func ended(_ label: String, _ isGood: Bool) -> Counter {
        counter(label, [("result", isGood ? "succeeded" : "failed")])
    }

    private func failed(_ label: String, _ problem: Problem) {
        counter(label, [("reason", Self.label(of: problem.reason))]).increment()
    }

    /// A reason is one word, by the contract of those who give it; what is none would make series without end.
    static func label(of reason: String) -> String {
        let isWord = reason.utf8.allSatisfy { 65...90 ~= $0 || 97...122 ~= $0 || 48...57 ~= $0 }
        return isWord && 1...64 ~= reason.utf8.count ? reason : "Other"
    }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> Counter {
        Counter(label: label, dimensions: dimensions, factory: factory)
    }

    private func timer(_ label: String, _ dimensions: [(String, String)]) -> Timer {
        Timer(label: label, dimensions: dimensions, preferredDisplayUnit: .seconds, factory: factory)
    }
}

extension AggregateRecord {
    /// The artifacts that its replicas have got since an earlier record.
    fileprivate func newArtifacts(since before: AggregateRecord) -> [Artifact] {
        let known = Dictionary(before.members.map { ($0.recorded.identity, $0.recorded.artifact) }) { $1 }
        return members.compactMap { member in
            guard let artifact = member.recorded.artifact, known[member.recorded.identity] != artifact else {
                return nil
            }
            return artifact
        }
    }
}
