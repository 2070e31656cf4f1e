// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import struct Foundation.Date

@testable import Controller
@testable import SandboxModels

@Suite("Whose turn it is to be captured")
struct SnapshotTurnTests {
    private static let capture = CaptureAttempt(uid: "box-1-2", number: 2, deadline: .distantFuture)
    private static let artifact = Artifact(
        provider: "instant",
        parts: [
            .init(container: "main", reference: "registry.example/box-main:snap-gen2", digest: "sha256:7", size: 1)
        ],
        platform: "linux/amd64"
    )
    private static let problem = Problem("X", "x")

    private func record(_ phases: [Phase], _ change: (inout Recorded) -> Void = { _ in }) -> AggregateRecord {
        var record = AggregateRecord(identity: "box")
        record.members = phases.enumerated().map { index, phase in
            var recorded = Recorded(identity: "box-\(index + 1)", now: .distantPast)
            recorded.phase = phase
            change(&recorded)
            return .init(index: index, wish: .running, generation: 1, recorded: recorded)
        }
        return record
    }

    private func turn(_ phase: Phase, _ change: (inout Recorded) -> Void = { _ in }) -> SnapshotTurn {
        SnapshotTurn(of: "s", in: record([phase], change), replicas: 1)
    }

    @Test(
        "it waits while the sandbox is on its way, and says where to",
        arguments: [
            (Phase.pending, "the sandbox is starting"),
            (.resuming(afterFailure: nil), "the sandbox is being resumed"),
            (.pausing(capture), "the sandbox is being paused"),
            (.sealing(capture, artifact: artifact), "the sandbox is being paused"),
            (.releasing(capture, artifact: artifact), "the sandbox is being paused"),
            (.thawing(capture, because: problem, artifact: nil), "the sandbox is being paused"),
            (.running, "it is about to begin"),
        ]
    )
    func waiting(phase: Phase, reason: String) {
        #expect(turn(phase) == .waiting(reason))
        #expect(turn(phase).progress?.summary == "waiting: \(reason)")
    }

    @Test("it has its turn by the record of the sandbox alone")
    func granted() {
        #expect(turn(.running) { $0.checkpoint = "s" } == .granted)
        #expect(turn(.running) { $0.checkpoint = "t" } == .waiting("another snapshot of the sandbox is being taken"))
    }

    @Test("of what is paused it is refused with what to use instead")
    func paused() throws {
        guard case .refused(let problem) = turn(.paused, { $0.artifact = Self.artifact }).turn else {
            Issue.record("it is not refused")
            return
        }
        #expect(problem.reason == "SandboxPaused")
        #expect(problem.message.contains("registry.example/box-main:snap-gen2@sha256:7"))
    }

    @Test(
        "of what does not run it is refused as upstream does",
        arguments: [Phase.failed(problem), .deleting, .deleted]
    )
    func gone(_ phase: Phase) {
        guard case .refused(let problem) = turn(phase).turn else {
            Issue.record("it is not refused")
            return
        }
        #expect(problem.reason == "SourcePodNotFound")
    }

    @Test("of no replicas it is refused, of none yet it waits")
    func replicas() {
        guard case .refused = SnapshotTurn(of: "s", in: nil, replicas: 0).turn else {
            Issue.record("it is not refused")
            return
        }
        #expect(SnapshotTurn(of: "s", in: nil, replicas: 1) == .waiting("the sandbox is being made"))
    }

    @Test("of several replicas it is the first that runs, and stays that one")
    func member() {
        #expect(record([.pending, .running, .running]).member(forSnapshot: "s")?.index == 1)
        let granted = record([.pending, .running, .running]) { if $0.identity == "box-3" { $0.checkpoint = "s" } }
        #expect(granted.member(forSnapshot: "s")?.index == 2)
        #expect(record([.failed(Self.problem), .pending]).member(forSnapshot: "s")?.index == 0)
    }

    @Test("the queue goes by age, keeps the turn until it is over, and says nothing of what it cannot read")
    func queue() {
        typealias Entry = SnapshotQueue.Entry
        let all: (String) -> Bool = { _ in true }
        let queue = SnapshotQueue([
            Entry(uid: "over", isOver: true, isRecorded: true), Entry(uid: "new", isOver: false, isRecorded: false),
            Entry(uid: "a", isOver: false, isRecorded: true), Entry(uid: "b", isOver: false, isRecorded: true),
            Entry(uid: "broken", isOver: nil, isRecorded: true),
        ])
        #expect(queue.checkpoint(after: nil, all) == .wanted("a"))
        #expect(queue.checkpoint(after: "b", all) == .wanted("b"))
        #expect(queue.checkpoint(after: "over", all) == .wanted("a"))
        #expect(queue.checkpoint(after: "gone", all) == .wanted("a"))
        #expect(queue.checkpoint(after: "broken", all) == nil)
        #expect(queue.checkpoint(after: nil) { $0 == "b" } == .wanted("b"))
        #expect(queue.checkpoint(after: nil) { _ in false } == Observation.Checkpoint.none)
        #expect(SnapshotQueue([]).checkpoint(after: "a", all) == Observation.Checkpoint.none)
    }
}
