// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import TestSupport
import Testing

import struct Foundation.Date

@testable import Controller

/// A controller whose caches have stopped, as those of one that was suspended and does not know that another one has taken over.
@Suite("SandboxClaims and a controller that is late")
struct SandboxClaimStaleTests {
    @Test("What was written down and given up since is not made again", .timeLimit(.minutes(5)))
    func givenUp() async throws {
        try await ClaimCluster.run(isControlled: false) { cluster in
            try await cluster.createSet("warm", replicas: 0)
            let claim = try await cluster.createClaim("c", of: "warm")
            let record = KruiseClaimRecord.with {
                $0.replicas = 1
                $0.started = MicroTime(Date())
                $0.places = [KruiseClaimPlace("warm-late")]
            }
            try await cluster.edit(
                cluster.claims,
                "c",
                ["metadata": ["annotations": [KruiseClaimRecord.annotation: .string(record.jsonText)]]]
            )
            let late = try await cluster.lateReconciler()
            // Another one has ended it.
            let ended: JSONValue = ["status": ["phase": "Completed", "claimedReplicas": 0]]
            _ = try await cluster.claims.patch("c", .merge(MergePatch(ended)), subresource: .status)
            _ = try await late.reconcile(claim.key)
            #expect(try await cluster.sandboxes.list().items.isEmpty)

            // Nobody has ended this one, so it is made.
            let other = try await cluster.createClaim("d", of: "warm")
            let fresh = try await cluster.lateReconciler()
            _ = try await fresh.reconcile(other.key)
            #expect(try await cluster.sandboxes.list().items.count == 1)
        }
    }

    @Test("A clone that was made after its checkpoint was marked as deleted is taken back", .timeLimit(.minutes(5)))
    func deletedCheckpoint() async throws {
        try await ClaimCluster.run(isControlled: false) { cluster in
            _ = try await cluster.checkpoints.create(
                .with {
                    $0.metadata.name = "cp"
                    $0.metadata.finalizers = ["example.com/keep"]
                }
            )
            _ = try await cluster.templates.create(
                .with {
                    $0.metadata.name = "cp"
                    $0.spec.template = ClaimCluster.template("captured")
                }
            )
            let status: JSONValue = ["status": ["phase": "Succeeded", "checkpointId": "cp"]]
            _ = try await cluster.checkpoints.patch("cp", .merge(MergePatch(status)), subresource: .status)
            let claim = try await cluster.createClaim("c", of: "cp") { $0.replicas = 3 }
            let late = try await cluster.lateReconciler()
            _ = try await cluster.checkpoints.delete("cp")
            _ = try await late.reconcile(claim.key)
            try await cluster.edit(cluster.checkpoints, "cp", ["metadata": ["finalizers": .null]])
            #expect(try await cluster.sandboxes.list().items.isEmpty)
            let told = try await cluster.claims.get("c")
            #expect(told.end == "CheckpointNotUsable")
        }
    }
}

extension ClaimCluster {
    /// What carries claims out, with caches that show the present and nothing of what comes.
    fileprivate func lateReconciler() async throws -> SandboxClaimReconciler {
        let scope = NamespaceScope.named(namespace)
        let claims = Informer<KruiseSandboxClaim>(client.resource(in: scope), indexes: [.source], logger: Self.logger)
        let sets = Informer<KruiseSandboxSet>(client.resource(in: scope), logger: Self.logger)
        let checkpoints = Informer<KruiseCheckpoint>(client.resource(in: scope), logger: Self.logger)
        let templates = Informer<KruiseSandboxTemplate>(client.resource(in: scope), logger: Self.logger)
        let sandboxes = Informer<KruiseSandbox>(
            client.resource(in: scope),
            indexes: [.owner, .claimOwner],
            logger: Self.logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await claims.run() }
            group.addTask { try await sets.run() }
            group.addTask { try await checkpoints.run() }
            group.addTask { try await templates.run() }
            group.addTask { try await sandboxes.run() }
            try await claims.waitUntilSynced()
            try await sets.waitUntilSynced()
            try await checkpoints.waitUntilSynced()
            try await templates.waitUntilSynced()
            try await sandboxes.waitUntilSynced()
            group.cancelAll()
            // They end as they were told to.
            while let end = await group.nextResult() { _ = end }
        }
        return SandboxClaimReconciler(
            claims: claims,
            sets: sets,
            checkpoints: checkpoints,
            templates: templates,
            sandboxes: sandboxes,
            client: client,
            recorder: EventRecorder(sandboxes: client, instance: "test", logger: Self.logger),
            reservations: ClaimReservations(),
            waiting: ClaimsWaiting(),
            expectations: Expectations(patience: .seconds(10)),
            look: { _ in },
            metrics: ClaimMetrics(factory: base.metrics),
            logger: Self.logger
        )
    }
}
