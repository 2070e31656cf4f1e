// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import TestSupport
import Testing

/// Against a real API server.
@Suite(.serialized)
struct ControllerClusterTests {
    private func settings(_ name: String, _ data: [String: String] = [:]) -> ConfigMap {
        .with {
            $0.metadata.name = name
            $0.data = data
        }
    }

    /// Each of 1,000 writers adds its own mark to one object, 32 of them at a time. The API server is one of their own: of the
    /// testbed's, a handful of controllers would read every state as well, and each write would wait for the disk.
    @Test(.timeLimit(.minutes(5)))
    func aThousandConflictingWritersLoseNoUpdate() async throws {
        try await Cluster.runOwnServer { server, _ in
            var configuration = try Cluster.configuration(of: server.authority)
            configuration.retry = RetryPolicy()
            try await withKubeClient(configuration, logger: Cluster.logger) { client in
                _ = try await client.maps.create(settings("shared", ["count": "0"]))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<1000 {
                        if number >= 32 { try await group.next() }
                        group.addTask {
                            _ = try await client.maps.update("shared", attempts: 1000) { map in
                                map.data["count"] = String((Int(map.data["count"] ?? "") ?? 0) + 1)
                                map.data["writer-\(number)"] = "was here"
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let result = try await client.maps.get("shared")
                #expect(result.data["count"] == "1000")
                #expect(result.data.count == 1001)
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func aFinalizerKeepsAnObjectUntilAllIsCleanedUp() async throws {
        let finalizer = Finalizer("test.example/cleanup")
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            let created = try await maps.create(settings("one"))
            var applied: [String] = []
            let first = try await finalizer.reconcile(created, maps) { map in
                applied = map.metadata.finalizers
                return .requeue(after: .seconds(5))
            } cleanUp: { _ in
                nil
            }
            #expect(first == .requeue(after: .seconds(5)) && applied == [finalizer.name])

            // Others write it meanwhile, also its finalizers; what we know of it is old.
            _ = try await maps.update("one") { $0.metadata.finalizers.append("other.example/cleanup") }
            _ = try await maps.update("one") { $0.data["a"] = "b" }
            #expect(try await finalizer.add(to: created, maps)?.metadata.finalizers.count == 2)
            try await maps.delete("one")
            let deleted = try await maps.get("one")
            #expect(deleted.metadata.deletionTimestamp != nil)
            #expect(try await Finalizer("test.example/late").add(to: deleted, maps) == nil)

            let waiting = try await finalizer.reconcile(deleted, maps) { _ in
                .done
            } cleanUp: { _ in
                .seconds(1)
            }
            #expect(waiting == .requeue(after: .seconds(1)))
            let second = try await finalizer.reconcile(deleted, maps) { _ in
                .done
            } cleanUp: { _ in
                // It stays until all is undone.
                let current = try await maps.get("one")
                #expect(finalizer.isIn(current))
                return nil
            }
            #expect(second == .done)
            #expect(try await maps.get("one").metadata.finalizers == ["other.example/cleanup"])
            #expect(try await Finalizer("other.example/cleanup").remove(from: deleted, maps)?.metadata.finalizers == [])
            #expect(try await maps.find("one") == nil)

            // Another object of its name is left alone.
            _ = try await maps.create(settings("one"))
            #expect(try await finalizer.add(to: created, maps) == nil)
            #expect(try await maps.get("one").metadata.finalizers == [])
            try await maps.delete("one")
            #expect(try await finalizer.remove(from: deleted, maps) == nil)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func eventsAreWrittenAndCounted() async throws {
        try await Cluster.run { client, namespace in
            let map = try await client.resource(ConfigMap.self, in: .named(namespace)).create(settings("one"))
            let recorder = EventRecorder(
                client,
                component: "test.example/c",
                instance: "c-1",
                limit: 20,
                logger: Cluster.logger
            )
            for _ in 0..<3 { recorder.record(.warning, about: map, reason: "Failed", "it does not work") }
            for number in 0..<12 { recorder.record(.normal, about: map, reason: "Tried", "attempt \(number)") }
            recorder.record(.normal, about: map, reason: "Long", String(repeating: "é", count: 1000))
            recorder.shutDown()
            recorder.record(.normal, about: map, reason: "Late", "too late")
            try await recorder.run()
            let events = try await client.resource(CoreEvent.self, in: .named(namespace)).list().items
                .filter { $0.source?.component == "test.example/c" }
            let failed = events.filter { $0.reason == "Failed" }
            #expect(failed.map(\.count) == [3] && failed.map(\.type) == ["Warning"])
            #expect(failed.first?.involvedObject.uid == map.metadata.uid)
            let tried = events.filter { $0.reason == "Tried" }
            #expect(tried.count == 11)
            #expect(tried.first { $0.count == 2 }?.message == "(combined from similar events): attempt 11")
            #expect(events.contains { $0.reason == "Long" } && !events.contains { $0.reason == "Late" })
        }
    }

    /// A controller that sees to it that each map has a copy. Expectations keep it from making two while its store lags behind.
    @Test(.timeLimit(.minutes(2)))
    func ownedObjectsAreMadeOnce() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            let secrets = client.resource(Secret.self, in: .named(namespace))
            let owners = Informer(maps, ListOptions(labels: try LabelQuery(parsing: "copy")), logger: Cluster.logger)
            let copies = Informer(
                secrets,
                ListOptions(labels: try LabelQuery(parsing: "copy")),
                indexes: [.owner],
                logger: Cluster.logger
            )
            let expectations = Expectations<ObjectKey>()
            let controller = Controller<ObjectKey>(name: "copies", workers: 4, logger: Cluster.logger) { key in
                guard let owner = owners.store[key] else { return .done }
                guard expectations.areMet(for: key) else { return .requeue(after: expectations.patience) }
                guard copies.store.objects(.owner, owner.metadata.uid ?? "").isEmpty else { return .done }
                _ = try await expectations.creation(for: key) {
                    try await secrets.create(
                        .with {
                            $0.metadata.generateName = "copy-"
                            $0.metadata.labels = ["copy": "yes"]
                            $0.metadata.ownerReferences = [owner.controllerReference()]
                        }
                    )
                }
                // Before the store can know.
                return .requeue(after: .milliseconds(1))
            }
            .watching(owners)
            .watching(copies) { change in
                expectations.observe(change)
                return change.object.controller(ConfigMap.self).map { [$0] } ?? []
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await owners.run() }
                group.addTask { try await copies.run() }
                group.addTask { try await controller.run() }
                for number in 0..<20 {
                    _ = try await maps.create(
                        .with {
                            $0.metadata.name = "map-\(number)"
                            $0.metadata.labels = ["copy": "yes"]
                        }
                    )
                }
                var changes = copies.changes.makeAsyncIterator()
                while copies.store.count < 20 { _ = await changes.next() }
                // One that was deleted is made again.
                let victim = try #require(copies.store.objects.first)
                try await secrets.delete(victim.metadata.name)
                var isGone = false
                while let change = await changes.next() {
                    if case .deleted(let gone, _) = change, gone.key == victim.key { isGone = true }
                    guard case .added(let new, _) = change, isGone else { continue }
                    if new.controller(ConfigMap.self) == victim.controller(ConfigMap.self) { break }
                }
                group.cancelAll()
            }
            let all = try await secrets.list(ListOptions(labels: try LabelQuery(parsing: "copy"))).items
            #expect(all.count == 20 && Set(all.compactMap { $0.controller(ConfigMap.self) }).count == 20)
        }
    }
}
