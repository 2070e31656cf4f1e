// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import struct Foundation.Date
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@testable import SandboxModels

@Suite("The images that the pauses of a sandbox have left")
struct ArtifactHistoryTests {
    /// A sandbox whose replicas have been paused into these artifacts last; nil for one that never was.
    private func record(_ artifacts: [Artifact?]) -> AggregateRecord {
        var record = AggregateRecord(identity: "s")
        record.members = artifacts.enumerated().map { index, artifact in
            var recorded = Recorded(identity: "s-\(index + 1)", now: Story.start)
            recorded.phase = .running
            recorded.artifact = artifact
            return .init(index: index, wish: .running, generation: 1, recorded: recorded)
        }
        return record
    }

    private func image(_ name: String) -> Artifact { artifact(name) }

    /// The names of what is needed no more.
    private func unneeded(
        _ history: ArtifactHistory,
        _ record: AggregateRecord,
        keeping generations: Int,
        deletesRemoved: Bool = false
    ) -> [String] {
        history.unneeded(by: record, keeping: generations, deletesRemoved: deletesRemoved)
            .flatMap { $0.artifact.parts.map { String($0.digest.dropFirst("sha256:".count)) } }
    }

    @Test("the last ones of each replica are kept, the one that it starts from included")
    func generations() {
        var history = ArtifactHistory()
        var last = record([nil, nil])
        for number in 1...4 {
            last = record([image("a\(number)"), image("b\(number)")])
            history.note(last, givenUp: [:], keepsRemoved: false)
            // Noted again it is the same.
            history.note(last, givenUp: ["s-1": [image("a\(number)")]], keepsRemoved: false)
        }
        #expect(history.entries.count == 8)
        #expect(unneeded(history, last, keeping: 0).isEmpty)
        #expect(unneeded(history, last, keeping: 2) == ["b2", "a2", "b1", "a1"])
        #expect(unneeded(history, last, keeping: 1) == ["b3", "a3", "b2", "a2", "b1", "a1"])
        #expect(unneeded(history, last, keeping: 4).isEmpty)
    }

    @Test("one that no pause came of is never kept, and counts for none that is")
    func failedPause() {
        var history = ArtifactHistory()
        history.note(record([image("a1")]), givenUp: [:], keepsRemoved: false)
        history.note(record([image("a1")]), givenUp: ["s-1": [image("failed")]], keepsRemoved: false)
        let last = record([image("a2")])
        history.note(last, givenUp: [:], keepsRemoved: false)
        #expect(unneeded(history, last, keeping: 2) == ["failed"])
        #expect(unneeded(history, last, keeping: 0) == ["failed"])
        // Unless a pause comes of it after all.
        var adopted = history
        adopted.note(record([image("failed")]), givenUp: [:], keepsRemoved: false)
        #expect(unneeded(adopted, record([image("failed")]), keeping: 3).isEmpty)
    }

    @Test("what the record still needs is never among them")
    func needed() {
        var history = ArtifactHistory()
        history.note(record([image("a1")]), givenUp: [:], keepsRemoved: true)
        var last = record([image("a2")])
        history.note(last, givenUp: [:], keepsRemoved: true)
        // It is about to be given up, which is not written down yet.
        last.members[0].recorded.leftovers = [.artifact(image("a1"))]
        #expect(unneeded(history, last, keeping: 1).isEmpty)
        last.members[0].recorded.leftovers = []
        #expect(unneeded(history, last, keeping: 1) == ["a1"])
        let attempt = CaptureAttempt(uid: "s-1-2", number: 2, deadline: Story.start)
        last.members[0].recorded.phase = .sealing(attempt, artifact: image("a1"))
        #expect(unneeded(history, last, keeping: 1).isEmpty)
    }

    @Test("those of a replica that is gone are forgotten, or deleted if that is wanted")
    func removed() {
        for deletes in [false, true] {
            var history = ArtifactHistory()
            history.note(record([image("a1"), image("b1")]), givenUp: [:], keepsRemoved: deletes)
            let smaller = record([image("a1")])
            history.note(smaller, givenUp: [:], keepsRemoved: deletes)
            #expect(unneeded(history, smaller, keeping: 5, deletesRemoved: deletes) == (deletes ? ["b1"] : []))
            #expect(history.entries.count == (deletes ? 2 : 1))
            let gone = record([])
            history.note(gone, givenUp: [:], keepsRemoved: deletes)
            #expect(unneeded(history, gone, keeping: 5, deletesRemoved: deletes) == (deletes ? ["b1", "a1"] : []))
        }
    }

    @Test("it is bounded: the oldest are forgotten, but nothing that is needed")
    func bounded() throws {
        var history = ArtifactHistory()
        var last = record([])
        for number in 1...100 {
            last = record((0..<4).map { image("\(number)-\($0)") })
            history.note(last, givenUp: [:], keepsRemoved: true)
            history.note(last, givenUp: [:], keepsRemoved: true)
        }
        #expect(history.entries.count == ArtifactHistory.mostParts)
        #expect(history.forgotten == 400 - ArtifactHistory.mostParts)
        #expect(unneeded(history, last, keeping: 0).isEmpty)
        // One that has more than there is room for is noted all the same, and stays as it is.
        let large = record((0..<ArtifactHistory.mostParts + 9).map { image("x-\($0)") })
        history.note(large, givenUp: [:], keepsRemoved: true)
        let before = history
        history.note(large, givenUp: [:], keepsRemoved: true)
        #expect(history == before)

        let stored = try JSONEncoder().encode(history)
        #expect(try JSONDecoder().decode(ArtifactHistory.self, from: stored) == history)
    }

    /// A history of two images that are needed no more.
    private func two() -> (ArtifactHistory, [ArtifactHistory.Entry]) {
        var history = ArtifactHistory()
        history.note(record([image("b")]), givenUp: ["s-1": [artifact("a", "x")]], keepsRemoved: true)
        let entries = history.unneeded(by: record([]), keeping: 0, deletesRemoved: true)
        return (history, entries)
    }

    private let policy = RetentionPolicy(
        recheckAfter: 100,
        retryAfter: 10,
        longestRetry: 35,
        attempts: 4,
        lastAttempts: 2
    )
    private let problem = Problem("TargetUnavailable", "nobody answers")

    @Test("one that is deleted is told and forgotten")
    func deleted() throws {
        var (history, entries) = two()
        let entry = try #require(entries.first)
        let done = ArtifactHistory.Outcome.done(retained: nil, by: nil)
        #expect(history.settle(entry, done, policy, isLast: false, at: Story.start) == [.deleted(entry.artifact)])
        #expect(history.entries.count == 1)
        #expect(history.settle(entry, done, policy, isLast: false, at: Story.start).isEmpty)
    }

    @Test("of one that others refer to the rest goes; it is looked at again, and told once")
    func retained() throws {
        var (history, entries) = two()
        let entry = try #require(entries.first { $0.artifact.parts.count == 2 })
        let outcome = ArtifactHistory.Outcome.done(retained: artifact("a"), by: "Pod x/y")
        let news = history.settle(entry, outcome, policy, isLast: false, at: Story.start)
        #expect(news == [.deleted(artifact("x")), .retained(artifact("a"), by: "Pod x/y")])
        let rest = try #require(history.entries.first { $0.artifact == artifact("a") })
        #expect(rest.nextTry == Story.start.addingTimeInterval(100))
        #expect(history.settle(rest, outcome, policy, isLast: false, at: Story.start).isEmpty)
        // A sandbox that is deleted does not wait for others.
        let last = history.settle(rest, outcome, policy, isLast: true, at: Story.start)
        #expect(last == [.retained(artifact("a"), by: "Pod x/y")])
        #expect(!history.entries.contains { $0.artifact == artifact("a") })
    }

    @Test("a store that refuses is not asked again, and that is told once until it deletes something")
    func refused() throws {
        var (history, entries) = two()
        let refusal = Problem("DeletionRefused", "405")
        let news = history.settle(entries[0], .refused(refusal), policy, isLast: false, at: Story.start)
        #expect(news == [.refused(entries[0].artifact, refusal)])
        #expect(history.settle(entries[1], .refused(refusal), policy, isLast: false, at: Story.start).isEmpty)
        #expect(history.entries.isEmpty && history.refusal == "DeletionRefused")
        history.note(record([image("c")]), givenUp: [:], keepsRemoved: true)
        let next = try #require(history.entries.first)
        _ = history.settle(next, .done(retained: nil, by: nil), policy, isLast: false, at: Story.start)
        #expect(history.refusal == nil)
    }

    @Test("a store that cannot be reached is asked ever more rarely, and not for ever", arguments: [false, true])
    func unreachable(isLast: Bool) {
        var (history, entries) = two()
        var pauses: [Double] = []
        var news: [ArtifactHistory.News] = []
        for _ in 0..<10 {
            guard let entry = history.entries.first(where: { $0.artifact == entries[0].artifact }) else { break }
            news += history.settle(entry, .unavailable(problem), policy, isLast: isLast, at: Story.start)
            let left = history.entries.first { $0.artifact == entry.artifact }
            if let time = left?.nextTry { pauses.append(time.timeIntervalSince(Story.start)) }
        }
        #expect(pauses == (isLast ? [10] : [10, 20, 35]))
        #expect(news == [.abandoned(entries[0].artifact, problem)])
    }
}
