// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The server is killed by SIGKILL at its writes, one after the other, in each operation. It needs root.
///
/// All writes of the database, of the image layout and of the state folder are walked, and a sample of the requests to
/// containerd; all of these with `STASIS_CRASH_WALK=full`.
@Suite("A server that is killed at any of its writes")
struct CrashWalkTests {
    private static var isFull: Bool { ProcessInfo.processInfo.environment["STASIS_CRASH_WALK"] == "full" }

    @Test("goes on when it is started again, and loses nothing and leaves nothing", arguments: [0, 1])
    func walk(lane: Int) async throws {
        try await Testbed.with { testbed in
            let start = ContinuousClock.now
            try await testbed.start()
            let before = try await testbed.baseline()
            let walk = try await CrashWalk(testbed)
            let counts = try await walk.record()
            var random = SeededRandom(0x5eed + UInt64(lane))
            let plans = Self.plans(counts) { Self.points($0, lane: lane, random: &random) }
            var tally = CrashWalk.Tally()
            for (number, plan) in plans.enumerated() {
                let again = number % 4 == 0 ? UInt64.random(in: 1...12, using: &random) : nil
                do {
                    try await walk.live(killedAt: plan, again: again, tally: &tally)
                } catch {
                    throw Testbed.Failure("killed at \(plan), again \(again ?? 0): \(error)")
                }
            }
            try await testbed.api.delete(walk.bystander)
            try await testbed.expectConsistent()
            try await MachineState.expect(before, on: testbed)
            report(counts, tally, lane: "\(lane)", ContinuousClock.now - start)
            #expect(tally.missed * 5 <= tally.killed, "many points did not come: \(tally)")
        }
    }

    @Test("goes on when the process that holds its freezes is killed at any of its requests")
    func holder() async throws {
        try await Testbed.with(role: "hold") { testbed in
            let start = ContinuousClock.now
            try await testbed.start()
            let before = try await testbed.baseline()
            let walk = try await CrashWalk(testbed)
            let counts = try await walk.record()
            var tally = CrashWalk.Tally()
            for plan in Self.plans(counts, of: Self.requests) {
                do {
                    try await walk.live(killedAt: plan, again: nil, tally: &tally)
                } catch {
                    throw Testbed.Failure("the holder killed at \(plan): \(error)")
                }
            }
            try await testbed.api.delete(walk.bystander)
            try await testbed.expectConsistent()
            try await MachineState.expect(before, on: testbed)
            report(counts, tally, lane: "of the holder", ContinuousClock.now - start)
            #expect(tally.killed > 10)
            #expect(tally.missed * 5 <= tally.killed, "many points did not come: \(tally)")
        }
    }

    /// One plan a life, until every point that this lane walks is in one.
    private static func plans(
        _ counts: [CrashWalk.Operation: [CrashPoints.Domain: UInt64]],
        of points: ([CrashPoints.Domain: UInt64]) -> [CrashPoints.Point]
    ) -> [[CrashWalk.Operation: CrashPoints.Point]] {
        var plans: [[CrashWalk.Operation: CrashPoints.Point]] = []
        for operation in CrashWalk.Operation.allCases {
            for (number, point) in points(counts[operation] ?? [:]).enumerated() {
                if number == plans.count { plans.append([:]) }
                plans[number][operation] = point
            }
        }
        return plans
    }

    /// How many requests to containerd are sampled in each operation.
    private static let sampledRequests = 6

    private static func points(
        _ counts: [CrashPoints.Domain: UInt64],
        lane: Int,
        random: inout SeededRandom
    ) -> [CrashPoints.Point] {
        var points: [CrashPoints.Point] = []
        // What a killed process leaves before a write is what it leaves after the one before, except after the last.
        for domain in [CrashPoints.Domain.commit, .layout, .state] {
            guard let count = counts[domain], count > 0 else { continue }
            points += (1...count).map { CrashPoints.Point(domain: domain, number: $0) }
            points.append(CrashPoints.Point(domain: domain, number: count, isAfter: true))
        }
        let requests = requests(counts)
        if isFull {
            points += requests
            let count = counts[.store] ?? 0
            if count > 0 { points += (1...count).map { CrashPoints.Point(domain: .store, number: $0) } }
        } else {
            points += requests.shuffled(using: &random).prefix(sampledRequests)
        }
        return points.enumerated().filter { $0.offset % 2 == lane }.map(\.element)
    }

    /// Before and after each: containerd acts on a request after it was sent, however soon the sender dies.
    private static func requests(_ counts: [CrashPoints.Domain: UInt64]) -> [CrashPoints.Point] {
        let count = counts[.request] ?? 0
        return count == 0
            ? []
            : (1...count).flatMap { number in
                [false, true].map { CrashPoints.Point(domain: .request, number: number, isAfter: $0) }
            }
    }

    private func report(
        _ counts: [CrashWalk.Operation: [CrashPoints.Domain: UInt64]],
        _ tally: CrashWalk.Tally,
        lane: String,
        _ time: Duration
    ) {
        for operation in CrashWalk.Operation.allCases {
            let found = (counts[operation] ?? [:]).sorted { $0.key.rawValue < $1.key.rawValue }
            print("crash walk: \(operation.rawValue): \(found.map { "\($0.value) \($0.key)" }.joined(separator: ", "))")
        }
        print(
            "crash walk \(lane): killed at \(tally.killed) points, \(tally.killedAgain) times again while recovering; "
                + "\(tally.missed) points did not come; \(time.components.seconds) s"
        )
    }
}
