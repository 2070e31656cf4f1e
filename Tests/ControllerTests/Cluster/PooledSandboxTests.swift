// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider
import Synchronization
import TestSupport
import Testing

/// Sandboxes with pods that a pool has given them.
@Suite("A BatchSandbox with a pool's pods")
struct PooledSandboxTests {
    @Test(
        "runs in them, tells of one that is lost, and begins nothing where it cannot know them",
        .timeLimit(.minutes(10))
    )
    func running() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            let pods = try await cluster.createPool(pods: ["pool-a", "pool-b", "pool-c"])
            let created = try await cluster.createPooled("box", pods: [pods[1], pods[0]], isWritten: true)
            try await cluster.createPooled("odd", pods: [pods[2]])
            let readable = try #require(
                try await cluster.sandboxes.get("odd").metadata.annotations[OpenSandbox.Annotation.allocStatus]
            )
            try await cluster.allocate(#"{"pods":"#, to: "odd")
            // One that waits for its pool.
            _ = try await cluster.sandboxes.create(
                .with {
                    $0.metadata.name = "waiting"
                    $0.spec.poolRef = "none"
                }
            )
            let waiting = try await cluster.sandboxes.get("waiting")
            let versions = Mutex<Set<String>>([])
            try await cluster.control(cluster.client) {
                let running = try await cluster.wait(for: "box") { sandbox in
                    versions.withLock { _ = $0.insert(sandbox.metadata.resourceVersion ?? "") }
                    return sandbox.status?.phase == .succeed
                }
                #expect(running.endpoints == [pods[1], pods[0]].map { $0.status?.podIP ?? "none" })
                #expect(running.status?.replicas == 2 && running.status?.allocated == 2 && running.status?.ready == 2)
                #expect(running.status?.conditions.map(\.type) == ["Ready"])
                // All but the status was written by who allocated the pods.
                let expected = [created.metadata.resourceVersion, running.metadata.resourceVersion].compactMap(\.self)
                #expect(versions.withLock { $0.isSubset(of: expected) })

                let odd = try await cluster.wait(for: "odd") { $0.status?.conditions["Progressing"]?.message != nil }
                #expect(odd.status?.conditions["Progressing"]?.message?.contains("Put back what was there") == true)
                #expect(try await cluster.event("AllocationUnreadable", about: "odd").contains("alloc-status"))
                #expect(odd.status?.replicas == 0)
                try await cluster.allocate(readable, to: "odd")
                try await cluster.wait(for: "odd") {
                    $0.status?.phase == .succeed && $0.status?.conditions.map(\.type) == ["Ready"]
                }

                // Its watch tells of a pod that is not the sandbox's own.
                _ = try await cluster.pods.delete("pool-c", DeleteOptions(gracePeriodSeconds: 0))
                let failed = try await cluster.wait(for: "odd") { $0.status?.phase == .failed }
                let condition = try #require(failed.status?.conditions["PodFailed"])
                #expect(condition.reason == "ComputeLost")
                #expect(
                    condition.message?.contains("pool-c") == true
                        && condition.message?.contains("create another") == true
                )
                #expect(try await cluster.event("Failed", about: "odd").contains("pool-c"))
                #expect(failed.endpoints.isEmpty && failed.status?.ready == 0)
                // Asked to run, it has nothing to run in, and is given nothing else.
                try await cluster.setPause(false, of: "odd")
                let again = try await cluster.wait(for: "odd") {
                    $0.status?.pauseObservedGeneration == $0.metadata.generation && $0.status?.phase == .failed
                }
                #expect(again.spec.poolRef == "pool" && again.spec.template == nil)
                #expect(Set(try await cluster.pods.list().items.map(\.metadata.name)) == ["pool-a", "pool-b"])
                let told = try await cluster.wait(for: "waiting") { $0.status?.phase == .pending }
                #expect(told.status?.conditions["Progressing"]?.message?.contains("1 of 1 are still to come") == true)
                #expect(
                    told.metadata.annotations == waiting.metadata.annotations,
                    "of one without pods nothing is written"
                )

                // Of one that is deleted its pods are the pool's to recycle, and are somebody else's next.
                _ = try await cluster.sandboxes.delete("box")
                try await cluster.waitUntilGone(sandbox: "box")
                try await cluster.createPooled("next", pods: pods.prefix(2) + [])
                try await cluster.wait(for: "next") { $0.status?.phase == .succeed }
                for pod in pods.prefix(2) {
                    let now = try await cluster.pods.get(pod.metadata.name).metadata
                    #expect(now.uid == pod.metadata.uid && now.deletionTimestamp == nil)
                }
            }
        }
    }

    @Test("of several replicas is paused as a whole, and leaves its pool; a pause that fails leaves it there")
    func instantPause() async throws {
        let configure: @Sendable (inout SandboxControllerSettings) -> Void = { $0.policy.maximumPauseReplicas = 2 }
        try await SandboxCluster.run(configuring: configure, isControlled: false) { cluster in
            let all = try await cluster.createPool(pods: ["pool-a", "pool-b", "pool-c"])
            let pods = [all[0], all[1]]
            let created = try await cluster.createPooled("box", pods: pods)
            try await cluster.createPooled("frozen", pods: [all[2]])
            try await cluster.withHastyPods {
                try await cluster.control(cluster.client) {
                    try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                    let failures: [@Sendable (inout InstantProvider.State) -> Void] = [
                        { $0.preflightFailures = ["pool-b": SnapshotFailure("NotNow", "not now")] },
                        { $0.sealFailure = SnapshotFailure("NotNow", "not now") },
                    ]
                    for (number, failure) in failures.enumerated() {
                        cluster.provider.change(failure)
                        let failed = try await cluster.pause("box")
                        cluster.provider.change {
                            $0.preflightFailures = [:]
                            $0.sealFailure = nil
                        }
                        #expect(failed.status?.phase == .succeed && failed.status?.ready == 2)
                        #expect(
                            failed.spec.poolRef == "pool"
                                && failed.metadata.finalizers.contains(OpenSandbox.Finalizer.poolAllocation)
                        )
                        // A seal that was asked for may have been given.
                        #expect((failed.spec.template != nil) == (number == 1))
                        for pod in pods {
                            #expect(try await cluster.pods.get(pod.metadata.name).metadata.uid == pod.metadata.uid)
                        }
                    }
                    let paused = try await cluster.pause("box")
                    #expect(paused.status?.phase == .paused && paused.status?.conditions.map(\.type) == ["Paused"])
                    #expect(paused.spec.poolRef == nil && paused.endpoints.isEmpty)
                    #expect(!paused.metadata.finalizers.contains(OpenSandbox.Finalizer.poolAllocation))
                    let template = try #require(try paused.spec.podTemplate())
                    #expect(template.metadata?.labels == ["app": "sandbox"])
                    #expect(template.spec.nodeName == nil && template.spec.volumes.isEmpty)
                    for pod in pods { try await cluster.waitUntilGone(in: cluster.pods, pod.metadata.name) }
                    try await cluster.setPause(false, of: "box")
                    let resumed = try await cluster.wait(for: "box") {
                        $0.status?.phase == .succeed && $0.status?.ready == 2
                    }
                    #expect(resumed.metadata.uid == created.metadata.uid)
                    let names = try await cluster.pods.list().items.map(\.metadata.name)
                    #expect(Set(names) == ["box-0", "box-1", "pool-c"])
                    #expect(cluster.provider.mistakes.isEmpty)
                    // It is an independent one now, which is paused like any other.
                    #expect(try await cluster.pause("box").status?.phase == .paused)

                    // Nobody gets a pod that may be frozen, whatever becomes of its sandbox.
                    cluster.provider.change { $0.isHeld = true }
                    try await cluster.setPause(true, of: "frozen")
                    try await cluster.wait(for: "frozen") { $0.status?.progress?.bytesRead != nil }
                    _ = try await cluster.sandboxes.delete("frozen")
                    try await cluster.waitUntilGone(in: cluster.pods, "pool-c")
                }
            }
        }
    }

    @Test(
        "is committed, deleted with its pool's pod, and comes back with its files without the pool",
        .timeLimit(.minutes(10))
    )
    func committedPause() async throws {
        try await SandboxCluster.run(isControlled: false, capturing: { _ in }) { cluster in
            let pod = try await cluster.createPool(pods: ["pool-a"])[0]
            try await cluster.createPooled("box", pods: [pod])
            try await cluster.shell("echo kept > /marker; touch /root/.wh.marker", in: "pool-a")
            try await cluster.control(cluster.client) {
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                // A file that would delete another one when it is unpacked.
                let failed = try await cluster.pause("box")
                #expect(
                    failed.status?.phase == .succeed && failed.spec.poolRef == "pool" && failed.spec.template == nil
                )
                // What is frozen answers nothing.
                #expect(try await cluster.shell("rm /root/.wh.marker; cat /marker", in: "pool-a") == "kept\n")

                let paused = try await cluster.pause("box")
                let artifact = try #require(paused.status?.artifact, "\(paused.jsonText)")
                #expect(
                    paused.spec.poolRef == nil && paused.metadata.annotations[OpenSandbox.Annotation.allocStatus] != nil
                )
                #expect(try await cluster.snapshots.get("box-pause").status?.sourcePodName == "pool-a")
                #expect(try await cluster.pods.find("pool-a") == nil)
                let pools: ResourceClient<Pool> = cluster.client.resource(in: .named(cluster.namespace))
                _ = try await pools.delete("pool")
                try await cluster.setPause(false, of: "box")
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                #expect(try await cluster.shell("cat /marker", in: "box-0") == "kept\n")
                let resumed = try await cluster.pods.get("box-0")
                #expect(resumed.spec.containers[0].image?.hasSuffix("@\(artifact.imageDigest)") == true)
                #expect(resumed.metadata.labels[OpenSandbox.Label.poolName] == nil)
            }
        }
    }
}

extension SandboxCluster {
    fileprivate func allocate(_ text: String, to name: String) async throws {
        try await edit(name, ["metadata": ["annotations": [OpenSandbox.Annotation.allocStatus: .string(text)]]])
    }
}
