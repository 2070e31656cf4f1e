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
}
