// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import TestSupport

import struct Foundation.Date

/// A controller in a test, which does one thing at a time with a cache that lags behind: so that everything else can happen
/// between any two of its writes. It does what `SandboxClaimReconciler` does, in the same order.
struct ClaimActor {
    private enum Write {
        case take(KruiseClaimPlace)
        case make(KruiseClaimPlace)
        case discard(KruiseClaimPlace, keeping: Bool)
    }

    /// One look at one claim.
    private struct Look {
        var claim: KruiseSandboxClaim
        var answered: [String: KruiseSandbox?] = [:]
        var writes: [Write] = []
    }

    /// Up to which state of the world its caches have come: each kind has one of its own.
    private var position: Int
    private var claimPosition: Int
    private var look: Look?
    /// Up to which state its cache must have come before a claim is looked at again.
    private var expected: [String: Int] = [:]
    private var newest: [String: KruiseSandboxClaim] = [:]
    private var reserved: [String: String] = [:]

    /// One that has just started: its cache is filled.
    init(_ world: ClaimWorld) {
        position = world.history.count - 1
        claimPosition = position
    }

    /// Its cache sees more.
    mutating func catchUp(_ world: ClaimWorld, by steps: Int, claimsBy claimSteps: Int) {
        let last = world.history.count - 1
        position = steps < last - position ? position + steps : last
        claimPosition = claimSteps < last - claimPosition ? claimPosition + claimSteps : last
        let cache = world.history[position]
        reserved = reserved.filter { uid, _ in cache.boxes.values.contains { $0.metadata.uid == uid && $0.isInSet } }
    }

    /// Does one thing.
    ///
    /// - Returns: Whether it may have changed something.
    mutating func step(_ world: inout ClaimWorld, _ random: inout Mutator) {
        guard var look else {
            begin(world, &random)
            return
        }
        if look.writes.isEmpty {
            self.look = turn(look, &world, &random)
        } else {
            perform(look.writes.removeFirst(), &look, &world)
            self.look = look
        }
    }

    private mutating func begin(_ world: ClaimWorld, _ random: inout Mutator) {
        let open = world.history[claimPosition].claims.values.filter {
            expected[$0.metadata.name, default: 0] <= position
        }
        guard let claim = open.sorted(by: { $0.metadata.name < $1.metadata.name }).randomElement(using: &random) else {
            return
        }
        look = Look(claim: newer(claim))
    }

    private mutating func turn(_ look: Look, _ world: inout ClaimWorld, _ random: inout Mutator) -> Look? {
        var look = look
        let claim = look.claim
        let cache = world.history[position]
        if claim.status?.phase == .completed {
            // Somebody was late.
            let count = owned(look, cache)
            if count > claim.status?.claimedReplicas ?? 0 {
                var counted = claim
                counted.status?.claimedReplicas = count
                if case .done(let written) = world.write(counted) { newest[claim.metadata.name] = written }
            }
            return nil
        }
        guard let terms = try? KruiseClaimTerms(claim.spec), let record = try? KruiseClaimRecord(of: claim) else {
            return nil
        }
        let aims = Set(record.places.map(\.name))
        let free = cache.boxes.values.filter {
            !aims.contains($0.metadata.name) && $0.isFree(at: world.now) && reserved[$0.metadata.uid ?? ""] == nil
        }
        .sorted { $0.metadata.name < $1.metadata.name }.shuffled(using: &random)
        for place in record.places where place.uid != nil && cache.boxes[place.name] == nil {
            // Another cache, of whoever has written it down, may have been ahead of this one.
            if look.answered[place.name] == nil { look.answered[place.name] = .some(world.boxes[place.name]) }
        }
        let view = view(look, record, free: free.count, cache, world.now)
        var decision = KruiseClaimDecision(terms, record, view, now: world.now)
        if let end = decision.end {
            var ended = claim
            ended.status = .with {
                $0.phase = .completed
                $0.claimedReplicas = decision.claimed
                $0.message = "\(end)"
            }
            if case .done(let written) = world.write(ended) { newest[claim.metadata.name] = written }
            reserved = reserved.filter { $0.value != claim.metadata.uid }
            return nil
        }
        var new = free.prefix(decision.reserve).map {
            KruiseClaimPlace($0.metadata.name, uid: $0.metadata.uid, lock: world.name("lock"))
        }
        for aim in new { reserved[aim.uid ?? ""] = claim.metadata.uid }
        new += (0..<decision.invent).map { _ in KruiseClaimPlace(world.name("made")) }
        let hasWork = !decision.take.isEmpty || !decision.make.isEmpty || !decision.discard.isEmpty
        if decision.mustWrite || !new.isEmpty || (!hasWork && decision.record != record) {
            decision.record.places += new
            var written = claim
            written.metadata.annotations[KruiseClaimRecord.annotation] = decision.record.jsonText
            guard case .done(let answer) = world.write(written) else {
                for aim in new { reserved[aim.uid ?? ""] = nil }
                return nil
            }
            newest[claim.metadata.name] = answer
            look.claim = answer
            return look
        }
        look.writes =
            decision.discard.map { .discard($0, keeping: terms.keepsFailed) } + decision.take.map { .take($0) }
            + decision.make.map { .make($0) }
        return look.writes.isEmpty ? nil : look
    }

    private func view(
        _ look: Look,
        _ record: KruiseClaimRecord,
        free: Int,
        _ cache: ClaimWorld.Objects,
        _ now: Date
    ) -> KruiseClaimView {
        let uid = look.claim.metadata.uid ?? ""
        var view = KruiseClaimView(source: .set(free: free))
        for place in record.places {
            view.sights[place.name] =
                newest(place.name, look, cache)?.sight(for: uid, uid: place.uid, lock: place.lock, at: now) ?? .absent
        }
        for name in Set(cache.boxes.keys).union(look.answered.keys).sorted() where view.sights[name] == nil {
            guard let box = newest(name, look, cache), box.isClaimed(by: uid), box.isActive else { continue }
            if box.state(at: now).state == .creating {
                view.strays.append(name)
                view.sights[name] = box.sight(for: uid, uid: nil, at: now)
            } else {
                view.others += 1
            }
        }
        view.told = look.claim.status?.claimedReplicas ?? 0
        return view
    }

    private func owned(_ look: Look, _ cache: ClaimWorld.Objects) -> Int {
        cache.boxes.values.count { $0.isClaimed(by: look.claim.metadata.uid ?? "") && $0.isActive }
    }

    private mutating func perform(_ write: Write, _ look: inout Look, _ world: inout ClaimWorld) {
        let cache = world.history[position]
        let uid = look.claim.metadata.uid ?? ""
        switch write {
        case .take(let place):
            guard var box = newest(place.name, look, cache) else { return }
            let lock = place.lock ?? world.name("lock")
            try? KruiseTaking(owner: uid, lock: lock, time: world.now).apply(to: &box)
            switch world.write(box) {
            case .done(let taken): look.answered[place.name] = .some(taken)
            case .conflict: look.answered[place.name] = .some(world.boxes[place.name])
            case .gone: look.answered[place.name] = .some(nil)
            }
        case .make(let place):
            var box = KruiseSandbox.with { $0.metadata.name = place.name }
            try? KruiseTaking(owner: uid, lock: world.name("lock"), time: world.now).apply(to: &box)
            look.answered[place.name] = .some(world.create(box) ?? world.boxes[place.name])
        case .discard(let place, let keeping):
            guard var box = world.boxes[place.name], box.isClaimed(by: uid) else {
                look.answered[place.name] = .some(nil)
                return
            }
            if keeping {
                box.metadata.labels[Kruise.Label.reservedFailedSandbox] = "true"
                if case .done(let kept) = world.write(box) { look.answered[place.name] = .some(kept) }
            } else {
                world.delete(place.name, uid: box.metadata.uid)
                look.answered[place.name] = .some(nil)
            }
        }
        expected[look.claim.metadata.name] = world.history.count - 1
    }

    private func newest(_ name: String, _ look: Look, _ cache: ClaimWorld.Objects) -> KruiseSandbox? {
        guard let answered = look.answered[name] else { return cache.boxes[name] }
        guard let answered, let cached = cache.boxes[name] else { return answered }
        return Self.version(cached.metadata) > Self.version(answered.metadata) ? cached : answered
    }

    private func newer(_ claim: KruiseSandboxClaim) -> KruiseSandboxClaim {
        guard let answered = newest[claim.metadata.name] else { return claim }
        return Self.version(answered.metadata) > Self.version(claim.metadata) ? answered : claim
    }

    private static func version(_ metadata: ObjectMeta) -> Int { metadata.resourceVersion.flatMap { Int($0) } ?? 0 }
}
