// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The process that holds a freeze is killed, and Jobs do on the node what it would have done.
@Suite("A pause whose holder is killed")
struct HolderDeathTests {
    @Test("is undone before the seal, and finished after it", .timeLimit(.minutes(15)))
    func killed() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run(isControlled: false) { cluster, proxy in
                try await cluster.control(cluster.client) {
                    let container = try await cluster.createCounting("box", in: folder)

                    // During the capture, which fails by that.
                    proxy.holdOnce("PUT", containing: "/manifests/snap-")
                    try await cluster.pauseAgain("box")
                    await proxy.waitUntilHeld()
                    try await cluster.killHolder(of: "box")
                    let failed = try await cluster.waitForPause(of: "box")
                    #expect(failed.status?.conditions["PauseFailed"]?.reason == "FreezeLost", "\(failed.jsonText)")
                    #expect(!container.isFrozen)
                    try await Counter(folder: folder).waitUntilItCounts()
                    proxy.release()
                }

                // When it is complete, and nobody has asked for the seal.
                let container = try await cluster.captureAlone("box", proxy)
                #expect(container.isFrozen)
                try await cluster.killHolder(of: "box")
                #expect(container.isFrozen)
                try await cluster.control(cluster.client) {
                    let failed = try await cluster.waitForPause(of: "box")
                    #expect(failed.status?.conditions["PauseFailed"]?.reason == "FreezeEnded", "\(failed.jsonText)")
                    #expect(!container.isFrozen)
                    #expect(try await cluster.jobsEver().contains("box-pause-unpause"))
                    try await Counter(folder: folder).waitUntilItCounts()
                    try await cluster.waitUntilNothingIsLeft(of: "box")
                }

                // When it is sealed, and nobody has released it.
                let sealed = try await cluster.captureAlone("box", proxy)
                let last = Counter(folder: folder).value
                try await cluster.seal("box")
                try await cluster.killHolder(of: "box")
                #expect(sealed.isFrozen)
                try await cluster.control(cluster.client) {
                    try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                    #expect(Counter(folder: folder).value == last)
                    #expect(try await cluster.jobsEver().filter { $0 == "box-pause-unpause" }.count >= 2)
                    #expect(try await cluster.jobsEver().contains("box-pause-release"))
                    try await cluster.waitUntilNothingIsLeft(of: "box")
                    try await cluster.expectResume(of: "box")
                }
                // No commit, no holder and no record of a freeze is left on the node.
                #expect(try await cluster.freezes(of: "box").isEmpty)
            }
        }
    }
}
