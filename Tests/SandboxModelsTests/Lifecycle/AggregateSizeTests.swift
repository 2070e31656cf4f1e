// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import struct Foundation.Data
import struct Foundation.Date
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@testable import SandboxModels

/// What many replicas of one sandbox cost.
@Suite("Many replicas")
struct AggregateSizeTests {
    /// A record of running replicas.
    private func running(_ replicas: Int) -> AggregateRecord {
        var record = AggregateRecord(identity: "set")
        record.acknowledged = 1
        record.born = replicas
        record.members = (0..<replicas).map { index in
            var recorded = Recorded(identity: "set-\(index + 1)", now: Story.start)
            recorded.phase = .running
            recorded.acknowledged = 1
            return AggregateRecord.Member(index: index, wish: .running, generation: 1, recorded: recorded)
        }
        return record
    }

    private func decide(
        _ wish: Wish,
        _ record: AggregateRecord,
        checkpoint: Observation.Checkpoint? = Observation.Checkpoint.none
    ) -> AggregateDecision {
        var policy = LifecyclePolicy()
        policy.maximumPauseReplicas = .max
        return Aggregate.decide(
            intent: AggregateIntent(Intent(wish: wish, generation: 2), replicas: record.members.count),
            recorded: record,
            now: Story.start,
            policy: policy
        ) { record in
            record.members.reduce(into: [:]) {
                $0[$1.recorded.identity] = Observation(compute: .running(1), checkpoint: checkpoint)
            }
        }
    }

    @Test(
        "A decision goes through them equally often, whatever their number",
        arguments: [Wish.running, .paused, .deleted],
        [Observation.Checkpoint.none, .wanted("snapshot")]
    )
    func passes(wish: Wish, checkpoint: Observation.Checkpoint) {
        let counts = [10, 400].map { replicas in
            let record = running(replicas)
            return PassCount.of { _ = decide(wish, record, checkpoint: checkpoint) }
        }
        #expect(counts[0] == counts[1])
        #expect(counts[0] > 0)
    }

    private func text(_ record: AggregateRecord) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(record), as: UTF8.self)
    }

    private func read(_ text: String) throws -> AggregateRecord {
        try JSONDecoder().decode(AggregateRecord.self, from: Data(text.utf8))
    }

    @Test("Those that are alike are written down as one, those that began at other times in little room")
    func runs() throws {
        var record = running(10_000)
        #expect(try read(text(record)) == record)
        #expect(try text(record).utf8.count < 500)
        for index in record.members.indices {
            record.members[index].recorded.since.addTimeInterval(Double(index) / 7 + 0.123456789)
        }
        #expect(try read(text(record)) == record)
        #expect(try text(record).utf8.count < 10_000 * 20)
    }

    @Test("Whatever differs is kept")
    func differences() throws {
        var record = running(12)
        record.members[2].recorded.phase = .failed(.told)
        record.members[3].recorded.leftovers = [.capture(uid: "set-4-1")]
        record.members[5].generation = 3
        record.members[6].wish = .deleted
        record.members[8].recorded.identity = "set-77"
        record.members[9].recorded.identity = "other"
        record.members[10].recorded.identity = "set-011"
        record.members[11].index = 40
        #expect(try read(text(record)) == record)
        record.members.reverse()
        #expect(try read(text(record)) == record)
        record.members = record.members.map { member in
            var member = member
            member.recorded.identity = "one"
            return member
        }
        #expect(try read(text(record)) == record)
    }

    @Test("One alone, and what was written before there were runs, is spelled as it always was")
    func old() throws {
        let one = running(1)
        #expect(try text(one).contains(#""members":[{"generation":1,"index":0,"#))
        struct Old: Encodable {
            let identity = "set"
            let stage = AggregateRecord.Stage.running
            let acknowledged = 1
            let members: [AggregateRecord.Member]
            let born = 3
        }
        let three = running(3)
        let old = String(decoding: try JSONEncoder().encode(Old(members: three.members)), as: UTF8.self)
        #expect(try read(old) == three)
    }

    @Test(
        "Runs that make no sense are refused",
        arguments: [#""count":0"#, #""count":-1"#, #""count":100001"#, #""count":3,"since":[1,2]"#]
    )
    func malformed(run: String) throws {
        let good = try text(running(3))
        let broken = good.replacing(#""count":3"#, with: run)
        #expect(broken != good)
        #expect(throws: DecodingError.self) { try read(broken) }
    }
}
