// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import TestSupport
import Testing

@testable import KubeRuntime

@Suite
struct BacklogTests {
    @Test func changesComeInTheirOrder() {
        var backlog = Backlog<ConfigMap>(limit: 10)
        let changes: [Change<ConfigMap>] = [
            .added(map("a", 1), isInitial: true), .updated(old: map("a", 1), new: map("a", 2)),
            .deleted(map("a", 3), isFinalStateKnown: true), .added(map("b", 4), isInitial: false),
        ]
        for change in changes { backlog.append(change) }
        #expect([backlog.next(), backlog.next(), backlog.next(), backlog.next(), backlog.next()] == changes + [nil])
    }

    /// Random events, told to a store and from there to a listener that hears them at random times: whatever it is told must fit
    /// to what it was told before, and in the end it must know what the store knows.
    @Test(arguments: [2, 3, 8, 1000])
    func whoeverIsSlowStillKnowsHowThingsAre(limit: Int) {
        var random = SeededGenerator(seed: UInt64(limit))
        for _ in 0..<200 {
            var contents = StoreContents<ConfigMap>(indexes: [])
            var backlog = Backlog<ConfigMap>(limit: limit)
            var known: [ObjectKey: ConfigMap] = [:]
            var told = 0
            func hear() {
                guard let change = backlog.next() else { return }
                told += 1
                let key = change.key
                switch change {
                case .added(let object, _):
                    #expect(known[key] == nil)
                    known[key] = object
                case .updated(let old, let new):
                    #expect(known[key] == old)
                    #expect(old.metadata.uid == new.metadata.uid && old != new)
                    known[key] = new
                case .deleted(let object, _):
                    #expect(known[key]?.metadata.uid == object.metadata.uid)
                    known[key] = nil
                }
            }
            var version = 0
            for _ in 0..<100 {
                version += 1
                let name = ["a", "b", "c"].randomElement(using: &random) ?? "a"
                let old = contents.objects[ObjectKey(namespace: "team", name: name)]
                let changes: [Change<ConfigMap>]
                switch Int.random(in: 0..<6, using: &random) {
                case 0: changes = contents.apply(.deleted(map(name, version, uid: old?.metadata.uid)))
                case 1: changes = contents.apply(.added(map(name, version, uid: "uid-\(version)")))
                case 2:
                    let items = contents.objects.values.filter { _ in Bool.random(using: &random) }
                    changes = contents.replace(with: Array(items), isInitial: false)
                default: changes = contents.apply(.modified(map(name, version, uid: old?.metadata.uid)))
                }
                for change in changes { backlog.append(change) }
                // The limit, and what came to be of each of the three names.
                #expect(backlog.count <= limit + 3 + 2)
                if Int.random(in: 0..<4, using: &random) == 0 { hear() }
            }
            while backlog.count > 0 { hear() }
            #expect(known == contents.objects)
            #expect(told > 0)
        }
    }
}
