// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@Suite("What a claim does next")
struct KruiseClaimDecisionTests {
    private static let start = Date(timeIntervalSince1970: 10_000)

    private static func terms(_ change: (inout KruiseSandboxClaimSpec) -> Void = { _ in }) throws -> KruiseClaimTerms {
        try KruiseClaimTerms(
            .with {
                $0.templateName = "set"
                change(&$0)
            }
        )
    }

    private static func record(replicas: Int = 1, _ places: [KruiseClaimPlace] = []) -> KruiseClaimRecord {
        .with {
            $0.replicas = replicas
            $0.started = MicroTime(start)
            $0.places = places
        }
    }

    @Test("It first writes down what it is about to take, and ends when it has that")
    func takes() throws {
        let terms = try Self.terms { $0.replicas = 2 }
        let first = KruiseClaimDecision(
            terms,
            KruiseClaimRecord(),
            KruiseClaimView(source: .set(free: 5)),
            now: Self.start
        )
        #expect(first.mustWrite)
        #expect(first.reserve == 2)
        #expect(first.invent == 0)
        #expect(first.wakeAt == Self.start.addingTimeInterval(60))
        var record = first.record
        #expect(record.replicas == 2)
        record.places = [KruiseClaimPlace("a", uid: "1"), KruiseClaimPlace("b", uid: "2")]
        var view = KruiseClaimView(source: .set(free: 3))
        view.sights = ["a": .free, "b": .foreign]
        let second = KruiseClaimDecision(terms, record, view, now: Self.start)
        #expect(second.take.map(\.name) == ["a"])
        #expect(second.reserve == 1, "another one instead of what is somebody else's")
        view.sights = ["a": .ready, "b": .ready]
        let third = KruiseClaimDecision(terms, record, view, now: Self.start)
        #expect(third.end == .allClaimed)
        #expect(third.claimed == 2)
    }

    @Test("Without stock it has sandboxes made, or waits if it is not to")
    func noStock() throws {
        let view = KruiseClaimView(source: .set(free: 1))
        let makes = KruiseClaimDecision(
            try Self.terms { $0.replicas = 3 },
            Self.record(replicas: 3),
            view,
            now: Self.start
        )
        #expect((makes.reserve, makes.invent) == (1, 2))
        let waits = KruiseClaimDecision(
            try Self.terms { ($0.replicas, $0.createOnNoStock) = (3, false) },
            Self.record(replicas: 3),
            view,
            now: Self.start
        )
        #expect((waits.reserve, waits.invent, waits.isWaitingForStock) == (1, 0, true))
        let clones = KruiseClaimDecision(
            try Self.terms { ($0.replicas, $0.createOnNoStock) = (90, false) },
            Self.record(replicas: 90),
            KruiseClaimView(source: .checkpoint),
            now: Self.start
        )
        #expect(clones.invent == 50, "as many as a batch has")
    }

    @Test("What was made and does not come up in time is given up, got rid of and replaced, more slowly each time")
    func failure() throws {
        let terms = try Self.terms { $0.claimTimeout = "10m" }
        var record = Self.record([KruiseClaimPlace("a")])
        var view = KruiseClaimView(source: .checkpoint)
        #expect(KruiseClaimDecision(terms, record, view, now: Self.start).make.map(\.name) == ["a"])
        view.sights = ["a": .coming(since: Self.start)]
        let waits = KruiseClaimDecision(terms, record, view, now: Self.start.addingTimeInterval(29))
        #expect((waits.invent, waits.make, waits.mustWrite) == (0, [], false))
        #expect(waits.wakeAt == Self.start.addingTimeInterval(30))
        var now = Self.start.addingTimeInterval(30)
        let gives = KruiseClaimDecision(terms, record, view, now: now)
        #expect(gives.mustWrite && gives.record.places[0].hasFailed == true)
        record = gives.record
        view.sights = ["a": .ready]
        #expect(KruiseClaimDecision(terms, record, view, now: now).discard.map(\.name) == ["a"], "too late")
        view.sights = ["a": .leaving]
        let after = KruiseClaimDecision(terms, record, view, now: now)
        #expect((after.invent, after.discard) == (0, []))
        #expect(after.wakeAt == now.addingTimeInterval(1))
        now.addTimeInterval(1)
        #expect(KruiseClaimDecision(terms, record, view, now: now).invent == 1)
        record.failures = 9
        record.places = [KruiseClaimPlace("b")]
        view.sights = ["b": .over]
        let tenth = KruiseClaimDecision(terms, record, view, now: now)
        #expect(tenth.record.retry == MicroTime(now.addingTimeInterval(16)))
    }

    @Test("When its time is over it keeps what it has, and gets rid of the rest before it ends")
    func timeout() throws {
        let terms = try Self.terms { $0.replicas = 4 }
        var record = Self.record(
            replicas: 4,
            [
                KruiseClaimPlace("had", uid: "1"), KruiseClaimPlace("free", uid: "2"), KruiseClaimPlace("coming"),
                KruiseClaimPlace("absent"),
            ]
        )
        var view = KruiseClaimView(source: .set(free: 0))
        view.sights = ["had": .ready, "free": .free, "coming": .coming(since: Self.start.addingTimeInterval(50))]
        let now = Self.start.addingTimeInterval(60)
        let first = KruiseClaimDecision(terms, record, view, now: now)
        #expect(first.end == nil && first.mustWrite)
        #expect(first.record.places.map(\.name) == ["coming"])
        #expect((first.take, first.make) == ([], []))
        record = first.record
        view.others = 1
        let second = KruiseClaimDecision(terms, record, view, now: now)
        #expect(second.discard.map(\.name) == ["coming"])
        view.sights = [:]
        let last = KruiseClaimDecision(terms, record, view, now: now)
        #expect(last.end == .timedOut)
        #expect(last.claimed == 1)
    }

    @Test(
        "Its count survives a status that is too low, a status that is lost, a record that is lost and a sandbox that is deleted"
    )
    func recovery() throws {
        let terms = try Self.terms { $0.replicas = 3 }
        var view = KruiseClaimView(source: .set(free: 9))
        view.others = 2
        view.told = 1
        let low = KruiseClaimDecision(terms, KruiseClaimRecord(), view, now: Self.start)
        #expect((low.claimed, low.reserve) == (2, 1))
        view.others = 1
        view.told = 3
        #expect(KruiseClaimDecision(terms, KruiseClaimRecord(), view, now: Self.start).end == .allClaimed)
        view.told = 0
        var record = Self.record(replicas: 3)
        record.claimed = 3
        #expect(
            KruiseClaimDecision(terms, record, view, now: Self.start).end == .allClaimed,
            "what is deleted is not replaced"
        )
        view.strays = ["stray"]
        view.sights = ["stray": .coming(since: Self.start)]
        let found = KruiseClaimDecision(terms, KruiseClaimRecord(), view, now: Self.start)
        #expect(found.record.places.map(\.name) == ["stray"])
        #expect((found.claimed, found.reserve) == (1, 1))
    }

    @Test("How many it wants is what it wanted at first")
    func immutable() throws {
        let terms = try Self.terms { $0.replicas = 5 }
        let decision = KruiseClaimDecision(
            terms,
            Self.record(replicas: 2),
            KruiseClaimView(source: .set(free: 9)),
            now: Self.start
        )
        #expect(decision.reserve == 2)
    }

    @Test("A source that is missing or unusable ends it")
    func noSource() throws {
        let missing = KruiseClaimDecision(
            try Self.terms(),
            Self.record(),
            KruiseClaimView(source: .missing),
            now: Self.start
        )
        #expect(missing.end == .sourceMissing)
        let broken = KruiseClaimDecision(
            try Self.terms(),
            Self.record(),
            KruiseClaimView(source: .unusable("x")),
            now: Self.start
        )
        #expect(broken.end == .sourceUnusable("x"))
        let waits = KruiseClaimDecision(
            try Self.terms(),
            Self.record(),
            KruiseClaimView(source: .waiting("x")),
            now: Self.start
        )
        #expect(waits.end == nil && waits.invent == 0 && waits.reserve == 0)
    }

    @Test(
        "What it cannot do it refuses, and says what to do",
        arguments: [
            #"{"templateName":""}"#, #"{"templateName":"s","replicas":0}"#,
            #"{"templateName":"s","claimTimeout":"1d"}"#,
            #"{"templateName":"s","claimTimeout":"999ms"}"#, #"{"templateName":"s","waitReadyTimeout":"-1s"}"#,
            #"{"templateName":"s","labels":{"agents.kruise.io/sandbox-id":"x"}}"#,
            #"{"templateName":"s","annotations":{"e2b.agents.kruise.io/x":"x"}}"#,
            #"{"templateName":"s","inplaceUpdate":{"image":"x"}}"#,
            #"{"templateName":"s","inplaceUpdate":{"resources":{"limits":{"cpu":"2"}}}}"#,
            #"{"templateName":"s","dynamicVolumesMount":[{"pvName":"x","mountPath":"/x"}]}"#,
        ]
    )
    func refusals(json: String) throws {
        let spec = try KruiseSandboxClaimSpec(json: json)
        let refusal = #expect(throws: KruiseClaimRefusal.self) { try KruiseClaimTerms(spec) }
        #expect(refusal?.message.isEmpty == false)
        #expect(
            refusal.map { ["InvalidClaim", "UnsupportedClaim", "FeatureGateDisabled"].contains($0.reason) } == true
        )
    }

    @Test(
        "How long it stays after its end",
        arguments: [
            (nil, 3600), ("60m", 3600), ("0s", 0), ("1.5s", 1.5), ("-1s", nil), ("30d", nil), ("", nil),
        ] as [(String?, Double?)]
    )
    func life(text: String?, seconds: Double?) {
        #expect(KruiseClaimTerms.lifeAfterEnd(.with { $0.ttlAfterCompleted = text }) == seconds)
    }

    @Test("What it has written down can be read again")
    func coding() throws {
        var record = Self.record(replicas: 3, [KruiseClaimPlace("a", uid: "1"), KruiseClaimPlace("b")])
        record.places[1].hasFailed = true
        record.retry = MicroTime(Self.start)
        var claim = KruiseSandboxClaim()
        #expect(try KruiseClaimRecord(of: claim) == KruiseClaimRecord())
        claim.metadata.annotations[KruiseClaimRecord.annotation] = record.jsonText
        #expect(try KruiseClaimRecord(of: claim) == record)
    }
}
