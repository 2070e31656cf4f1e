// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The controller of `Examples/CustomSnapshotProvider`, as a platform team would run it.
@Suite("A controller with a provider of its own")
struct CustomProviderTests {
    /// Without a registry: its artifacts are tarballs in a folder of the node.
    private static func run(
        _ body: @escaping @Sendable (SandboxCluster, _ store: String, _ outside: String) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { store in
            try await withTemporaryFolder { outside in
                try await SandboxCluster.run(registry: "", isControlled: false) { cluster in
                    let flags = [
                        "--kubeconfig=\(cluster.testbed.kubeconfig)", "--watch-namespaces=\(cluster.namespace)",
                        "--image-committer-image=\(cluster.image)",
                    ]
                    try await ControllerProcess.run(
                        flags,
                        of: "custom-snapshot-provider",
                        environment: ["TREE_STORE": store]
                    ) { process in
                        do {
                            try await body(cluster, store, outside)
                        } catch {
                            Issue.record("\(process.text.suffix(4000))")
                            throw error
                        }
                    }
                }
            }
        }
    }

    @Test(
        "loses nothing over a pause, refuses a damaged tree, and thaws when it cannot capture",
        .timeLimit(.minutes(15))
    )
    func trees() async throws {
        try await Self.run { cluster, store, outside in
            // Each number is written into the workspace first, and then outside of the sandbox.
            let program = """
                mkdir -p /workspace; i=0; while :; do i=$((i+1)); echo $i >>/workspace/count; echo $i >>/outside/count; done
                """
            try await cluster.create("box", command: program, folder: outside)
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.shell(
                "mkdir /workspace/a; echo kept >/workspace/a/b; chmod 640 /workspace/a/b; chown 7:8 /workspace/a/b",
                in: "box-0"
            )
            try await cluster.setPause(true, of: "box")
            let paused = try await cluster.waitForPause(of: "box")
            try #require(paused.status?.conditions.map(\.type) == ["Paused"], "\(paused.status?.conditions ?? [])")
            let artifact = try #require(paused.status?.artifact)
            let snapshot = try await cluster.snapshots.get("box-pause")
            #expect(snapshot.status?.provider == "tree")

            // A tree that is not what it was is not started from, until it is again.
            let tree = "\(store)/\(artifact.imageUri)"
            try FileManager.default.moveItem(atPath: tree, toPath: "\(tree).away")
            let still: JSONValue = [
                "name": "main", "image": .string(cluster.image),
                "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"],
            ]
            let resume: JSONValue = ["pause": false, "template": ["spec": ["containers": [still]]]]
            try await cluster.edit("box", ["spec": resume])
            let refused = try await cluster.wait(for: "box") { $0.status?.conditions.isTrue("ResumeFailed") == true }
            #expect(refused.status?.phase == .paused)
            #expect(refused.status?.conditions["ResumeFailed"]?.reason == "TreeDamaged")
            try FileManager.default.moveItem(atPath: "\(tree).away", toPath: tree)
            try await cluster.edit("box", ["spec": ["pause": .null]])
            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }

            let look = "cat /workspace/a/b; stat -c '%a %u:%g' /workspace/a/b; tail -n 1 /workspace/count"
            let told = try await cluster.shell(look, in: "box-0").split(separator: "\n").map(String.init)
            #expect(told.dropLast() == ["kept", "640 7:8"])
            let written = try String(contentsOfFile: "\(outside)/count", encoding: .utf8)
            let last = try #require(written.split(separator: "\n").last.flatMap { Int($0) })
            let kept = try #require(told.last.flatMap { Int($0) })
            // The last one may not have been told outside yet.
            #expect(kept == last || kept == last + 1, "\(kept) was kept, and \(last) told")

            // There is no workspace to be captured, so it runs on.
            try await cluster.create("bare")
            try await cluster.wait(for: "bare") { $0.status?.phase == .succeed }
            try await cluster.setPause(true, of: "bare")
            let failed = try await cluster.waitForPause(of: "bare")
            #expect(failed.status?.conditions["PauseFailed"]?.reason == "TreeNotSaved")
            #expect(try await cluster.shell("echo runs", in: "bare-0") == "runs\n")
        }
    }
}
