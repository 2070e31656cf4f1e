// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import struct Foundation.Date

@testable import SandboxModels

@Suite("What is told of transitions")
struct SandboxEventTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)
    private static let capture = CaptureAttempt(uid: "box-2", number: 2, deadline: now)
    private static let artifact = Artifact(
        provider: "test",
        parts: [
            Artifact.Part(
                container: "main",
                reference: "registry.example/box:1",
                digest: "sha256:abc",
                size: 1,
                layers: 1,
                baseDigest: nil
            )
        ],
        platform: "linux/amd64"
    )

    private func record(_ phase: Phase, setback: Recorded.Setback? = nil) -> Recorded {
        var record = Recorded(identity: "box", now: Self.now)
        record.phase = phase
        record.setback = setback
        return record
    }

    private func reasons(
        from earlier: Recorded,
        to record: Recorded,
        wish: Wish = .running
    ) -> [String] {
        SandboxEvent.events(from: earlier, to: record, intent: Intent(wish: wish, generation: 1), now: Self.now)
            .map(\.reason)
    }

    @Test("Each step of a pause and a resume is told once")
    func steps() {
        let way: [(Phase, [String])] = [
            (.running, ["Started"]),
            (.pausing(Self.capture), ["Pausing"]),
            (.sealing(Self.capture, artifact: Self.artifact), ["Captured"]),
            (.releasing(Self.capture, artifact: Self.artifact), []),
            (.paused, ["Paused"]),
            (.resuming(afterFailure: nil), ["Resuming"]),
            (.running, ["Resumed"]),
            (.failed(Problem("SandboxExited", "It ended.")), ["SandboxExited"]),
            (.pending, ["Starting"]),
            (.deleting, ["Deleting"]),
        ]
        var earlier = record(.pending)
        for (phase, expected) in way {
            let next = record(phase)
            #expect(reasons(from: earlier, to: next, wish: phase == .deleting ? .deleted : .running) == expected)
            #expect(reasons(from: next, to: next).isEmpty)
            earlier = next
        }
    }

    @Test("What failed is a warning with its reason, told once, however long it is remembered")
    func setbacks() throws {
        let setback = Recorded.Setback(.pause, Problem("TargetUnavailable", "No registry."))
        let thawing = record(.thawing(Self.capture, because: setback.problem, artifact: nil))
        let after = record(.running, setback: setback)
        let events = SandboxEvent.events(
            from: thawing,
            to: after,
            intent: Intent(wish: .paused, generation: 2),
            now: Self.now
        )
        let event = try #require(events.first)
        #expect(events.count == 1 && event.reason == "PauseFailed" && event.kind == .warning)
        #expect(event.message.contains("TargetUnavailable") && event.message.contains("No registry."))
        #expect(reasons(from: after, to: record(.deleting, setback: setback)) == ["Expired"])
        let resume = Recorded.Setback(.resume, Problem("NotVerified", "It is gone."))
        #expect(
            reasons(from: record(.resuming(afterFailure: nil)), to: record(.paused, setback: resume))
                == ["ResumeFailed"]
        )
    }

    @Test("A deletion that nobody asked for is an expiry")
    func expiry() {
        #expect(reasons(from: record(.running), to: record(.deleting)) == ["Expired"])
        #expect(reasons(from: record(.running), to: record(.deleting), wish: .deleted) == ["Deleting"])
    }

    @Test("A message that is too long is cut")
    func length() {
        let event = SandboxEvent(at: Self.now, "A", String(repeating: "ä", count: 5000))
        #expect(event.message.count == SandboxEvent.longestMessage)
    }
}
