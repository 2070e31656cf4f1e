// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@Suite("Coding")
struct RecordCodingTests {
    static let attempt = CaptureAttempt(uid: "box-2", number: 2, deadline: Story.start)
    static let phases: [Phase] = [
        .pending, .running, .pausing(attempt), .sealing(attempt, artifact: artifact("a")),
        .releasing(attempt, artifact: artifact("a")), .thawing(attempt, because: .told, artifact: nil),
        .thawing(attempt, because: .told, artifact: artifact("a", "b")), .paused, .resuming(afterFailure: nil),
        .resuming(afterFailure: .told), .failed(.told), .deleting, .deleted,
    ]

    @Test("a record survives being stored, in every phase", arguments: phases)
    func records(phase: Phase) throws {
        var recorded = Recorded(identity: "box", now: Story.start)
        recorded.phase = phase
        recorded.artifact = artifact("a")
        recorded.setback = .init(.resume, .told)
        recorded.leftovers = [.capture(uid: "box-1"), .artifact(artifact("b"))]
        recorded.spentPauseAt = Story.start
        let stored = try JSONEncoder().encode(recorded)
        #expect(try JSONDecoder().decode(Recorded.self, from: stored) == recorded)
    }

    @Test("every phase is among them")
    func complete() {
        #expect(Set(Self.phases.map(\.name)) == Set(Phase.Name.allCases))
    }

    @Test("a record is read as it was once written")
    func stored() throws {
        let text = """
            {"identity":"box","phase":{"pausing":{"_0":{"uid":"box-2","number":2,"deadline":1000}}},"since":1000,
            "acknowledged":2,"attempts":2,"incarnation":1,"leftovers":[{"capture":{"uid":"box-1"}}]}
            """
        var expected = Recorded(identity: "box", now: Story.start)
        expected.phase = .pausing(Self.attempt)
        expected.acknowledged = 2
        expected.attempts = 2
        expected.leftovers = [.capture(uid: "box-1")]
        #expect(try JSONDecoder().decode(Recorded.self, from: Data(text.utf8)) == expected)
    }

    @Test("an intent survives being stored")
    func intent() throws {
        let timers = Timers(
            pauseAt: Story.start,
            expireAt: Story.start,
            expiresWhilePaused: false,
            deleteAfterFailure: 3
        )
        let intent = Intent(wish: .paused, generation: 7, timers: timers)
        #expect(try JSONDecoder().decode(Intent.self, from: JSONEncoder().encode(intent)) == intent)
    }
}
