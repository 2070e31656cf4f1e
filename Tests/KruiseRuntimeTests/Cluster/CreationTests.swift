// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import Testing

import struct Foundation.Date

@testable import KruiseRuntime

/// What a request becomes: a free sandbox of a set, or a new one.
@Suite("Creating sandboxes of the Kruise dialect")
struct CreationTests {
    /// The objects in one place, by UID.
    private func uids(_ cluster: KruiseCluster) async throws -> Set<String> {
        Set(try await cluster.sandboxes.list().items.compactMap(\.metadata.uid))
    }

    @Test func claimed() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createSet("demo", ready: 1)
            let free = try await uids(cluster)
            let sandbox = try await cluster.create(
                "demo",
                metadata: ["user": "a b", "label:tier": "gold"],
                for: 60
            ) { $0.timeout = TimeoutPolicy(.pause, retention: .seconds(120), leastAfterResume: 300) }
            #expect(sandbox.status.state == .running)
            #expect(sandbox.id.hasPrefix("\(cluster.namespace)--demo-"))
            #expect(sandbox.spec.metadata["user"] == "a b" && sandbox.spec.metadata["tier"] == "gold")
            #expect(sandbox.spec.resourceLimits == ["cpu": "1", "memory": "64Mi"])
            let object = try await cluster.object(sandbox.id)
            #expect(free.contains(object.metadata.uid ?? ""))
            #expect(object.metadata.ownerReferences.isEmpty)
            #expect(object.metadata.labels["agents.kruise.io/sandbox-claimed"] == "true")
            #expect(object.metadata.labels["agents.kruise.io/sandbox-template"] == "demo")
            #expect(object.metadata.labels["tier"] == "gold")
            #expect(object.metadata.annotations["agents.kruise.io/owner"] == "me")
            #expect(object.metadata.annotations["agents.kruise.io/reserve-paused-sandbox-duration"] == "2m0s")
            #expect(try object.spec.podTemplate()?.metadata?.labels["tier"] == "gold")
            let (pause, end) = (try #require(object.spec.pauseTime?.date), try #require(object.spec.shutdownTime?.date))
            #expect(abs(end.timeIntervalSince(pause) - 120) < 0.01)
            #expect(try await cluster.server.sandboxes().map(\.id) == [sandbox.id])
            // The other server has it as soon as it is asked.
            #expect(try await cluster.other.sandbox(sandbox.id).spec.owner == "me")
        }
    }

    /// Two servers, many requests, fewer sandboxes: nobody gets another's, and the rest is made.
    @Test func nobodyGetsAnothers() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createSet("demo", ready: 12)
            let free = try await uids(cluster)
            let got = try await withThrowingTaskGroup(of: String.self) { group in
                for place in 0..<20 {
                    group.addTask {
                        let server = place.isMultiple(of: 2) ? cluster.server : cluster.other
                        return try await cluster.create("demo", owner: "owner-\(place)", by: server).id
                    }
                }
                return try await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(Set(got).count == 20)
            var claimed = 0
            var owners: Set<String> = []
            for object in try await cluster.sandboxes.list().items {
                owners.insert(object.metadata.annotations[Kruise.Annotation.owner] ?? "")
                if free.contains(object.metadata.uid ?? "") { claimed += 1 }
                #expect(object.setReference == nil)
            }
            #expect(claimed == 12 && owners.count == 20)
        }
    }

    @Test func nothingInStock() async throws {
        try await KruiseCluster.run({ $0.claimTimeout = 1 }) { cluster in
            try await cluster.createSet("demo", ready: 0)
            let set = try await cluster.sets.get("demo")
            let wait = "e2b.agents.kruise.io/create-on-no-stock"
            let error = await #expect(throws: SandboxError.self) {
                try await cluster.create("demo", metadata: [wait: "false"])
            }
            #expect(error?.code == .poolExhausted)
            #expect(try await cluster.sandboxes.list().items.isEmpty)
            // One that becomes ready while somebody waits.
            async let waiting = cluster.create(
                "demo",
                metadata: [wait: "false", "e2b.agents.kruise.io/claim-timeout-seconds": "60"]
            )
            try await cluster.addToSet(set)
            #expect(try await waiting.status.state == .running)
            #expect(try await cluster.sandboxes.list().items.count == 1)
        }
    }

    /// What a pod that runs cannot be given is given to a new one.
    @Test func ownPods() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createSet("demo", ready: 1)
            let sandbox = try await cluster.create("demo", metadata: ["e2b.agents.kruise.io/cpu-limit": "2"]) {
                $0.environment = ["A": "b"]
            }
            let object = try await cluster.object(sandbox.id)
            let container = try #require(try object.spec.podTemplate()?.spec.containers.first)
            #expect(container.env == [EnvVar("A", "b")])
            #expect(container.resources?.limits["cpu"] == Quantity("2"))
            #expect(object.metadata.annotations["agents.kruise.io/init-runtime-request"] == #"{"envVars":{"A":"b"}}"#)
            #expect(try await cluster.sandboxes.list().items.filter { $0.isInSet }.count == 1)
        }
    }

    @Test func templatesAndUnknownOnes() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            try await cluster.createSet("demo", ready: 0)
            let sandbox = try await cluster.create("plain")
            #expect(sandbox.status.state == .running && sandbox.spec.template == "plain")
            #expect(try await cluster.server.templates().map(\.name) == ["demo", "plain"])
            let error = await #expect(throws: SandboxError.self) { try await cluster.create("no-such") }
            #expect(error?.code == .templateNotFound)
            let foreign = await #expect(throws: SandboxError.self) { try await cluster.server.sandbox("elsewhere--x") }
            #expect(foreign?.code == .notFound)
        }
    }

    /// What does not come up is told at once, with the reason, and leaves nothing behind unless that was asked for.
    @Test func failures() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let fault = [PlayedController.fault: "pod"]
            let error = await #expect(throws: SandboxError.self) { try await cluster.create("plain", metadata: fault) }
            #expect(error?.code == .startFailed)
            #expect(error?.message.contains("exceeded quota") == true)
            #expect(try await cluster.sandboxes.list().items.isEmpty)

            let late = await #expect(throws: SandboxError.self) {
                try await cluster.create(
                    "plain",
                    metadata: [
                        PlayedController.fault: "never", "e2b.agents.kruise.io/wait-ready-timeout-seconds": "1",
                        "e2b.agents.kruise.io/reserve-failed-sandbox": "true",
                    ]
                )
            }
            #expect(late?.code == .startTimedOut)
            let kept = try #require(try await cluster.sandboxes.list().items.first)
            #expect(kept.metadata.labels["agents.kruise.io/reserved-failed-sandbox"] == "true")
            #expect(kept.spec.shutdownTime == nil)
        }
    }

    /// A sandbox without an end has one until somebody has heard of it.
    @Test func neverEnding() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let sandbox = try await cluster.create("plain", for: nil)
            #expect(sandbox.expiresAt == nil && sandbox.pausesAt == nil)
            #expect(try await cluster.object(sandbox.id).spec.shutdownTime == nil)
            let other = try await cluster.create("plain", metadata: ["e2b.agents.kruise.io/never-timeout": "true"])
            #expect(other.expiresAt == nil)
        }
    }

    /// A request that is sent again, also to another server and at the same time, gets the same sandbox.
    @Test func sentAgain() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createSet("demo", ready: 3)
            func send(_ digest: String, to server: KruiseRuntime) async throws -> Sandbox {
                try await cluster.create("demo", by: server) { spec in
                    var options = SandboxOptions()
                    options.requestKey = "key"
                    options.requestDigest = digest
                    spec.options = options
                }
            }
            async let first = send("a", to: cluster.server)
            async let second = send("a", to: cluster.server)
            let ids = [try await first.id, try await second.id]
            #expect(ids[0] == ids[1])
            #expect(try await send("a", to: cluster.other).id == ids[0])
            let error = await #expect(throws: SandboxError.self) { try await send("b", to: cluster.other) }
            #expect(error?.code == .requestKeyReused)
            #expect(try await cluster.sandboxes.list().items.filter { !$0.isInSet }.count == 1)
        }
    }

    /// Two servers that get the same request at the same time make one sandbox, wherever it comes from.
    @Test(arguments: ["demo", "plain"])
    func sentToTwoServersAtOnce(template: String) async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createSet("demo", ready: 4)
            try await cluster.createTemplate("plain")
            for round in 0..<12 {
                let ids = try await withThrowingTaskGroup(of: String.self) { group in
                    for place in 0..<4 {
                        group.addTask {
                            let server = place.isMultiple(of: 2) ? cluster.server : cluster.other
                            return try await cluster.create(template, by: server) { spec in
                                var options = SandboxOptions()
                                options.requestKey = "key-\(round)"
                                options.requestDigest = "a"
                                spec.options = options
                            }
                            .id
                        }
                    }
                    return try await group.reduce(into: Set<String>()) { $0.insert($1) }
                }
                #expect(ids.count == 1, "round \(round): \(ids)")
            }
            let taken = try await cluster.sandboxes.list().items.filter { !$0.isInSet }
            #expect(taken.count == 12)
        }
    }

    /// A key whose sandbox was deleted makes another one, once the first is gone.
    @Test func sentAgainAfterTheEnd() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            func send() async throws -> KruiseSandbox {
                let id = try await cluster.create("plain") { spec in
                    var options = SandboxOptions()
                    options.requestKey = "key"
                    spec.options = options
                }
                .id
                return try await cluster.object(id)
            }
            let first = try await send()
            let keep: JSONValue = ["metadata": ["finalizers": ["example.com/keep"]]]
            let name = first.metadata.name
            _ = try await cluster.sandboxes.patch(name, .merge(MergePatch(keep)))
            _ = try await cluster.sandboxes.delete(name)
            async let second = send()
            _ = try await cluster.sandboxes.patch(name, .merge(MergePatch(["metadata": ["finalizers": .null]])))
            let found = try await second
            #expect(found.metadata.name == name && found.metadata.uid != first.metadata.uid)
        }
    }

    /// One whose agent is to be told something is not there before it was.
    @Test func agents() async throws {
        try await KruiseCluster.run { cluster in
            let template = try await cluster.templates.create(
                .with {
                    $0.metadata.name = "agent"
                    $0.spec.runtimes = [.with { $0.name = KruiseRuntimeRequest.runtime }]
                    $0.spec.template = RawJSON(
                        PodTemplateSpec.with { $0.spec.containers = [.with { ($0.name, $0.image) = ("main", "x") }] }
                    )
                }
            )
            async let made = cluster.create(template.metadata.name) { $0.access = .random(closesAllPorts: false) }
            let list = try await cluster.sandboxes.list()
            var found = list.items.first { $0.isReady }
            if found == nil {
                let options = ListOptions(resourceVersion: list.metadata.resourceVersion)
                for try await event in cluster.sandboxes.watch(options) {
                    guard case .modified(let object) = event, object.isReady else { continue }
                    found = object
                    break
                }
            }
            let ready = try #require(found)
            #expect(Sandbox(ready).status.state == .resuming && Sandbox(ready).status.reason == "INITIALIZING")
            func tell(_ failure: String?) async throws -> KruiseSandbox {
                let result = KruiseRuntimeInitialization.with {
                    $0.podUID = ready.status?.podInfo?.podUID ?? ""
                    $0.failure = failure
                }
                let annotations: JSONValue = [KruiseRuntimeInitialization.annotation: .string(result.jsonText)]
                return try await cluster.sandboxes.patch(
                    ready.metadata.name,
                    .merge(MergePatch(["metadata": ["annotations": annotations]]))
                )
            }
            // An agent that fails does not keep its sandbox from being seen, but from being handed out.
            let failed = try await tell("no answer")
            #expect(Sandbox(failed).status.state == .running)
            #expect(try CreationOutcome.isReady(failed, id: "x") == false)
            _ = try await tell(nil)
            #expect(try await made.status.state == .running)
        }
    }
}
