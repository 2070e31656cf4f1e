// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Testing

/// Against a real API server.
@Suite(.serialized)
struct VerbTests {
    private func settings(_ name: String, _ data: [String: String] = ["a": "1"]) -> ConfigMap {
        .with {
            $0.metadata.name = name
            $0.data = data
        }
    }

    @Test func createsReadsReplacesAndDeletes() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            #expect(try await maps.find("one") == nil)
            let created = try await maps.create(settings("one"))
            #expect(created.metadata.uid != nil && created.metadata.creationTimestamp != nil)
            #expect(try await maps.get("one") == created)
            await #expect { try await maps.create(settings("one")) } throws: {
                ($0 as? KubeError)?.isAlreadyExists == true
            }

            var changed = created
            changed.data["b"] = "2"
            let replaced = try await maps.replace(changed)
            #expect(replaced.data == ["a": "1", "b": "2"])
            await #expect { try await maps.replace(changed) } throws: { ($0 as? KubeError)?.isConflict == true }
            let updated = try await maps.update("one") { $0.data["c"] = "3" }
            #expect(updated.data.count == 3)

            let wrong = DeleteOptions(uid: "00000000-0000-0000-0000-000000000000")
            await #expect { try await maps.delete("one", wrong) } throws: { ($0 as? KubeError)?.isConflict == true }
            _ = try await maps.delete("one", DeleteOptions(isDryRun: true))
            #expect(try await maps.find("one") != nil)
            try await maps.delete("one", DeleteOptions(uid: created.metadata.uid))
            #expect(try await maps.find("one") == nil)
            await #expect { try await maps.delete("one") } throws: { ($0 as? KubeError)?.isNotFound == true }
        }
    }

    @Test func patches() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            let created = try await maps.create(settings("one"))
            let merged = try await maps.patch("one", .merge(MergePatch(["data": ["a": .null, "b": "2"]])))
            #expect(merged.data == ["b": "2"])
            let stale = try MergePatch(["data": ["c": "3"]]).requiring(
                resourceVersion: #require(created.metadata.resourceVersion)
            )
            await #expect { try await maps.patch("one", .merge(stale)) } throws: {
                ($0 as? KubeError)?.isConflict == true
            }
            let steps = JSONPatch([.test(["data", "b"], "2"), .replace(["data", "b"], "3")])
            #expect(try await maps.patch("one", .json(steps)).data == ["b": "3"])
            await #expect { try await maps.patch("one", .json(steps)) } throws: { ($0 as? KubeError)?.kind == .invalid }
            let strategic = try await maps.patch("one", .strategicMerge(["metadata": ["labels": ["x": "y"]]]))
            #expect(strategic.metadata.labels == ["x": "y"])
        }
    }

    @Test func appliesAndSaysWhoOwnsAField() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            let mine = try await maps.apply(settings("one", ["a": "1", "b": "1"]), manager: "alice \"a\"")
            #expect(mine.metadata.managedFields.map(\.manager) == ["alice \"a\""])
            let error = await #expect(throws: KubeError.self) {
                try await maps.apply(settings("one", ["a": "2"]), manager: "bob")
            }
            #expect(error?.isConflict == true)
            #expect(error?.applyConflicts.map(\.manager) == ["alice \"a\""], "\(error.map(\.description) ?? "")")
            #expect(error?.applyConflicts.map(\.field) == [".data.a"])
            let taken = try await maps.apply(settings("one", ["a": "2"]), manager: "bob", isForced: true)
            #expect(taken.data == ["a": "2", "b": "1"])
            // What a manager does not say any more goes.
            let gone = try await maps.apply(["data": ["a": "2"]], to: "one", manager: "alice \"a\"", isForced: true)
            #expect(gone.data == ["a": "2"])
        }
    }

    @Test func listsSelectsAndPages() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            for number in 0..<7 {
                _ = try await maps.create(
                    .with {
                        $0.metadata.name = "map-\(number)"
                        $0.metadata.labels = ["odd": "\(number % 2 == 1)", "own": "yes"]
                    }
                )
            }
            let own = ListOptions(labels: try LabelQuery(parsing: "own"))
            let odd = ListOptions(labels: try LabelQuery(parsing: "own,odd in (true)"))
            #expect(try await maps.list(odd).items.map(\.metadata.name) == ["map-1", "map-3", "map-5"])
            #expect(try await maps.list(ListOptions(fields: .name("map-2"))).items.count == 1)
            var sizes: [Int] = []
            for try await page in maps.pages(own, pageSize: 3) { sizes.append(page.items.count) }
            #expect(sizes == [3, 3, 1])
            let (items, version) = try await maps.pages(own, pageSize: 2).collect()
            #expect(items.count == 7 && version != nil)
            #expect(try await maps.in(.all).list(own).items.count >= 7)
            var broken = own
            broken.continueToken = "nonsense"
            await #expect { try await maps.list(broken) } throws: { ($0 as? KubeError)?.kind == .invalid }
            try await maps.deleteAll(odd)
            #expect(try await maps.list(own).items.count == 4)
        }
    }

    @Test func watchesFromAStateOn() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            let options = ListOptions(fields: .name("one"))
            let list = try await maps.list(options)
            var from = options
            from.resourceVersion = list.metadata.resourceVersion
            _ = try await maps.create(settings("one"))
            _ = try await maps.create(settings("other"))
            _ = try await maps.patch("one", .merge(MergePatch(["data": ["a": "2"]])))
            try await maps.delete("one")
            var events: [String] = []
            for try await event in maps.watch(from) {
                switch event {
                case .added(let map): events.append("added \(map.metadata.name) \(map.data["a"] ?? "")")
                case .modified(let map): events.append("modified \(map.data["a"] ?? "")")
                case .deleted(let map): events.append("deleted \(map.metadata.name)")
                case .bookmark: continue
                }
                if events.count == 3 { break }
            }
            #expect(events == ["added one 1", "modified 2", "deleted one"])
            from.resourceVersion = "1"
            let expired = await #expect(throws: KubeError.self) { for try await _ in maps.watch(from) {} }
            #expect(expired?.isExpired == true, "\(expired.map(\.description) ?? "")")
        }
    }

    @Test func aWatchGoesOnWhenItsStreamEnds() async throws {
        var configuration = try Cluster.configuration()
        configuration.watchDuration = .seconds(1)
        let shortLived = configuration
        try await Cluster.run { _, namespace in
            try await withKubeClient(shortLived, logger: Cluster.logger) { client in
                let maps = client.resource(ConfigMap.self, in: .named(namespace))
                let list = try await maps.list()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        // Each after the end of the stream before.
                        for number in 0..<3 {
                            try await Task.sleep(for: .milliseconds(2500))
                            _ = try await maps.create(settings("map-\(number)"))
                        }
                    }
                    var names: [String] = []
                    for try await event in maps.watch(ListOptions(resourceVersion: list.metadata.resourceVersion)) {
                        guard case .added(let map) = event, map.metadata.name.hasPrefix("map-") else { continue }
                        names.append(map.metadata.name)
                        if names.count == 3 { break }
                    }
                    #expect(names == ["map-0", "map-1", "map-2"])
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test func typesThatAreNotServedAreTold() async throws {
        try await Cluster.run { client, namespace in
            let type = ResourceType(group: "nobody.example", version: "v1", kind: "Nothing", plural: "nothings")
            let nothings = client.resource(type, in: .named(namespace))
            let listing = await #expect(throws: KubeError.self) { try await nothings.list() }
            #expect(listing?.kind == .notServed, "\(listing.map(\.description) ?? "")")
            let getting = await #expect(throws: KubeError.self) { try await nothings.get("x") }
            #expect(getting?.kind == .notServed, "\(getting.map(\.description) ?? "")")
            let missing = client.resource(ConfigMap.self, in: .named("nobody-here"))
            let error = await #expect(throws: KubeError.self) { try await missing.create(settings("one")) }
            #expect(error?.isNotFound == true, "\(error.map(\.description) ?? "")")
            let version = try await client.serverVersion()
            #expect(version.hasPrefix("v1."))
        }
    }

    @Test func invalidObjectsAreTold() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            let error = await #expect(throws: KubeError.self) { try await maps.create(settings("Not A Name")) }
            #expect(
                error?.kind == .invalid && error?.causes.first?.field == "metadata.name",
                "\(error.map(\.description) ?? "")"
            )
        }
    }

    @Test func dynamicObjectsAreReadAndWritten() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.resourceType, in: .named(namespace))
            var object = DynamicObject()
            object.metadata.name = "one"
            object["data"] = ["a": "1"]
            let created = try await maps.create(object)
            #expect(created["data"] == ["a": "1"] && created.kind == "ConfigMap")
            #expect(try await maps.list().items.contains { $0.kind == "ConfigMap" && $0.metadata.name == "one" })
        }
    }
}
