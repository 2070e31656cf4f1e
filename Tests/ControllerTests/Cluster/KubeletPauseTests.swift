// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The kubelet is away for a while: Jobs do not start, do not tell how they end, and cannot be spoken to.
@Suite("A pause while the kubelet is stopped", .serialized)
struct KubeletPauseTests {
    @Test("ends by the deadlines on the node, and loses nothing", .timeLimit(.minutes(15)))
    func stopped() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run(isControlled: false) { cluster, proxy in
                let counter = Counter(folder: folder)
                try await cluster.control(cluster.client) {
                    try await cluster.createCounting("box", in: folder)
                    // Before the pod of the Job has started.
                    try await cluster.testbed.withStoppedKubelet {
                        try await cluster.setPause(true, of: "box")
                        let pod = try await cluster.wait(forPodOf: "commit", of: "box") { _ in true }
                        #expect(pod.status?.phase == "Pending")
                        try await counter.waitUntilItCounts()
                    }
                    try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                    try await cluster.expectResume(of: "box")
                }

                // While it commits, and until the holder's deadline: nobody but the holder can thaw.
                var hasty = cluster
                hasty.policy.captureTimeout = 20
                try await hasty.control(cluster.client) {
                    let container = try await cluster.container(of: "box-0")
                    proxy.holdOnce("PUT", containing: "/manifests/snap-")
                    try await cluster.pauseAgain("box")
                    await proxy.waitUntilHeld()
                    #expect(container.isFrozen)
                    try await cluster.testbed.withStoppedKubelet {
                        try await counter.waitUntilItCounts()
                        #expect(!container.isFrozen)
                    }
                    let failed = try await cluster.waitForPause(of: "box")
                    let reasons = ["PauseDeadlinePassed", "FreezeLost"]
                    #expect(
                        reasons.contains(failed.status?.conditions["PauseFailed"]?.reason ?? ""),
                        "\(failed.jsonText)"
                    )
                    #expect(try await cluster.container(of: "box-0").id == container.id)
                    proxy.release()
                    try await cluster.waitUntilNothingIsLeft(of: "box")
                }

                // After the seal, which is finished when the holder can be reached.
                let sealed = try await cluster.captureAlone("box", proxy)
                try await cluster.seal("box")
                let last = counter.value
                try await cluster.testbed.withStoppedKubelet {
                    try await cluster.control(cluster.client) {
                        try await cluster.wait(for: "box") { $0.record.contains("sealing") }
                        #expect(sealed.isFrozen)
                    }
                }
                try await cluster.control(cluster.client) {
                    try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                    #expect(counter.value == last)
                    try await cluster.expectResume(of: "box")
                    try await cluster.waitUntilNothingIsLeft(of: "box")
                }
                #expect(try await cluster.freezes(of: "box").isEmpty)
            }
        }
    }
}
