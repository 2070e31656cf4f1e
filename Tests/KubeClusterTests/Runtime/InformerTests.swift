// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import TestSupport
import Testing

@testable import KubeRuntime

/// Against a real API server.
@Suite(.serialized)
struct InformerTests {
    private static let labels = ["informer": "test"]

    private func settings(_ name: String, _ value: Int = 0) -> ConfigMap {
        .with {
            $0.metadata.name = name
            $0.metadata.labels = Self.labels
            $0.data = ["value": "\(value)"]
        }
    }

    private func informer(
        _ client: KubeClient,
        _ namespace: String,
        pageSize: Int = 500
    ) throws -> Informer<ConfigMap> {
        Informer(
            client.resource(ConfigMap.self, in: .named(namespace)),
            ListOptions(labels: try LabelQuery(matching: Self.labels)),
            indexes: [.namespace],
            pageSize: pageSize,
            backoff: Backoff(firstDelay: .milliseconds(20), longestDelay: .milliseconds(100)),
            logger: Cluster.logger
        )
    }

    private func text(_ change: Change<ConfigMap>?) -> String? {
        switch change {
        case .added(let map, let isInitial):
            "\(isInitial ? "initial" : "added") \(map.metadata.name) \(map.data["value"] ?? "")"
        case .updated(let old, let new):
            "updated \(new.metadata.name) \(old.data["value"] ?? "") to \(new.data["value"] ?? "")"
        case .deleted(let map, let isKnown):
            "\(isKnown ? "deleted" : "vanished") \(map.metadata.name) \(map.data["value"] ?? "")"
        case nil: nil
        }
    }

    /// Runs `body` while an informer runs, with what it tells.
    private func run(
        _ informer: Informer<ConfigMap>,
        _ body: (inout ChangeSequence<ConfigMap>.Iterator) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informer.run() }
            var changes = informer.changes.makeAsyncIterator()
            try await body(&changes)
            group.cancelAll()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func listsPageByPageAndFollows() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            for number in 0..<5 { _ = try await maps.create(settings("map-\(number)")) }
            let informer = try informer(client, namespace, pageSize: 2)
            #expect(!informer.store.isSynced)
            try await run(informer) { changes in
                try await informer.waitUntilSynced()
                #expect(informer.store.count == 5 && informer.store.objects(.namespace, namespace).count == 5)
                #expect(informer.store[namespace, "map-3"]?.metadata.managedFields == [])
                for number in 0..<5 { #expect(text(await changes.next()) == "initial map-\(number) 0") }
                _ = try await maps.create(settings("new"))
                #expect(text(await changes.next()) == "added new 0")
                _ = try await maps.update("new") { $0.data["value"] = "1" }
                #expect(text(await changes.next()) == "updated new 0 to 1")
                try await maps.delete("new")
                #expect(text(await changes.next()) == "deleted new 1")
                // What is not selected any more is gone.
                _ = try await maps.update("map-4") { $0.metadata.labels = [:] }
                #expect(text(await changes.next()) == "deleted map-4 0")
                #expect(informer.store.count == 4 && informer.failure == nil)
                // Who comes later hears what is there.
                var later = informer.changes.makeAsyncIterator()
                for number in 0..<4 { #expect(text(await later.next()) == "initial map-\(number) 0") }
            }
        }
    }

    /// The API server goes away as it does when it is started again; meanwhile things change.
    @Test(.timeLimit(.minutes(2)))
    func afterAnOutageEachChangeIsToldOnce() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            for name in ["goes", "changes", "stays"] { _ = try await maps.create(settings(name)) }
            try await Cluster.runBehindProxy { remote, proxy in
                let informer = try informer(remote, namespace)
                try await run(informer) { changes in
                    for name in ["changes", "goes", "stays"] {
                        #expect(text(await changes.next()) == "initial \(name) 0")
                    }
                    for round in 1...3 {
                        proxy.goAway()
                        try await maps.delete("goes")
                        _ = try await maps.update("changes") { $0.data["value"] = "\(round)" }
                        _ = try await maps.create(settings("goes", round))
                        proxy.comeBack()
                        // The watch goes on from where it was: nothing in between is missed.
                        #expect(text(await changes.next()) == "deleted goes \(round - 1)")
                        #expect(text(await changes.next()) == "updated changes \(round - 1) to \(round)")
                        #expect(text(await changes.next()) == "added goes \(round)")
                    }
                    #expect(informer.store.count == 3)
                }
            }
        }
    }

    /// After so long an outage that the state that was reached is too old (410), only a new list tells what has happened.
    @Test(.timeLimit(.minutes(2)))
    func afterARelistEachChangeIsToldOnceAndDeletionsAsSuch() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            for name in ["again", "changes", "goes", "stays"] { _ = try await maps.create(settings(name)) }
            let informer = try informer(client, namespace)
            var changes = informer.changes.makeAsyncIterator()
            try await run(informer) { _ in
                for name in ["again", "changes", "goes", "stays"] {
                    #expect(text(await changes.next()) == "initial \(name) 0")
                }
            }
            try await maps.delete("goes")
            try await maps.delete("again")
            _ = try await maps.create(settings("again", 1))
            for value in 1...3 { _ = try await maps.update("changes") { $0.data["value"] = "\(value)" } }
            _ = try await maps.create(settings("new"))
            informer.forgetProgress()
            try await run(informer) { _ in
                #expect(text(await changes.next()) == "vanished goes 0")
                #expect(text(await changes.next()) == "vanished again 0")
                #expect(text(await changes.next()) == "added again 1")
                #expect(text(await changes.next()) == "updated changes 0 to 3")
                #expect(text(await changes.next()) == "added new 0")
                // And that was all.
                _ = try await maps.create(settings("last"))
                #expect(text(await changes.next()) == "added last 0")
                #expect(informer.store.count == 5)
            }
        }
    }

    /// A state that is given is where it begins, and no place to come back to. However it is listed, each object is transformed once.
    @Test(.timeLimit(.minutes(2)))
    func beginsWithAGivenStateAndListsTheNewestLater() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            for name in ["first", "second", "third"] { _ = try await maps.create(settings(name)) }
            let version = try await maps.list().metadata.resourceVersion
            _ = try await maps.update("first") { $0.data["value"] = "1" }
            let informer = Informer(
                maps,
                ListOptions(labels: try LabelQuery(matching: Self.labels), resourceVersion: version),
                pageSize: 2,
                transform: { $0.data["seen", default: ""] += "x" },
                logger: Cluster.logger
            )
            var changes = informer.changes.makeAsyncIterator()
            try await run(informer) { _ in
                for name in ["first", "second", "third"] { #expect(text(await changes.next()) == "initial \(name) 0") }
                #expect(text(await changes.next()) == "updated first 0 to 1")
            }
            _ = try await maps.update("first") { $0.data["value"] = "2" }
            informer.forgetProgress()
            try await run(informer) { _ in
                #expect(text(await changes.next()) == "updated first 1 to 2")
                #expect(informer.store.objects.count == 3)
                #expect(informer.store.objects.allSatisfy { $0.data["seen"] == "x" })
            }
        }
    }

    /// Writers write while connections are cut all the time. Two who listen, one slow and one fast, both hear each object's
    /// changes in order, none twice, and know the same as the API server in the end.
    @Test(.timeLimit(.minutes(3)))
    func cutsLoseNothingAndASlowListenerHoldsNobodyBack() async throws {
        let names = (0..<5).map { "map-\($0)" }
        let rounds = 20
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            try await Cluster.runBehindProxy { remote, proxy in
                let informer = try informer(remote, namespace)
                try await run(informer) { fast in
                    let isFastDone = Flag()
                    try await informer.waitUntilSynced()
                    let slow = informer.changes.makeAsyncIterator()
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for name in names {
                            group.addTask {
                                _ = try await maps.create(settings(name))
                                for value in 1...rounds {
                                    let patch = MergePatch(["data": ["value": .string("\(value)")]])
                                    _ = try await maps.patch(name, .merge(patch))
                                }
                                try await maps.delete(name)
                            }
                        }
                        group.addTask {
                            while !isFastDone.isSet {
                                proxy.cutConnections()
                                try await Task.sleep(for: .milliseconds(150))
                            }
                        }
                        // Nobody reads the slow one until the fast one has heard everything.
                        try await Self.follow(&fast, names, rounds)
                        isFastDone.isSet = true
                        try await group.waitForAll()
                        var slow = slow
                        try await Self.follow(&slow, names, rounds)
                    }
                    #expect(informer.store.count == 0)
                }
            }
        }
    }

    /// Hears all changes of all objects until the last is deleted.
    private static func follow(
        _ changes: inout ChangeSequence<ConfigMap>.Iterator,
        _ names: [String],
        _ rounds: Int
    ) async throws {
        var values: [String: Int] = [:]
        var gone: Set<String> = []
        while gone.count < names.count, let change = await changes.next() {
            let name = change.key.name
            let value = try #require(Int(change.object.data["value"] ?? ""))
            #expect(!gone.contains(name))
            switch change {
            case .added:
                #expect(values[name] == nil)
                values[name] = value
            case .updated(let old, _):
                #expect(Int(old.data["value"] ?? "") == values[name])
                #expect(value == (values[name] ?? -1) + 1, "a watch that goes on misses nothing")
                values[name] = value
            case .deleted(_, let isFinalStateKnown):
                #expect(isFinalStateKnown && value == rounds && values[name] == rounds)
                gone.insert(name)
            }
        }
    }
}
