// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

/// How a record is written down.
///
/// Replicas mostly differ in what follows from their places, and in when they came where they are. Those that follow one another and
/// are alike else are written down as one run: an object has room for 256 KiB of annotations, and thousands of replicas fit in. Where
/// nothing is won by that, each member is written down by itself, as it always was before there were runs; both are read.
extension AggregateRecord: Codable {
    private enum CodingKeys: String, CodingKey {
        case identity, stage, acknowledged, spentPauseAt, pauseFailure, members, runs, born
    }

    /// Reads a record.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        identity = try fields.decode(String.self, forKey: .identity)
        stage = try fields.decode(Stage.self, forKey: .stage)
        acknowledged = try fields.decode(Int.self, forKey: .acknowledged)
        spentPauseAt = try fields.decodeIfPresent(Date.self, forKey: .spentPauseAt)
        pauseFailure = try fields.decodeIfPresent(Problem.self, forKey: .pauseFailure)
        born = try fields.decode(Int.self, forKey: .born)
        guard let runs = try fields.decodeIfPresent([MemberRun].self, forKey: .runs) else {
            members = try fields.decode([Member].self, forKey: .members)
            return
        }
        members = []
        for run in runs {
            guard let all = run.members else {
                throw DecodingError.dataCorruptedError(
                    forKey: .runs,
                    in: fields,
                    debugDescription: "a run of \(run.count) members makes no sense"
                )
            }
            members += all
        }
    }

    /// Writes a record.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(identity, forKey: .identity)
        try fields.encode(stage, forKey: .stage)
        try fields.encode(acknowledged, forKey: .acknowledged)
        try fields.encodeIfPresent(spentPauseAt, forKey: .spentPauseAt)
        try fields.encodeIfPresent(pauseFailure, forKey: .pauseFailure)
        try fields.encode(born, forKey: .born)
        let runs = MemberRun.runs(of: members)
        if runs.count < members.count {
            try fields.encode(runs, forKey: .runs)
        } else {
            try fields.encode(members, forKey: .members)
        }
    }
}

/// Members that follow one another and are alike, but for what follows from their places and for when they came where they are.
private struct MemberRun: Codable {
    /// The first.
    var member: AggregateRecord.Member
    /// How many there are.
    var count = 1
    /// When each came where it is, where that differs.
    var since: [Date]?

    /// More than that fit into no object.
    private static let most = 100_000

    init(_ member: AggregateRecord.Member) { self.member = member }

    /// Those of all members.
    static func runs(of members: [AggregateRecord.Member]) -> [MemberRun] {
        var runs: [MemberRun] = []
        var series: Series?
        for member in members {
            if let last = runs.indices.last, let series,
                series[runs[last].count, since: member.recorded.since] == member
            {
                runs[last].add(member.recorded.since)
            } else {
                runs.append(MemberRun(member))
                series = Series(from: member)
            }
        }
        return runs
    }

    private mutating func add(_ date: Date) {
        if since == nil, date != member.recorded.since {
            since = Array(repeating: member.recorded.since, count: count)
        }
        since?.append(date)
        count += 1
    }

    /// All of them; nil if what is written down makes no sense.
    var members: [AggregateRecord.Member]? {
        guard 1...Self.most ~= count, since.map({ $0.count == count }) ?? true else { return nil }
        guard count > 1 else { return [member] }
        guard let series = Series(from: member) else { return nil }
        return (0..<count).map { series[$0, since: since?[$0] ?? member.recorded.since] }
    }

    /// What comes after a member, if nothing but the place and the identity's number changes.
    private struct Series {
        let first: AggregateRecord.Member
        let prefix: String
        let number: Int

        /// - Returns: Nil if the identity has no number at its end.
        init?(from first: AggregateRecord.Member) {
            let identity = first.recorded.identity
            guard let dash = identity.lastIndex(of: "-"), let number = Int(identity[identity.index(after: dash)...]),
                number >= 0, number < .max - most
            else { return nil }
            self.first = first
            self.prefix = String(identity[...dash])
            self.number = number
        }

        subscript(step: Int, since since: Date) -> AggregateRecord.Member {
            var member = first
            // However the first one's number is spelled.
            if step > 0 { member.recorded.identity = "\(prefix)\(number + step)" }
            member.index += step
            member.recorded.since = since
            return member
        }
    }
}
