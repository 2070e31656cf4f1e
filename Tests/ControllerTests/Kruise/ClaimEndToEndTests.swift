// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import TestSupport
import Testing

@Suite("Claims of sandboxes that run on a node")
struct ClaimEndToEndTests {
    private static let set = "demo"

    /// The example of the documentation of pauses. Its time is over.
    private static func pausing(in namespace: String) -> String {
        """
        apiVersion: agents.kruise.io/v1alpha1
        kind: SandboxClaim
        metadata:
          name: demo-sandbox-claim
          namespace: \(namespace)
        spec:
          templateName: demo
          # RFC 3339 absolute time; the controller auto-pauses the sandbox on expiry.
          # It is recommended to set this field programmatically, for example:
          # sbc.Spec.PauseTime = metav1.NewTime(time.Now().Add(5 * time.Minute))
          pauseTime: "2026-02-06T07:33:30Z"
        """
    }

    /// The example of the documentation of snapshots.
    private static func cloning(in namespace: String) -> String {
        """
        apiVersion: agents.kruise.io/v1alpha1
        kind: SandboxClaim
        metadata:
          name: demo-from-checkpoint
          namespace: \(namespace)
        spec:
          # When a Checkpoint with this name exists in the same namespace,
          # the claim goes through the clone path instead of the warm-pool path.
          templateName: checkpoint-code-demo-01
        """
    }

    @Test("are met from a warm set and from a checkpoint as documented", .timeLimit(.minutes(10)))
    func documented() async throws {
        try await KruiseCluster.run(capturing: { _ in }) { kruise in
            let cluster = kruise.cluster
            let scope = NamespaceScope.named(cluster.namespace)
            let sets: ResourceClient<KruiseSandboxSet> = cluster.client.resource(in: scope)
            let claims: ResourceClient<KruiseSandboxClaim> = cluster.client.resource(in: scope)
            let checkpoints: ResourceClient<KruiseCheckpoint> = cluster.client.resource(in: scope)
            _ = try await sets.create(
                .with {
                    $0.metadata.name = Self.set
                    $0.spec.replicas = 1
                    $0.spec.template = RawJSON(kruise.template())
                }
            )
            try await Self.waitUntilWarm(sets, cluster)
            let listed = try await cluster.kubectl("get", "sbs", Self.set).split(separator: "\n").map {
                $0.split(separator: " ")
            }
            #expect(listed.first?.prefix(3) == ["NAME", "REPLICAS", "AVAILABLE"])
            #expect(listed.last?.prefix(3) == ["demo", "1", "1"])

            // Whose time to be paused has come is paused as soon as it is somebody's.
            let paused = try await Self.claim(Self.pausing(in: cluster.namespace), "demo-sandbox-claim", claims, kruise)
            try await kruise.wait(for: paused) { $0.status?.conditions.isTrue("SandboxPaused") == true }
            #expect(try await cluster.pods.find(paused) == nil)
            try await Self.waitUntilWarm(sets, cluster)

            _ = try await claims.create(
                .with {
                    $0.metadata.name = "source"
                    $0.spec.templateName = Self.set
                    $0.spec.labels = ["team": "red"]
                }
            )
            let source = try await Self.claimed("source", claims, kruise)
            #expect(try await cluster.pods.get(source).metadata.labels["team"] == "red")
            try await cluster.shell("echo kept > /kept", in: source)
            _ = try await checkpoints.create(
                .with {
                    $0.metadata.name = "checkpoint-code-demo-01"
                    $0.spec.podName = source
                }
            )
            // It waits until the checkpoint is done.
            let clone = try await Self.claim(
                Self.cloning(in: cluster.namespace),
                "demo-from-checkpoint",
                claims,
                kruise
            )
            #expect(clone != source)
            #expect(try await cluster.shell("cat /kept", in: clone) == "kept\n")
            let rows = try await cluster.kubectl("get", "sbc", "demo-from-checkpoint").split(separator: "\n").map {
                $0.split(separator: " ")
            }
            #expect(rows.first?.prefix(5) == ["NAME", "PHASE", "TEMPLATE", "DESIRED", "CLAIMED"])
            #expect(
                rows.last?.prefix(5) == ["demo-from-checkpoint", "Completed", "checkpoint-code-demo-01", "1", "1"]
            )
            _ = try await cluster.kubectl("delete", "sbs", Self.set)
            _ = try await cluster.kubectl("delete", "sbx", "--all")
            _ = try await cluster.kubectl("delete", "cp", "--all")
        }
    }

    private static func waitUntilWarm(_ sets: ResourceClient<KruiseSandboxSet>, _ cluster: SandboxCluster) async throws
    {
        _ = try await cluster.wait(in: sets, for: set) { change in
            change.object.status?.availableReplicas == 1 ? change.object : nil
        }
    }

    /// Applies a claim, and returns the name of the sandbox that it gets.
    private static func claim(
        _ text: String,
        _ name: String,
        _ claims: ResourceClient<KruiseSandboxClaim>,
        _ kruise: KruiseCluster
    ) async throws -> String {
        _ = try await kruise.cluster.testbed.kubectl(["apply", "--filename", "-"], input: text)
        return try await claimed(name, claims, kruise)
    }

    private static func claimed(
        _ name: String,
        _ claims: ResourceClient<KruiseSandboxClaim>,
        _ kruise: KruiseCluster
    ) async throws -> String {
        let claim = try await kruise.cluster.wait(in: claims, for: name) { change in
            change.object.status?.phase == .completed ? change.object : nil
        }
        #expect(claim.status?.conditions["Completed"]?.reason == "AllReplicasClaimed", "\(claim.jsonText)")
        let boxes = try await kruise.sandboxes.list().items.filter {
            $0.metadata.annotations[Kruise.Annotation.owner] == claim.metadata.uid
        }
        #expect(boxes.count == 1)
        return try #require(boxes.first).metadata.name
    }
}
