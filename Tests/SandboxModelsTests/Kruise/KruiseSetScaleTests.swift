// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import TestSupport
import Testing

import struct Foundation.Date

@Suite("How many sandboxes a set has")
struct KruiseSetScaleTests {
    private static let now = Date(timeIntervalSince1970: 10_000)

    private static func scale(_ replicas: Int, growth: IntOrString? = nil, update: IntOrString? = nil) -> KruiseSetScale
    {
        KruiseSetScale(
            .with {
                $0.replicas = replicas
                if let growth { $0.scaleStrategy = .with { $0.maxUnavailable = growth } }
                if let update { $0.updateStrategy = .with { $0.maxUnavailable = update } }
            }
        )
    }

    private static func members(
        _ count: Int,
        _ state: KruiseSetMember.State = .available,
        isUpdated: Bool = true,
        from first: Int = 0
    ) -> [KruiseSetMember] {
        (first..<(first + count)).map {
            KruiseSetMember(
                name: "\(isUpdated ? "new" : "old")-\($0)",
                state: state,
                isUpdated: isUpdated,
                created: Date(timeIntervalSince1970: Double($0))
            )
        }
    }

    @Test("Those that are missing are made, and what is claimed or goes does not count")
    func grows() {
        let members = Self.members(3) + Self.members(2, .gone, from: 10) + Self.members(1, .leaving, from: 20)
        let decision = Self.scale(5).decide(members, now: Self.now)
        #expect(decision.create == 2)
        #expect(decision.remove == [])
        #expect(decision.delete == ["new-20"])
    }

    @Test("No more are being created than maxUnavailable says; nothing at all with 0; percentages are rounded up")
    func pace() {
        let creating = Self.members(2, .creating)
        #expect(Self.scale(10, growth: 3).decide(creating, now: Self.now).create == 1)
        #expect(Self.scale(10, growth: 2).decide(creating, now: Self.now).create == 0)
        #expect(Self.scale(10, growth: 0).decide([], now: Self.now).create == 0)
        #expect(Self.scale(10, growth: "25%").decide(creating, now: Self.now).create == 1)
        #expect(Self.scale(10, growth: "nonsense").decide(creating, now: Self.now).create == 8)
        #expect(
            Self.scale(1, growth: 0).decide(Self.members(4), now: Self.now).remove.count == 3,
            "it limits growth alone"
        )
    }

    @Test(
        "Of too many go the old revision first, then what is pending, what was recycled most, what is not ready, the oldest"
    )
    func order() {
        var recycled = Self.members(2, from: 40)
        recycled[0].recycled = 1
        recycled[1].recycled = 7
        var pending = Self.members(1, .creating, from: 50)
        pending[0].isPending = true
        let members =
            Self.members(2, from: 10) + recycled + Self.members(1, .creating, from: 30) + pending
            + Self.members(1, isUpdated: false, from: 60)
        let decision = Self.scale(0).decide(members, now: Self.now)
        #expect(decision.remove == ["old-60", "new-50", "new-41", "new-40", "new-30", "new-10", "new-11"])
        #expect(decision.create == 0)
    }

    @Test("A new template replaces those that are not ready at once, of the others as many as may be missing")
    func update() {
        let scale = Self.scale(10, update: 1)
        #expect(scale.decide(Self.members(10, isUpdated: false), now: Self.now).remove == ["old-0"])
        let between = Self.members(9, isUpdated: false, from: 1) + Self.members(1, .creating)
        #expect(scale.decide(between, now: Self.now).remove == [], "9 are available")
        let unready = Self.members(8, isUpdated: false) + Self.members(2, .creating, isUpdated: false, from: 8)
        #expect(scale.decide(unready, now: Self.now).remove == ["old-8", "old-9"])
        #expect(
            Self.scale(10).decide(Self.members(10, isUpdated: false), now: Self.now).remove.count == 2,
            "20 percent"
        )
        #expect(Self.scale(10, update: 0).decide(Self.members(10, isUpdated: false), now: Self.now).remove == [])
    }

    @Test(
        "What has ended goes, but not so fast that an end which comes again and again costs more than one in ten seconds"
    )
    func ended() {
        let old = KruiseSetMember(name: "old", state: .dead, created: Self.now.addingTimeInterval(-10))
        let young = KruiseSetMember(name: "young", state: .dead, created: Self.now.addingTimeInterval(-3))
        let decision = Self.scale(2).decide([old, young], now: Self.now)
        #expect(decision.delete == ["old"])
        #expect(decision.create == 1)
        #expect(decision.wakeAt == Self.now.addingTimeInterval(7))
    }

    @Test(
        "A rolling update never has fewer available than it may, whatever is claimed meanwhile, and comes to its end",
        arguments: 1...20
    )
    func rollingUpdate(seed: UInt64) {
        var random = Mutator(seed: seed, fragments: [])
        let replicas = Int.random(in: 1...12, using: &random)
        let missing = Int.random(in: 1...3, using: &random)
        let scale = Self.scale(replicas, growth: Bool.random(using: &random) ? 2 : nil, update: .int(missing))
        var members = Self.members(replicas, isUpdated: false)
        var next = 1000
        var claims = 5
        for _ in 0..<400 {
            let before = members.count { $0.state == .available }
            let decision = scale.decide(members, now: Self.now)
            members.removeAll { decision.remove.contains($0.name) || decision.delete.contains($0.name) }
            let after = members.count { $0.state == .available }
            #expect(after >= min(before, replicas - missing), "seed \(seed)")
            for _ in 0..<decision.create {
                members += Self.members(1, .creating, from: next)
                next += 1
            }
            #expect(members.count <= replicas, "seed \(seed)")
            if let index = members.indices.randomElement(using: &random) {
                if members[index].state == .creating {
                    members[index].state = .available
                } else if claims > 0, Int.random(in: 0..<20, using: &random) == 0 {
                    members.remove(at: index)
                    claims -= 1
                }
            }
        }
        #expect(members.count == replicas)
        #expect(members.allSatisfy { $0.isUpdated && $0.state == .available }, "seed \(seed)")
    }

    @Test("Templates that no sandbox is of go, but for the newest ten")
    func history() {
        let templates = (0..<14).map { number in
            KruiseSandboxTemplate.with {
                $0.metadata.name = "set-\(number)"
                $0.metadata.labels = [Kruise.Label.templateHash: "\(number)"]
                $0.metadata.creationTimestamp = Timestamp(seconds: Int64(number))
            }
        }
        let surplus = KruiseSetHistory.surplus(templates, revisions: ["13", "0"])
        #expect(surplus.map(\.metadata.name) == ["set-4", "set-3", "set-2", "set-1"])
        #expect(KruiseSetHistory.surplus(Array(templates.prefix(10)), revisions: []) == [])
    }

    @Test("What a set's sandboxes are made from, and why not")
    func blueprint() throws {
        let template = RawJSON(
            ["metadata": ["labels": ["a": "b", "agents.kruise.io/x": "y"]], "spec": ["containers": []]] as JSONValue
        )
        var set = KruiseSandboxSet.with { ($0.metadata.name, $0.metadata.uid, $0.metadata.namespace) = ("s", "u", "n") }
        #expect(throws: KruiseSetProblem.noTemplate) { try set.blueprint(nil) }
        set.spec.templateRef = .with { $0.name = "t" }
        #expect(throws: KruiseSetProblem.templateNotFound("t")) { try set.blueprint(nil) }
        set.spec.pauseStrategy = .with { $0.type = .hibernate }
        let named = KruiseSandboxTemplate.with {
            $0.spec.template = template
            $0.spec.pauseStrategy = .with { $0.type = .stop }
            $0.spec.persistentContents = [.filesystem]
        }
        let blueprint = try set.blueprint(named)
        #expect(blueprint.pauseStrategy?.type == .hibernate, "the set's own word counts")
        #expect(blueprint.persistentContents == [.filesystem])
        let revision = try blueprint.revision()
        let sandbox = try set.newSandbox(blueprint, revision: revision)
        #expect(sandbox.metadata.labels["a"] == "b")
        #expect(sandbox.metadata.labels["agents.kruise.io/x"] == nil)
        #expect(sandbox.metadata.labels[Kruise.Label.sandboxPool] == "s")
        #expect(sandbox.metadata.labels[Kruise.Label.sandboxTemplate] == "t")
        #expect(sandbox.metadata.labels[Kruise.Label.sandboxClaimed] == "false")
        #expect(sandbox.metadata.labels[Kruise.Label.templateHash] == revision)
        #expect(sandbox.isInSet)
        #expect(try sandbox.spec.podTemplate()?.spec.automountServiceAccountToken == false)
        set.spec.template = template
        #expect(throws: KruiseSetProblem.twoTemplates) { try set.blueprint(named) }
        set.spec.templateRef = nil
        set.spec.template = RawJSON(["metadata": ["labels": ["e2b.agents.kruise.io/x": "y"]]] as JSONValue)
        #expect(throws: KruiseSetProblem.reservedKey("e2b.agents.kruise.io/x")) { try set.blueprint(nil) }
        set.spec.template = RawJSON("text" as JSONValue)
        #expect(throws: KruiseSetProblem.self) { try set.blueprint(nil) }
    }
}
