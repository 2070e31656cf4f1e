// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// What a pause needs is away for a while.
@Suite("A pause that fails on the way")
struct PauseFaultTests {
    @Test(
        "because the registry goes away during the push lets the sandbox run on, and comes about later",
        .timeLimit(.minutes(10))
    )
    func registryOutage() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run { cluster, proxy in
                let container = try await cluster.createCounting("box", in: folder)
                // When all of it is there but the manifest, and while a layer is sent: not one of the base, those are there by then.
                for part in ["/manifests/snap-", "/blobs/uploads/"] {
                    proxy.holdOnce("PUT", containing: part)
                    try await cluster.pauseAgain("box")
                    await proxy.waitUntilHeld()
                    #expect(container.isFrozen)
                    proxy.breakDown()
                    let failed = try await cluster.waitForPause(of: "box")
                    let condition = try #require(failed.status?.conditions["PauseFailed"], "\(failed.jsonText)")
                    #expect(failed.status?.phase == .succeed)
                    #expect(condition.reason == "TargetUnavailable", "\(condition)")
                    #expect(condition.message?.contains(proxy.authority) == true, "\(condition)")
                    #expect(!container.isFrozen)
                    try await Counter(folder: folder).waitUntilItCounts()
                    let snapshot = try await cluster.snapshots.get("box-pause")
                    #expect(snapshot.status?.conditions["Failed"]?.reason == condition.reason)
                    try await cluster.waitUntilNothingIsLeft(of: "box")
                    proxy.repair()
                }
                #expect(try await cluster.container(of: "box-0").id == container.id)
                try await cluster.expectPause(of: "box")
                try await cluster.expectResume(of: "box")
            }
        }
    }

    @Test(
        "for want of the committer's image says so soon, and comes about with the right one",
        .timeLimit(.minutes(10))
    )
    func missingCommitter() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run(isControlled: false, capturing: { _ in }) { cluster in
                var wrong = cluster
                wrong.jobs?.image = "\(cluster.testbed.registry)/stasis/no-such-committer:1"
                try await wrong.control(cluster.client) {
                    let container = try await cluster.createCounting("box", in: folder)
                    let failed = try await cluster.pause("box")
                    let condition = try #require(failed.status?.conditions["PauseFailed"])
                    #expect(condition.reason == "CommitterNotStarted")
                    for word in ["no-such-committer", "ImagePull", "--image-committer-image"] {
                        #expect(condition.message?.contains(word) == true, "\(word): \(condition)")
                    }
                    #expect(failed.status?.phase == .succeed)
                    // Nothing was frozen, so nothing has to be thawed by a Job that would lack its image as well.
                    #expect(try await !cluster.jobsEver().contains("box-pause-unpause"))
                    try await Counter(folder: folder).waitUntilItCounts()
                    #expect(try await cluster.container(of: "box-0").id == container.id)
                }
                try await cluster.control(cluster.client) {
                    try await cluster.expectPause(of: "box")
                    try await cluster.expectResume(of: "box")
                }
            }
        }
    }
}
