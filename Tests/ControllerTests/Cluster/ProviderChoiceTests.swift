// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

@Suite("The choice of a provider")
struct ProviderChoiceTests {
    @Test("a snapshot names one; without one that can hold a freeze nothing is paused", .timeLimit(.minutes(10)))
    func choice() async throws {
        let other = InstantProvider(name: "other")
        try await SandboxCluster.run(
            provider: InstantProvider(canHoldFrozen: false),
            others: [other]
        ) { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }

            // What it does between its capture and its end would be lost.
            try await cluster.setPause(true, of: "box")
            let refused = try await cluster.waitForPause(of: "box")
            #expect(refused.status?.phase == .succeed)
            #expect(refused.status?.conditions["PauseFailed"]?.reason == "PauseNotSupported")
            #expect(cluster.provider.begun.isEmpty)
            #expect(try await cluster.shell("echo runs", in: "box-0") == "runs\n")

            try await cluster.edit("box", ["spec": ["pause": .null]])
            try await cluster.capture("box", as: "usual")
            try await cluster.capture("box", as: "chosen") { $0.spec.provider = "other" }
            let usual = try await cluster.wait(forSnapshot: "usual") { [.succeed, .failed].contains($0.status?.phase) }
            let chosen = try await cluster.wait(forSnapshot: "chosen") {
                [.succeed, .failed].contains($0.status?.phase)
            }
            #expect(usual.status?.phase == .succeed && usual.status?.provider == "instant")
            #expect(chosen.status?.phase == .succeed && chosen.status?.provider == "other")
            #expect(cluster.provider.begun == [usual.metadata.uid])
            #expect(other.begun == [chosen.metadata.uid])

            try await cluster.capture("box", as: "unknown") { $0.spec.provider = "nobody" }
            let unknown = try await cluster.wait(forSnapshot: "unknown") {
                [.succeed, .failed].contains($0.status?.phase)
            }
            #expect(unknown.status?.conditions["Failed"]?.reason == "ProviderNotFound")
            #expect(unknown.status?.conditions["Failed"]?.message?.contains("instant, other") == true)
        }
    }
}
