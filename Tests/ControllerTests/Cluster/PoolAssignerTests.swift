// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import Testing

@testable import Controller

/// Pools and sandboxes are objects only: nobody makes pods of them.
@Suite("A sandbox that leaves the choice of its pool to the controller")
struct PoolAssignerTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` while pools are chosen in a namespace.
    private static func run(_ body: @escaping @Sendable (SandboxCluster, ResourceClient<Pool>) async throws -> Void)
        async throws
    {
        try await SandboxCluster.run(isControlled: false) { cluster in
            let client = cluster.client
            let sandboxes = Informer(cluster.sandboxes, logger: logger)
            let poolClient: ResourceClient<Pool> = client.resource(in: .named(cluster.namespace))
            let pools = Informer(poolClient, logger: logger)
            let recorder = EventRecorder(client, component: "stasis-controller", instance: "test", logger: logger)
            let assigner = PoolAssigner(
                sandboxes: sandboxes,
                pools: pools,
                client: client,
                ownNamespace: cluster.namespace,
                recorder: recorder,
                logger: logger
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await sandboxes.run() }
                group.addTask { try await pools.run() }
                group.addTask { try await recorder.run() }
                group.addTask { try await assigner.run() }
                group.addTask { try await body(cluster, poolClient) }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    private static func template(_ image: String) -> RawJSON {
        RawJSON(["spec": ["containers": [["name": "main", "image": .string(image)]]]] as JSONValue)
    }

    private static func create(
        _ name: String,
        image: String,
        in cluster: SandboxCluster,
        _ change: (inout BatchSandbox) -> Void = { _ in }
    ) async throws -> BatchSandbox {
        var sandbox = BatchSandbox.with {
            $0.metadata.name = name
            $0.spec.poolRef = "*"
            $0.spec.template = template(image)
        }
        change(&sandbox)
        return try await cluster.sandboxes.create(sandbox)
    }

    private static func pool(_ name: String, image: String, labels: [String: String] = [:]) -> Pool {
        .with {
            $0.metadata.name = name
            $0.metadata.labels = labels
            $0.spec.template = template(image)
        }
    }

    /// Waits until its owner is told something about its pool.
    private static func waitForRefusal(of name: String, saying text: String, in cluster: SandboxCluster) async throws {
        let told = try await cluster.wait(for: name) {
            $0.status?.conditions["PoolAllocationPending"]?.message?.contains(text) == true
        }
        let condition = told.status?.conditions["PoolAllocationPending"]
        #expect(condition?.status == "True" && condition?.reason == "FailedPoolAssign")
        #expect(told.spec.poolRef == "*")
    }

    @Test("gets one as soon as one fits, and its owner is told meanwhile why none does", .timeLimit(.minutes(10)))
    func assignment() async throws {
        try await Self.run { cluster, pools in
            let early = try await Self.create("early", image: "python", in: cluster) { $0.spec.pause = false }
            let named = try await Self.create("named", image: "python", in: cluster) { $0.spec.poolRef = "none" }
            let broken = try await Self.create("broken", image: "python", in: cluster) {
                $0.spec.template = RawJSON(["spec": ["containers": 1]] as JSONValue)
            }
            try await Self.waitForRefusal(of: "early", saying: "There is no Pool in its namespace", in: cluster)
            #expect(try await cluster.event("FailedPoolAssign", about: "early").contains("There is no Pool"))
            try await Self.waitForRefusal(of: "broken", saying: "is no template of pods", in: cluster)

            _ = try await pools.create(Self.pool("a", image: "node", labels: ["tier": "long"]))
            try await Self.waitForRefusal(of: "early", saying: "a (image): it has node", in: cluster)

            // A new one.
            _ = try await pools.create(Self.pool("b", image: "python"))
            let assigned = try await cluster.wait(for: "early") { $0.spec.poolRef == "b" }
            #expect(assigned.status?.conditions.isEmpty == true)
            #expect(assigned.metadata.annotations.isEmpty && assigned.metadata.finalizers.isEmpty)
            #expect(assigned.metadata.generation == 2)
            // It is an edit, and no word of its owner's.
            let intent = early.pauseIntent(after: nil)
            let read = assigned.pauseIntent(after: intent)
            #expect(read.statements == intent.statements && read.generation == 2)

            // The one with more to give.
            _ = try await pools.create(Self.pool("c", image: "python"))
            for (name, allocated) in [("b", 9), ("c", 1)] {
                let status: JSONValue = [
                    "revision": "1", "total": 10, "available": .number(JSONNumber(10 - allocated)),
                    "allocated": .number(JSONNumber(allocated)),
                ]
                _ = try await pools.patch(name, .merge(MergePatch(["status": status])), subresource: .status)
            }
            // Who sees this change has seen those before it.
            _ = try await Self.create("marker", image: "marker", in: cluster)
            _ = try await pools.create(Self.pool("marker", image: "marker"))
            try await cluster.wait(for: "marker") { $0.spec.poolRef == "marker" }
            _ = try await Self.create("second", image: "python", in: cluster)
            try await cluster.wait(for: "second") { $0.spec.poolRef == "c" }

            // A changed one.
            _ = try await Self.create("third", image: "ruby", in: cluster)
            try await Self.waitForRefusal(of: "third", saying: "wants ruby", in: cluster)
            let change: JSONValue = [
                "spec": ["template": ["spec": ["containers": [["name": "main", "image": "ruby"]]]]]
            ]
            _ = try await pools.patch("a", .merge(MergePatch(change)))
            try await cluster.wait(for: "third") { $0.spec.poolRef == "a" }

            // The owner's choice.
            try await cluster.edit("broken", ["spec": ["poolRef": "a"]])
            let chosen = try await cluster.wait(for: "broken") { $0.status?.conditions.isEmpty == true }
            #expect(chosen.spec.poolRef == "a")

            // Nobody else is touched, and what cannot be is not tried again and again.
            #expect(try await cluster.sandboxes.get("named").metadata.resourceVersion == named.metadata.resourceVersion)
            let last = try await cluster.sandboxes.get("broken")
            #expect(last.metadata.generation == (broken.metadata.generation ?? 0) + 1)
            let events = try await cluster.kubectl(
                "get",
                "events",
                "--field-selector=involvedObject.name=broken",
                "--output=jsonpath={.items[*].count}"
            )
            #expect(events == "1")
        }
    }

    @Test("gets one that those before it have left most of, also when all come at once", .timeLimit(.minutes(10)))
    func batch() async throws {
        try await Self.run { cluster, pools in
            for name in ["a", "b", "c"] {
                _ = try await pools.create(Self.pool(name, image: "python"))
                // Nobody works on them, so this stays what it is.
                let status: JSONValue = ["revision": "1", "total": 10, "available": 10, "allocated": 0]
                _ = try await pools.patch(name, .merge(MergePatch(["status": status])), subresource: .status)
            }
            // Who sees this change has seen those before it.
            _ = try await Self.create("marker", image: "marker", in: cluster)
            _ = try await pools.create(Self.pool("marker", image: "marker"))
            try await cluster.wait(for: "marker") { $0.spec.poolRef == "marker" }
            let names = (1...12).map { "box-\($0)" }
            try await withThrowingDiscardingTaskGroup { group in
                for name in names { group.addTask { _ = try await Self.create(name, image: "python", in: cluster) } }
            }
            var chosen: [String: Int] = [:]
            for name in names {
                let pool = try await cluster.wait(for: name) { $0.spec.poolRef != "*" }.spec.poolRef
                chosen[pool ?? "", default: 0] += 1
            }
            #expect(chosen == ["a": 4, "b": 4, "c": 4])
            // Who goes, or turns to another one, leaves its place to the next.
            for name in names where try await cluster.sandboxes.get(name).spec.poolRef == "b" {
                _ = try await cluster.sandboxes.delete(name)
                try await cluster.waitUntilGone(sandbox: name)
            }
            _ = try await Self.create("mark", image: "marker", in: cluster)
            try await cluster.wait(for: "mark") { $0.spec.poolRef == "marker" }
            _ = try await Self.create("next", image: "python", in: cluster)
            try await cluster.wait(for: "next") { $0.spec.poolRef == "b" }
        }
    }

    @Test("is told of promises by what is seen, and a choice that is under way counts")
    func promises() throws {
        let promises = PoolPromises()
        let pools = ["a", "b"].map { Self.pool($0, image: "python") }
        func sandbox(_ name: String, _ pool: String, replicas: Int = 2) -> BatchSandbox {
            .with {
                $0.metadata.name = name
                $0.spec.poolRef = pool
                $0.spec.replicas = replicas
            }
        }
        func promised() throws -> [String: Int] {
            var seen: [String: Int] = [:]
            _ = try promises.choose(for: sandbox("nobody", "*"), among: pools) { promised in
                seen = promised
                return .none([])
            }
            return seen
        }
        let box = sandbox("box", "*")
        _ = try promises.choose(for: box, among: pools) { _ in .pool("a") }
        #expect(try promised() == ["a": 2])
        // Told of an older state.
        promises.note(.updated(old: box, new: box))
        #expect(try promised() == ["a": 2])
        promises.takeBack(box.key)
        #expect(try promised() == [:])
        _ = try promises.choose(for: box, among: pools) { _ in .pool("b") }
        promises.note(.updated(old: box, new: sandbox("box", "b", replicas: 5)))
        promises.takeBack(box.key)
        promises.note(.added(sandbox("other", "b"), isInitial: true))
        #expect(try promised() == ["b": 7])
        promises.note(.updated(old: box, new: sandbox("box", "a")))
        #expect(try promised() == ["a": 2, "b": 2])
        var leaving = sandbox("other", "b")
        leaving.metadata.deletionTimestamp = Timestamp(seconds: 1)
        promises.note(.updated(old: leaving, new: leaving))
        promises.note(.deleted(sandbox("box", "a"), isFinalStateKnown: true))
        #expect(try promised() == [:])
    }

    @Test(
        "is judged by the profile that is written down, when it changes and when it is wrong",
        .timeLimit(.minutes(10))
    )
    func profiles() async throws {
        try await Self.run { cluster, pools in
            let profiles: ResourceClient<ConfigMap> = cluster.client.resource(in: .named(cluster.namespace))
            _ = try await pools.create(Self.pool("a", image: "node", labels: ["tier": "long"]))
            _ = try await Self.create("box", image: "ruby", in: cluster) { $0.metadata.labels = ["tier": "long"] }
            try await Self.waitForRefusal(of: "box", saying: "a (image)", in: cluster)
            _ = try await profiles.create(
                .with {
                    $0.metadata.name = "pool-assign-profiles"
                    $0.data["profiles"] = """
                        [{"name":"default","plugins":{"predicate":["labelselector"]},
                        "pluginConf":[{"name":"labelselector","args":{"keys":["tier"]}}]}]
                        """
                }
            )
            try await cluster.wait(for: "box") { $0.spec.poolRef == "a" }
            _ = try await Self.create("short", image: "node", in: cluster) { $0.metadata.labels = ["tier": "short"] }
            try await Self.waitForRefusal(
                of: "short",
                saying: "a (labelselector): its label tier is 'long'",
                in: cluster
            )
            // One that is wrong is told, and the built-in one takes its place.
            let change: JSONValue = ["data": ["profiles": "[{"]]
            _ = try await profiles.patch("pool-assign-profiles", .merge(MergePatch(change)))
            try await cluster.wait(for: "short") { $0.spec.poolRef == "a" }
            let event = try await cluster.event("InvalidProfiles", about: "pool-assign-profiles")
            #expect(event.contains("the built-in one is used instead"))
        }
    }

    @Test func whatFitsIntoAnEventIsTold() {
        #expect(PoolAssigner.explanation([]) == "There is no Pool in its namespace: create one.")
        let refusals = (0..<100).map { PoolRefusal(pool: "pool-\($0)", predicate: "image", reason: "it has no image") }
        let text = PoolAssigner.explanation(refusals)
        #expect(text.utf8.count <= 1024)
        #expect(text.hasPrefix("No Pool of its namespace fits. pool-0 (image): it has no image. pool-1 (image)"))
        #expect(text.hasSuffix(" more do not fit either."))
    }
}
