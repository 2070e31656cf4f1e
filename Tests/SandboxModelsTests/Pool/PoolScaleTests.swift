// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import TestSupport
import Testing

import struct Foundation.Date

@Suite("How many pods a pool has")
struct PoolScaleTests {
    private static let now = Date(timeIntervalSince1970: 10_000)

    private static func spec(
        buffer: ClosedRange<Int> = 0...0,
        pool: ClosedRange<Int> = 0...1000,
        scale: IntOrString? = "100%",
        update: IntOrString? = nil
    ) -> PoolSpec {
        .with {
            $0.capacitySpec = .with {
                ($0.bufferMin, $0.bufferMax) = (buffer.lowerBound, buffer.upperBound)
                ($0.poolMin, $0.poolMax) = (pool.lowerBound, pool.upperBound)
            }
            if let scale { $0.scaleStrategy = .with { $0.maxUnavailable = scale } }
            if let update { $0.updateStrategy = .with { $0.maxUnavailable = update } }
        }
    }

    private static func pods(
        _ count: Int,
        _ state: PoolPod.State = .ready,
        revision: String = "new",
        from first: Int = 0
    ) -> [PoolPod] {
        (first..<(first + count)).map {
            PoolPod(
                name: "\(revision)-\($0)",
                state: state,
                revision: revision,
                created: Date(timeIntervalSince1970: Double($0))
            )
        }
    }

    private static func decide(_ spec: PoolSpec, _ pods: [PoolPod], taken: Int = 0, missing: Int = 0)
        -> PoolScale.Decision
    {
        PoolScale(spec, revision: "new")
            .decide(pods, taken: Set(pods.prefix(taken).map(\.name)), missing: missing, now: now)
    }

    @Test("A buffer that is too small or too large becomes the middle; one between stays")
    func buffer() {
        let spec = Self.spec(buffer: 2...10)
        #expect(Self.decide(spec, []).create == 6)
        #expect(Self.decide(spec, Self.pods(1)).create == 5)
        for count in 2...10 { #expect(Self.decide(spec, Self.pods(count)) == PoolScale.Decision()) }
        let decision = Self.decide(spec, Self.pods(11))
        #expect(decision.create == 0)
        #expect(decision.delete == Self.pods(5).map(\.name), "the oldest go")
    }

    @Test("A pool is never smaller than poolMin nor larger than poolMax, which evicted pods count for")
    func bounds() {
        #expect(Self.decide(Self.spec(pool: 3...10), Self.pods(1)).create == 2)
        #expect(Self.decide(Self.spec(pool: 3...10), Self.pods(5), taken: 5, missing: 9).create == 5)
        #expect(Self.decide(Self.spec(pool: 0...4), Self.pods(5), taken: 5, missing: 9).create == 0)
        var evicted = Self.pods(3)
        for index in evicted.indices { evicted[index].isEvicted = true }
        #expect(Self.decide(Self.spec(pool: 3...4), evicted).create == 1)
        evicted[0].isTerminating = true
        #expect(Self.decide(Self.spec(pool: 3...4), evicted).create == 2)
    }

    @Test("What sandboxes lack is made, besides the buffer")
    func missing() {
        #expect(Self.decide(Self.spec(buffer: 2...4), [], missing: 5).create == 8)
        #expect(Self.decide(Self.spec(buffer: 2...4), Self.pods(3, .starting), missing: 5).create == 5)
    }

    @Test(
        "No more are created than may be missing, less those that are not ready: a pool whose pods do not come up stops"
    )
    func pace() {
        let spec = Self.spec(pool: 100...100, scale: nil)
        #expect(Self.decide(spec, []).create == 25)
        #expect(Self.decide(spec, Self.pods(25, .starting)).create == 0)
        #expect(Self.decide(spec, Self.pods(20, .starting) + Self.pods(5, from: 50)).create == 5)
        #expect(Self.decide(Self.spec(pool: 3...3, scale: "1%"), []).create == 1, "at least one")
        #expect(Self.decide(Self.spec(pool: 9...9, scale: 4), []).create == 4)
        #expect(Self.decide(Self.spec(pool: 9...9, scale: "nonsense"), []).create == 1)
    }

    @Test("Idle pods of an older template are replaced: at once if not ready, else as many as may be missing")
    func update() {
        let spec = Self.spec(buffer: 8...8, update: 2)
        var decision = Self.decide(spec, Self.pods(8, revision: "old"))
        #expect(decision.delete == ["old-0", "old-1"])
        #expect(decision.create == 2)
        decision = Self.decide(spec, Self.pods(6, revision: "old") + Self.pods(2, .starting, from: 20))
        #expect(decision == PoolScale.Decision(), "those that replace them are awaited")
        decision = Self.decide(spec, Self.pods(6, .starting, revision: "old") + Self.pods(2, from: 20))
        #expect(decision.delete.count == 6)
        #expect(decision.create == 6)
        decision = Self.decide(Self.spec(pool: 4...9, update: "100%"), Self.pods(4, revision: "old"), taken: 3)
        #expect(decision.delete == ["old-3"], "those of sandboxes stay")
    }

    @Test("A pod that has ended is replaced after a while, so that an end that comes at once costs little")
    func ended() {
        let old = PoolPod(name: "a", state: .ended, revision: "new", created: Self.now.addingTimeInterval(-60))
        let new = PoolPod(name: "b", state: .ended, revision: "new", created: Self.now.addingTimeInterval(-59))
        let decision = Self.decide(Self.spec(pool: 2...4), [old, new])
        #expect(decision.delete == ["a"])
        #expect(decision.create == 1)
        #expect(decision.wakeAt == Self.now.addingTimeInterval(1))
    }

    /// Whatever there is, bounds are kept and nobody's pod goes; and it comes to rest.
    @Test("Any pool comes to rest within its bounds", arguments: 1...4)
    func rest(seed: UInt64) {
        var random = Mutator(seed: seed, fragments: [])
        for _ in 0..<500 {
            let least = Int.random(in: 0...6, using: &random)
            let spec = Self.spec(
                buffer: least...(least + Int.random(in: 0...6, using: &random)),
                pool: Int.random(in: 0...8, using: &random)...Int.random(in: 8...20, using: &random),
                scale: [nil, 1, "30%", "100%"][Int.random(in: 0...3, using: &random)],
                update: [nil, 1, "50%"][Int.random(in: 0...2, using: &random)]
            )
            var pods = Self.anything(&random, atMost: spec.capacitySpec.poolMax)
            let taken = Set(pods.prefix(Int.random(in: 0...5, using: &random)).map(\.name))
            for round in 0..<300 {
                let decision = PoolScale(spec, revision: "new").decide(pods, taken: taken, missing: 0, now: Self.now)
                #expect(taken.isDisjoint(with: decision.delete))
                pods.removeAll { decision.delete.contains($0.name) }
                for index in 0..<decision.create {
                    pods.append(PoolPod(name: "n\(round)-\(index)", state: .starting, revision: "new"))
                }
                #expect(pods.count <= spec.capacitySpec.poolMax, "\(spec)")
                for index in pods.indices where Bool.random(using: &random) { pods[index].state = .ready }
            }
            let idle = pods.filter { !taken.contains($0.name) }
            #expect(idle.allSatisfy { $0.revision == "new" }, "\(spec)")
            guard pods.count < spec.capacitySpec.poolMax, pods.count != spec.capacitySpec.poolMin else { continue }
            #expect(pods.count > spec.capacitySpec.poolMin, "\(spec)")
            #expect((spec.capacitySpec.bufferMin...spec.capacitySpec.bufferMax).contains(idle.count), "\(spec)")
        }
    }

    private static func anything(_ random: inout Mutator, atMost most: Int) -> [PoolPod] {
        let states: [PoolPod.State] = [.ready, .unready, .starting, .unscheduled]
        return (0..<Int.random(in: 0...most, using: &random)).map { index in
            PoolPod(
                name: "p\(index)",
                state: states[Int.random(in: 0...3, using: &random)],
                revision: Bool.random(using: &random) ? "new" : "old"
            )
        }
    }
}
