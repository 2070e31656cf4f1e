// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// Pauses that really capture, by a Job on the node, into the testbed's registry.
@Suite("A Sandbox of the Kruise dialect whose filesystem is committed")
struct KruiseCommittedPauseTests {
    @Test("comes back with its files, under its name", .timeLimit(.minutes(10)))
    func filesSurvive() async throws {
        try await KruiseCluster.run(capturing: { _ in }) { kruise in
            try await kruise.create("my-sandbox")
            try await kruise.waitUntilReady("my-sandbox")
            try await kruise.cluster.shell(
                "echo kept > /root/marker; mkdir /work; echo 1 > /work/count",
                in: "my-sandbox"
            )
            for count in 1...2 {
                let pause = #"{"spec":{"paused":true}}"#
                _ = try await kruise.cluster.kubectl("patch", "sbx", "my-sandbox", "--type=merge", "-p", pause)
                let paused = try await kruise.wait(for: "my-sandbox") {
                    $0.status?.conditions.isTrue("SandboxPaused") == true
                        || $0.status?.conditions["SandboxPaused"]?.reason == "CheckpointFailed"
                }
                try #require(
                    paused.status?.conditions.isTrue("SandboxPaused") == true,
                    "\(paused.status?.message ?? "")"
                )
                let artifact = try #require(paused.status?.artifact)
                #expect(try await kruise.cluster.pods.find("my-sandbox") == nil)
                let resume = #"{"spec":{"paused":false}}"#
                _ = try await kruise.cluster.kubectl("patch", "sbx", "my-sandbox", "--type=merge", "-p", resume)
                try await kruise.waitUntilReady("my-sandbox")
                let files = try await kruise.cluster.shell("cat /root/marker /work/count", in: "my-sandbox")
                #expect(files == "kept\n\(count)\n")
                let pod = try #require(try await kruise.cluster.pods.find("my-sandbox"))
                #expect(pod.spec.containers.first?.image?.hasSuffix("@\(artifact.imageDigest)") == true)
                try await kruise.cluster.shell("echo \(count + 1) > /work/count", in: "my-sandbox")
            }
        }
    }
}
