// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import struct Foundation.Date

@testable import SandboxModels

/// A sandbox that somebody else has paused.
@Suite("Taken over")
struct TakenOverTests {
    private static let artifact = Artifact(
        provider: "oci-rootfs",
        parts: [.init(container: "sandbox", reference: "r.example/s:snap-gen1", digest: "sha256:1", size: 1)],
        platform: ""
    )
    private static let record = AggregateRecord(
        paused: "s",
        acknowledged: 1,
        artifact: artifact,
        now: Story.start
    )

    private func decide(_ wish: Wish, generation: Int, _ record: AggregateRecord) -> AggregateDecision {
        Aggregate.decide(
            intent: AggregateIntent(Intent(wish: wish, generation: generation), replicas: 1),
            recorded: record,
            observations: ["s-1": Observation(compute: .absent, checkpoint: Observation.Checkpoint.none)],
            now: Story.start
        )
    }

    @Test func staysAsItIsUntilSomethingElseIsAskedFor() {
        let decision = decide(.paused, generation: 1, Self.record)
        #expect(decision.record == Self.record)
        #expect(decision.actions.isEmpty && decision.record.phase == .paused)
    }

    @Test func isResumedFromWhatWasFound() {
        let decision = decide(.running, generation: 2, Self.record)
        #expect(decision.record.phase == .resuming)
        #expect(
            decision.actions.flatMap(\.actions) == [
                .verifyArtifact(Self.artifact, attempt: decision.record.members[0].recorded.incarnation)
            ]
        )
    }

    @Test func anIdentityIsNotUsedAgain() {
        var record = Self.record
        record.stage = .running
        record.members[0].recorded.phase = .deleted
        #expect(decide(.running, generation: 1, record).record.members.map(\.recorded.identity) == ["s-2"])
    }
}
