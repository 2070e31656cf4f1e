// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import SandboxModels
import TestSupport
import Testing

@testable import Controller

/// Controllers that end at any of their writes, and controllers that all believe to be the only one.
@Suite("SandboxClaims, when controllers end or are too many")
struct SandboxClaimCrashTests {
    @Test(
        "A controller that ends at a write leaves nothing that the next one does not bring to the same end",
        .timeLimit(.minutes(15)),
        arguments: [false, true]
    )
    func crash(isAfter: Bool) async throws {
        try await ClaimCluster.run(isControlled: false) { cluster in
            let steps = Steps()
            try await cluster.base.withSteps(steps) { stepped in
                try await cluster.createSet("warm", replicas: 1)
                var step = 1
                var isReached = true
                while isReached {
                    let name = "c-\(step)"
                    let comment = Comment(rawValue: name)
                    try await cluster.control(cluster.client) {
                        try await cluster.wait(forSet: "warm") { $0.availableReplicas == 1 && $0.replicas == 1 }
                    }
                    // One is taken, one is made.
                    try await cluster.createClaim(name, of: "warm") { $0.replicas = 2 }
                    isReached = try await cluster.control(stepped, until: (step: step, isAfter: isAfter), of: steps) {
                        try await cluster.waitForEnd(of: name)
                        try await cluster.wait(forSet: "warm") { $0.availableReplicas == 1 }
                    }
                    try await cluster.control(cluster.client) {
                        let claim = try await cluster.waitForEnd(of: name)
                        #expect(claim.end == "AllReplicasClaimed", comment)
                        #expect(claim.status?.claimedReplicas == 2, comment)
                        #expect(try await cluster.owned(by: claim).count == 2, comment)
                    }
                    step += 1
                }
                #expect(step > 5, "\(step)")
            }
        }
    }

    @Test("Several controllers at once give nobody too many and no sandbox twice", .timeLimit(.minutes(10)))
    func rivals() async throws {
        try await ClaimCluster.run(isControlled: false) { cluster in
            try await cluster.createSet("warm", replicas: 12)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        try await Self.withClient(of: cluster) { client in
                            try await cluster.control(client) { try await Task.sleep(for: .seconds(3600)) }
                        }
                    }
                }
                group.addTask {
                    for round in 1...3 {
                        try await withThrowingDiscardingTaskGroup { group in
                            for number in 1...8 {
                                group.addTask {
                                    try await cluster.createClaim("c-\(round)-\(number)", of: "warm") {
                                        $0.replicas = 1 + number % 3
                                        $0.createOnNoStock = false
                                        $0.claimTimeout = "10m"
                                    }
                                }
                            }
                        }
                        let claims = try await cluster.wait(for: cluster.claims) { claims in
                            claims.count == 8 * round && claims.allSatisfy { $0.status?.phase == .completed }
                        }
                        for claim in claims {
                            let owned = try await cluster.owned(by: claim)
                            #expect(
                                owned.count == claim.spec.replicas,
                                "\(claim.jsonText) has \(owned.map(\.metadata.name))"
                            )
                            #expect(claim.status?.claimedReplicas == claim.spec.replicas)
                        }
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    /// A client that waits for no turn: rivals write the same statuses again and again, each its own.
    private static func withClient(
        of cluster: ClaimCluster,
        _ body: @escaping @Sendable (KubeClient) async throws -> Void
    ) async throws {
        var configuration = try KubeClientConfiguration(Kubeconfig.load(files: [cluster.base.testbed.kubeconfig]))
        configuration.rateLimit = .unlimited
        try await withKubeClient(configuration, logger: ClaimCluster.logger) { try await body($0) }
    }
}

extension ClaimCluster {
    /// Runs `body` while controllers work, until a write of theirs.
    ///
    /// - Returns: Whether it came to that.
    fileprivate func control(
        _ stepped: KubeClient,
        until plan: (step: Int, isAfter: Bool),
        of steps: Steps,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> Bool {
        try await steps.interrupt(at: plan) { try await control(stepped, body) }
    }
}
