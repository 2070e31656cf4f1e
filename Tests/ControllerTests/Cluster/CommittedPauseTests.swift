// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import Logging
import OCIRegistry
import SandboxModels
import TestSupport
import Testing

/// Pauses that really capture, by a Job on the node, into the testbed's registries.
@Suite("A BatchSandbox whose filesystem is committed")
struct CommittedPauseTests {
    @Test("comes back with its files, its snapshot by digest", .timeLimit(.minutes(10)))
    func filesSurvive() async throws {
        try await SandboxCluster.run(capturing: { _ in }) { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.shell("echo kept > /root/marker; mkdir /work; echo 1 > /work/count", in: "box-0")

            try await cluster.setPause(true, of: "box")
            let paused = try await cluster.waitForPause(of: "box")
            #expect(paused.status?.conditions.map(\.type) == ["Paused"], "\(paused.status?.conditions ?? [])")
            let artifact = try #require(paused.status?.artifact)
            #expect(artifact.imageDigest.hasPrefix("sha256:"))
            #expect(try await cluster.pods.find("box-0") == nil)
            let snapshot = try await cluster.snapshots.get("box-pause")
            #expect(snapshot.status?.phase == .succeed)
            #expect(snapshot.status?.containers.first?.imageDigest == artifact.imageDigest)

            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            #expect(try await cluster.shell("cat /root/marker /work/count", in: "box-0") == "kept\n1\n")
            let pod = try #require(try await cluster.pods.find("box-0"))
            #expect(pod.spec.containers.first?.image?.hasSuffix("@\(artifact.imageDigest)") == true)
        }
    }

    @Test("of several replicas comes back each with its own, or all run on if one cannot be", .timeLimit(.minutes(10)))
    func replicas() async throws {
        let configure: @Sendable (inout SandboxControllerSettings) -> Void = { $0.policy.maximumPauseReplicas = 3 }
        try await SandboxCluster.run(configuring: configure, capturing: { _ in }) { cluster in
            try await cluster.create("box", replicas: 3)
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.status?.ready == 3 }
            for index in 0..<3 { try await cluster.shell("echo \(index) > /mine", in: "box-\(index)") }
            let before = try await cluster.pods.list().items.map { "\($0.metadata.uid ?? "")" }

            // A file that would delete another one when it is unpacked: the committer of this replica refuses it.
            try await cluster.shell("touch /root/.wh.mine", in: "box-1")
            try await cluster.setPause(true, of: "box")
            let failed = try await cluster.waitForPause(of: "box")
            #expect(failed.status?.phase == .succeed && failed.status?.ready == 3)
            let failure = try #require(failed.status?.conditions["PauseFailed"])
            #expect(failure.message?.hasPrefix("Replica 1: ") == true, "\(failure)")
            for index in 0..<3 {
                // What is frozen answers nothing.
                #expect(try await cluster.shell("echo on >> /mine; cat /mine", in: "box-\(index)") == "\(index)\non\n")
                let name = SandboxSnapshot.pauseName(of: "box", replica: index)
                let told = try await cluster.wait(forSnapshot: name) { $0.status?.phase == .failed }
                #expect(told.status?.conditions["Failed"]?.reason == failure.reason)
            }
            #expect(Set(try await cluster.pods.list().items.compactMap(\.metadata.uid)).isSuperset(of: before))

            try await cluster.shell("rm /root/.wh.mine", in: "box-1")
            try await cluster.pauseAgain("box")
            let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            #expect(paused.status?.conditions.map(\.type) == ["Paused"])
            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.status?.ready == 3 }
            for index in 0..<3 {
                #expect(try await cluster.shell("cat /mine", in: "box-\(index)") == "\(index)\non\n")
            }
        }
    }

    /// As upstream's Jobs are started, with nothing of the node but containerd's socket.
    @Test("is read through containerd where the committer sees nothing else, and says so", .timeLimit(.minutes(10)))
    func socketAlone() async throws {
        try await SandboxCluster.run(capturing: { $0.containerdRoot = nil }) { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            let prepare = """
                echo kept > /root/marker; rm /bin/vi; rm -r /www; mkdir /www; echo new > /www/only; ln -s marker /root/link; \
                chmod 600 /root/marker; chown 1000:1000 /root/marker
                """
            try await cluster.shell(prepare, in: "box-0")
            try await cluster.setPause(true, of: "box")
            let conditions = try await cluster.waitForPause(of: "box").status?.conditions ?? []
            try #require(conditions.map(\.type) == ["Paused"], "\(conditions)")
            let told = try await cluster.snapshots.get("box-pause").status?.conditions["Ready"]?.message ?? ""
            #expect(told.contains("containerd's diff service"), "\(told)")
            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            let look = "cat /root/link; stat -c '%a %u:%g' /root/marker; ls /www; ls /bin/vi 2>/dev/null || echo gone"
            #expect(try await cluster.shell(look, in: "box-0") == "kept\n600 1000:1000\nonly\ngone\n")
        }
    }

    @Test("goes on when the registry refuses it, and is paused once that is put right", .timeLimit(.minutes(10)))
    func wrongCredentials() async throws {
        let testbed = try KubernetesTestbed.find()
        let registry = "\(testbed.loginRegistry)/pause-\(UInt32.random(in: 0 ... .max))"
        let configure: @Sendable (inout CommitJobSettings) -> Void = {
            $0.pushSecret = "push"
            $0.pullSecret = "push"
        }
        try await SandboxCluster.run(registry: registry, capturing: configure) { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.shell("echo kept > /marker", in: "box-0")

            // Nothing is begun without the Secret.
            try await cluster.setPause(true, of: "box")
            let refused = try await cluster.waitForPause(of: "box")
            #expect(refused.status?.conditions["PauseFailed"]?.reason == "PushSecretNotFound")

            let wrong = #"{"auths": {"\#(testbed.loginRegistry)": {"username": "nobody", "password": "wrong"}}}"#
            try await cluster.setSecret("push", login: wrong)
            try await cluster.edit("box", ["spec": ["pause": .null]])
            try await cluster.wait(for: "box") { $0.status?.observedGeneration == $0.metadata.generation }
            try await cluster.setPause(true, of: "box")
            let failed = try await cluster.wait(for: "box") {
                $0.status?.conditions["PauseFailed"].map { $0.reason != "PushSecretNotFound" } ?? false
            }
            #expect(failed.status?.phase == .succeed)
            #expect(failed.status?.conditions["PauseFailed"]?.reason == "TargetUnavailable")
            #expect(try await cluster.shell("cat /marker", in: "box-0") == "kept\n")

            let right = try String(contentsOfFile: testbed.login, encoding: .utf8)
            try await cluster.setSecret("push", login: right)
            try await cluster.pauseAgain("box")
            let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            #expect(paused.status?.conditions.map(\.type) == ["Paused"])
            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            #expect(try await cluster.shell("cat /marker", in: "box-0") == "kept\n")
        }
    }

    @Test("stays paused while its image is gone from the registry", .timeLimit(.minutes(10)))
    func imageIsGone() async throws {
        try await SandboxCluster.run(capturing: { _ in }) { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.shell("echo kept > /marker", in: "box-0")
            try await cluster.setPause(true, of: "box")
            let artifact = try #require(try await cluster.waitForPause(of: "box").status?.artifact)

            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            var registries = RegistryConfiguration()
            registries.plainHTTP.hosts = [cluster.testbed.registry]
            try await withRegistryClient(registries, logger: logger) { client in
                let image = client.repository(try ImageReference(parsing: artifact.imageUri))
                let digest = try Digest(parsing: artifact.imageDigest)
                let manifest = try await image.manifest(.digest(digest))
                _ = try await image.deleteManifest(digest)
                try await cluster.setPause(false, of: "box")
                let refused = try await cluster.wait(for: "box") {
                    $0.status?.conditions.isTrue("ResumeFailed") == true
                }
                #expect(refused.status?.phase == .paused)
                #expect(refused.status?.conditions["ResumeFailed"]?.reason == "NotVerified")

                _ = try await image.putManifest(manifest.bytes, mediaType: manifest.mediaType, as: .digest(digest))
                try await cluster.edit("box", ["spec": ["pause": .null]])
                try await cluster.setPause(false, of: "box")
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            }
            #expect(try await cluster.shell("cat /marker", in: "box-0") == "kept\n")
        }
    }

    /// Each child appends a number to a file of its root filesystem, and then the same one to a file in a folder that outlives the
    /// pod. A child that ran after it was captured would have written a number out there that is not in the image.
    @Test("runs nothing after the captured instant, and comes back whole", .timeLimit(.minutes(10)))
    func oneInstant() async throws {
        let children = 64
        try await withTemporaryFolder { folder in
            // Nothing here starts a process: a container that does so all the time takes long to freeze.
            let program = """
                mkdir -p /records; n=1; while [ $n -le \(children) ]; do (i=0; while :; do i=$((i+1)); \
                echo $i >> /records/$n; echo $i >> /outside/$n; done) & n=$((n+1)); done; wait
                """
            try await SandboxCluster.run(capturing: { _ in }) { cluster in
                try await cluster.create("box", command: program, folder: folder)
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                try await cluster.setPause(true, of: "box")
                let conditions = try await cluster.waitForPause(of: "box").status?.conditions ?? []
                try #require(conditions.map(\.type) == ["Paused"], "\(conditions)")
                // What it starts from has to be looked at before it writes on.
                let still: JSONValue = [
                    "name": "main", "image": .string(cluster.image),
                    "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"],
                ]
                let change: JSONValue = ["pause": false, "template": ["spec": ["containers": [still]]]]
                try await cluster.edit("box", ["spec": change])
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                let records = try await cluster.shell(
                    "cd /records && for n in $(seq 1 \(children)); do echo $n $(wc -l < $n) $(tail -n 1 $n); done",
                    in: "box-0"
                )
                let lines = records.split(separator: "\n").map { $0.split(separator: " ").compactMap { Int($0) } }
                #expect(lines.count == children)
                for line in lines {
                    try #require(line.count == 3 && line[1] == line[2], "a record is missing, or torn: \(line)")
                    let text = try String(contentsOfFile: "\(folder)/\(line[0])", encoding: .utf8)
                    let outside = text.split(separator: "\n").last.flatMap { Int($0) } ?? 0
                    // The last one may not have been told yet.
                    #expect(outside == line[1] || outside == line[1] - 1, "child \(line[0])")
                }
            }
        }
    }
}
