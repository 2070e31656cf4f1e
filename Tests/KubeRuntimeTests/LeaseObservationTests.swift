// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import TestSupport
import Testing

@testable import KubeRuntime

@Suite
struct LeaseObservationTests {
    private let timing = ElectionTiming()

    private func held(by holder: String?, renewed: Int64, seconds: Int? = 15, transitions: Int = 3) -> Lease {
        .with {
            $0.metadata.name = "lock"
            $0.metadata.uid = "u"
            $0.spec.holderIdentity = holder
            $0.spec.leaseDurationSeconds = seconds
            $0.spec.renewTime = MicroTime(microseconds: renewed)
            $0.spec.leaseTransitions = transitions
        }
    }

    @Test func aLeaseThatIsNotThereIsCreated() {
        let observation = LeaseObservation(identity: "me", timing: timing)
        guard case .create(let lease) = observation.step(at: .zero, wallTime: MicroTime(microseconds: 7)) else {
            Issue.record("it is not created")
            return
        }
        #expect(lease.spec.holderIdentity == "me" && lease.spec.leaseDurationSeconds == 15)
        #expect(lease.spec.leaseTransitions == 0 && lease.spec.acquireTime == MicroTime(microseconds: 7))
    }

    @Test func itIsTakenWhenNothingHasChangedForAsLongAsItLasts() {
        var observation = LeaseObservation(identity: "me", timing: timing)
        // By the holder's clock it ran out years ago, or is renewed in years: that says nothing.
        for renewed in [0, Int64.max / 2] {
            observation.observe(held(by: "other", renewed: renewed), at: .seconds(100))
            #expect(
                observation.step(at: .seconds(114), wallTime: MicroTime(microseconds: 1)) == .wait(until: .seconds(115))
            )
            // Seen again, unchanged: that is no sign of life. Nor is a new label.
            var same = held(by: "other", renewed: renewed)
            same.metadata.labels = ["new": "label"]
            observation.observe(same, at: .seconds(114))
            guard case .replace(let lease) = observation.step(at: .seconds(115), wallTime: MicroTime(microseconds: 9))
            else {
                Issue.record("it is not taken")
                continue
            }
            #expect(lease.spec.holderIdentity == "me" && lease.spec.leaseTransitions == 4)
            #expect(lease.metadata.labels == ["new": "label"])
        }
        observation.observe(held(by: "other", renewed: 5), at: .seconds(115))
        #expect(
            observation.step(at: .seconds(129), wallTime: MicroTime(microseconds: 1)) == .wait(until: .seconds(130))
        )
    }

    @Test func aReleasedOneIsTakenAtOnceAndOursIsRenewed() {
        var observation = LeaseObservation(identity: "me", timing: timing)
        observation.observe(held(by: "", renewed: 5), at: .zero)
        guard case .replace(let lease) = observation.step(at: .zero, wallTime: MicroTime(microseconds: 6)) else {
            Issue.record("it is not taken")
            return
        }
        #expect(lease.spec.leaseTransitions == 4)
        observation.observe(lease, at: .zero)
        guard case .replace(let renewed) = observation.step(at: .seconds(99), wallTime: MicroTime(microseconds: 8))
        else {
            Issue.record("it is not renewed")
            return
        }
        #expect(renewed.spec.leaseTransitions == 4 && renewed.spec.acquireTime == MicroTime(microseconds: 6))
        #expect(renewed.spec.renewTime == MicroTime(microseconds: 8))
        let released = observation.released(wallTime: MicroTime(microseconds: 9))
        #expect(released?.spec.holderIdentity == "" && released?.spec.leaseDurationSeconds == 1)
        observation.observe(held(by: "other", renewed: 5), at: .zero)
        #expect(observation.released(wallTime: MicroTime(microseconds: 9)) == nil)
    }

    @Test func anotherLeasesDurationIsTheHoldersOwn() {
        var observation = LeaseObservation(identity: "me", timing: timing)
        for (seconds, wait) in [(60, 60), (nil, 15), (0, 1), (-5, 1)] as [(Int?, Int)] {
            observation.observe(nil, at: .zero)
            observation.observe(held(by: "other", renewed: 5, seconds: seconds), at: .zero)
            #expect(observation.step(at: .zero, wallTime: MicroTime(microseconds: 1)) == .wait(until: .seconds(wait)))
        }
    }

    /// Candidates whose wall clocks are all wrong, who freeze, and whose requests take any time and may be lost: never do two
    /// of them think that they lead. Each acts as the elector does: what it holds counts from before it asked.
    @Test(arguments: 0..<4) func neverDoTwoLead(seed: UInt64) {
        struct Request {
            var asked: Duration
            var wanted: Lease
            /// What the server has made of it, once it has arrived.
            var answer: Lease??
        }
        struct Candidate {
            var observation: LeaseObservation
            var validUntil = Duration.zero
            var frozenUntil = Duration.zero
            var request: Request?
        }
        var random = SeededGenerator(seed: seed)
        var terms = 0
        for _ in 0..<50 {
            var server: Lease?
            var version = 0
            var leader: Int?
            var candidates = (0..<3).map {
                Candidate(observation: LeaseObservation(identity: "c\($0)", timing: timing))
            }
            for step in 0..<3000 {
                let now = Duration.milliseconds(250) * step
                let leading = candidates.indices.filter { candidates[$0].validUntil > now }
                #expect(leading.count <= 1, "\(leading) lead at \(now)")
                if let one = leading.first, one != leader {
                    leader = one
                    terms += 1
                }
                for index in candidates.indices {
                    guard candidates[index].frozenUntil <= now, Bool.random(using: &random) else { continue }
                    if Int.random(in: 0..<200, using: &random) == 0 {
                        candidates[index].frozenUntil = now + .seconds(Int.random(in: 1...40, using: &random))
                        continue
                    }
                    guard var request = candidates[index].request else {
                        let identity = candidates[index].observation.identity
                        candidates[index].observation.observe(server, at: now)
                        let wallTime = MicroTime(
                            microseconds: Int64.random(in: 0...1000, using: &random) * 1_000_000 + Int64(step)
                        )
                        if candidates[index].validUntil <= now, candidates[index].validUntil > .zero {
                            // What has lost begins anew, as another one.
                            candidates[index] = Candidate(
                                observation: LeaseObservation(identity: "\(identity)'", timing: timing)
                            )
                            continue
                        }
                        switch candidates[index].observation.step(at: now, wallTime: wallTime) {
                        case .wait: break
                        case .create(let lease), .replace(let lease):
                            candidates[index].request = Request(asked: now, wanted: lease)
                        }
                        continue
                    }
                    guard let answer = request.answer else {
                        request.answer = .some(nil)
                        if request.wanted.metadata.resourceVersion == server?.metadata.resourceVersion {
                            version += 1
                            server = request.wanted
                            server?.metadata.resourceVersion = String(version)
                            let isLost = Int.random(in: 0..<4, using: &random) == 0
                            if !isLost { request.answer = .some(server) }
                        }
                        candidates[index].request = request
                        continue
                    }
                    candidates[index].request = nil
                    if let answer {
                        candidates[index].observation.observe(answer, at: now)
                        candidates[index].validUntil = request.asked + timing.renewDeadline
                    }
                }
            }
        }
        #expect(terms > 100)
    }
}
