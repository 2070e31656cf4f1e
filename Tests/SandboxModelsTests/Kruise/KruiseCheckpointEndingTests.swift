// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

import struct Foundation.Date

@testable import SandboxModels

/// A sandbox that ends with its capture.
struct KruiseCheckpointEndingTests {
    private static let now = Date(timeIntervalSince1970: 1_794_000_000)
    private static let artifact = Artifact(
        provider: "p",
        parts: [.init(container: "a", reference: "r/x-a:snap-gen2", digest: "sha256:00", size: 1)],
        platform: "linux/amd64"
    )
    private static let capture = CaptureAttempt(uid: "s-0-2", number: 2, deadline: now.addingTimeInterval(60))

    private static let plan = KruiseCheckpointPlan.with {
        $0.uid = "cp"
        $0.sandboxName = "web"
        $0.sandboxUID = "s"
        $0.contents = [.filesystem]
        $0.endsSandbox = true
    }

    private func sandbox(
        mark: String? = nil,
        paused: Bool? = nil,
        generation: Int = 2,
        _ change: (inout KruiseSandbox) -> Void = { _ in }
    ) -> KruiseSandbox {
        .with {
            $0.metadata.name = "web"
            $0.metadata.uid = "s"
            $0.metadata.generation = generation
            $0.metadata.annotations[Kruise.Annotation.endedBy] = mark
            $0.spec.paused = paused
            change(&$0)
        }
    }

    private func record(
        _ phase: Phase,
        _ stage: AggregateRecord.Stage = .running,
        artifact: Artifact? = nil,
        failure: Problem? = nil,
        acknowledged: Int = 2
    ) -> AggregateRecord {
        var recorded = Recorded(identity: "s-0", now: Self.now)
        recorded.phase = phase
        recorded.artifact = artifact
        var record = AggregateRecord(identity: "s")
        record.stage = stage
        record.acknowledged = acknowledged
        record.pauseFailure = failure
        let wish: Wish = stage == .running ? .running : .paused
        record.members = [.init(index: 0, wish: wish, generation: 1, recorded: recorded)]
        return record
    }

    private func intent(_ wantsPaused: Bool, generation: Int = 2, statements: Int = 2) -> PauseIntent {
        .with {
            $0.generation = generation
            $0.wantsPaused = wantsPaused
            $0.statements = statements
        }
    }

    private func reason(_ next: KruiseCheckpointEnding) -> String? {
        if case .failed(let problem) = next { problem.reason } else { nil }
    }

    private func isWaiting(_ next: KruiseCheckpointEnding) -> Bool {
        if case .wait = next { true } else { false }
    }

    @Test func itIsOrderedWhenTheSandboxRuns() {
        let next = { KruiseCheckpointEnding.next(Self.plan, self.sandbox(), $0, nil) }
        #expect(isWaiting(next(nil)))
        #expect(isWaiting(next(record(.pending))))
        #expect(isWaiting(next(record(.resuming(afterFailure: nil)))))
        #expect(isWaiting(next(record(.pausing(Self.capture), .pausing))))
        #expect(next(record(.running)) == .order)
        #expect(reason(next(record(.paused, .paused))) == "SandboxPaused")
        #expect(reason(next(record(.failed(Problem("A", "b"))))) == "SourcePodNotFound")
        #expect(reason(next(record(.deleting, .deleting))) == "SourcePodNotFound")
    }

    @Test func itIsNotOrderedInTheMiddleOfAPause() {
        let paused = sandbox(paused: true)
        #expect(isWaiting(.next(Self.plan, paused, record(.running), nil)))
        let failed = record(.running, failure: Problem("RegistryUnreachable", "No."))
        #expect(reason(.next(Self.plan, paused, failed, nil)) == "SandboxPaused")
        #expect(isWaiting(.next(Self.plan, sandbox(mark: "other", paused: true), record(.running), nil)))
    }

    @Test func itIsFollowedToItsEnd() {
        let marked = sandbox(mark: "cp", paused: true) {
            $0.status = .with { $0.progress = .with { $0.stage = "copying" } }
        }
        let next = { KruiseCheckpointEnding.next(Self.plan, marked, $0, $1) }
        #expect(next(record(.running, acknowledged: 1), intent(false, generation: 1, statements: 1)) == .creating(nil))
        #expect(
            next(record(.pausing(Self.capture), .pausing), intent(true)) == .creating(.with { $0.stage = "copying" })
        )
        let sealing = record(.sealing(Self.capture, artifact: Self.artifact), .pausing)
        #expect(next(sealing, intent(true)) == .creating(.with { $0.stage = "copying" }))
        #expect(next(record(.paused, .paused, artifact: Self.artifact), intent(true)) == .captured(Self.artifact))
        #expect(reason(next(record(.paused, .paused), intent(true))) == "SandboxGone")
    }

    /// What failed before the order was given is not its failure.
    @Test func itFailsWithItsOwnPauseOnly() {
        let marked = sandbox(mark: "cp", paused: true)
        let old = record(.running, failure: Problem("Old", "No."), acknowledged: 2)
        for seen in [nil, intent(false, generation: 1), intent(true, generation: 1), intent(true, statements: 3)] {
            #expect(KruiseCheckpointEnding.next(Self.plan, marked, old, seen) == .creating(nil))
        }
        let new = record(.running, failure: Problem("New", "No."), acknowledged: 3)
        #expect(reason(.next(Self.plan, marked, new, intent(true, statements: 3))) == "New")
    }

    @Test func whoeverHasItRunOnCancelsIt() {
        for paused in [nil, false] {
            let marked = sandbox(mark: "cp", paused: paused)
            #expect(reason(.next(Self.plan, marked, record(.running), intent(true))) == "EndCancelled")
        }
    }

    @Test func anotherOfItsNameIsNotMeant() {
        #expect(reason(.next(Self.plan, nil, nil, nil)) == "SandboxGone")
        let other = sandbox { $0.metadata.uid = "t" }
        #expect(reason(.next(Self.plan, other, record(.running), nil)) == "SandboxGone")
        let going = sandbox { $0.metadata.deletionTimestamp = Timestamp(seconds: 1) }
        #expect(reason(.next(Self.plan, going, record(.running), nil)) == "SandboxGone")
    }
}
