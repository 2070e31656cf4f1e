// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

public import struct Foundation.Date

/// What a claim does next. It is a function of what it has written down and of what there is to be seen, and of nothing else.
public struct KruiseClaimDecision: Sendable, Hashable {
    /// How a claim ends.
    public enum End: Sendable, Hashable {
        /// It has all.
        case allClaimed
        /// There is no source of the name.
        case sourceMissing
        /// Its source never will be usable, and why.
        case sourceUnusable(String)
        /// It had no more time.
        case timedOut
    }

    /// What it writes down.
    public var record: KruiseClaimRecord
    /// Whether that must be written before anything else is done.
    public var mustWrite = false
    /// How many sandboxes it has.
    public var claimed = 0
    /// Sandboxes that it takes from the set.
    public var take: [KruiseClaimPlace] = []
    /// Sandboxes that it has made.
    public var make: [KruiseClaimPlace] = []
    /// Sandboxes of it that did not come up, and that it gets rid of.
    public var discard: [KruiseClaimPlace] = []
    /// Sandboxes of the set that it has now, and of which nothing is written down yet.
    public var taken: [KruiseClaimPlace] = []
    /// How many more of the set it is to aim at.
    public var reserve = 0
    /// How many more it is to have made.
    public var invent = 0
    /// How it ends, if it does.
    public var end: End?
    /// Whether it waits for sandboxes of the set.
    public var isWaitingForStock = false
    /// When to look again if nothing happens.
    public var wakeAt: Date?

    /// How many sandboxes it aims at at a time.
    public static let batch = 50
    /// Seconds after which another one is made for one that did not come up: doubled each time, up to the second.
    private static let pauses = (first: 1, longest: 16)

    /// Decides.
    public init(_ terms: KruiseClaimTerms, _ record: KruiseClaimRecord, _ view: KruiseClaimView, now: Date) {
        self.record = record
        let replicas = begin(terms, view, now)
        let deadline = (self.record.started?.date ?? now).addingTimeInterval(terms.timeout)
        var ending: End?
        switch view.source {
        case .missing: ending = .sourceMissing
        case .unusable(let why): ending = .sourceUnusable(why)
        case .set, .checkpoint, .waiting: if now >= deadline { ending = .timedOut }
        }
        look(at: view, terms, isOver: ending != nil, now)
        claimed = max(view.told, self.record.claimed)
        if claimed >= replicas { ending = .allClaimed }
        if let ending {
            take = []
            make = []
            self.record.places.removeAll { place in
                switch view.sights[place.name] ?? .absent {
                case .absent, .free, .foreign: true
                case .ready, .coming, .over, .leaving: false
                }
            }
            // What has come to nothing is got rid of before it ends: nobody looks afterwards.
            fail(where: { _ in true }, now)
            if self.record.places.isEmpty { end = ending }
            return
        }
        wake(at: deadline)
        let aims = self.record.places.count { $0.hasFailed != true }
        let room = min(replicas - claimed - aims, Self.batch - self.record.places.count)
        guard room > 0 else { return }
        aim(room, view.source, terms, now)
    }

    /// Takes note of what does not change any more.
    private mutating func begin(_ terms: KruiseClaimTerms, _ view: KruiseClaimView, _ now: Date) -> Int {
        if record.started == nil {
            record.started = MicroTime(view.started ?? now)
            mustWrite = true
        }
        if record.replicas == nil {
            record.replicas = terms.replicas
            mustWrite = true
        }
        for name in view.strays where !record.places.contains(where: { $0.name == name }) {
            record.places.append(KruiseClaimPlace(name))
            mustWrite = true
        }
        return record.replicas ?? terms.replicas
    }

    /// Sees how far each place is.
    private mutating func look(at view: KruiseClaimView, _ terms: KruiseClaimTerms, isOver: Bool, _ now: Date) {
        var left: [KruiseClaimPlace] = []
        var failed: Set<String> = []
        var got = 0
        var names: Set<String> = []
        for place in record.places where names.insert(place.name).inserted {
            let hasFailed = place.hasFailed == true
            switch view.sights[place.name] ?? .absent {
            case .absent where place.uid == nil && !hasFailed && !isOver:
                make.append(place)
                left.append(place)
            case .free where place.uid != nil && !hasFailed && !isOver:
                // Ready or not: as long as it can be had, somebody who is late could take it for this claim.
                take.append(place)
                left.append(place)
            case .absent, .free, .foreign: continue
            case .leaving where hasFailed: continue
            case .ready where !hasFailed, .leaving where place.uid != nil:
                // What its owner deletes is not replaced.
                got += 1
                if place.uid != nil { taken.append(place) }
            case .coming(let since) where !hasFailed:
                let end = since.addingTimeInterval(terms.waitReady)
                if end <= now { failed.insert(place.name) } else { wake(at: end) }
                left.append(place)
            case .over where !hasFailed, .leaving:
                failed.insert(place.name)
                left.append(place)
            case .ready, .coming, .over:
                discard.append(place)
                left.append(place)
            }
        }
        record.places = left
        record.claimed = max(record.claimed, view.others) + got
        fail(where: { failed.contains($0) }, now)
    }

    /// Gives sandboxes up.
    private mutating func fail(where hasFailed: (String) -> Bool, _ now: Date) {
        for index in record.places.indices where record.places[index].hasFailed != true {
            guard hasFailed(record.places[index].name) else { continue }
            record.places[index].hasFailed = true
            record.failures += 1
            let pause = min(Self.pauses.longest, Self.pauses.first << min(record.failures - 1, 10))
            record.retry = MicroTime(now.addingTimeInterval(Double(pause)))
            mustWrite = true
        }
    }

    /// Says what more is to be had.
    private mutating func aim(_ room: Int, _ source: KruiseClaimView.Source, _ terms: KruiseClaimTerms, _ now: Date) {
        var room = room
        switch source {
        case .set(let free):
            reserve = min(room, free)
            room -= reserve
            isWaitingForStock = room > 0
            if !terms.createsOnNoStock { return }
        case .checkpoint: break
        case .waiting, .missing, .unusable: return
        }
        guard room > 0 else { return }
        if let retry = record.retry, retry.date > now { return wake(at: retry.date) }
        invent = room
    }

    private mutating func wake(at date: Date) { wakeAt = min(wakeAt ?? date, date) }
}
