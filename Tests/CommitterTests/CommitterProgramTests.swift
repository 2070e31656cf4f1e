// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import OCIRegistry
import TestSupport
import Testing

@testable import Committer
@testable import SnapshotEngine

/// The program against a real containerd, runc and registry, as a Job runs it.
@Suite("stasis-committer")
struct CommitterProgramTests {
    /// A pod of two containers: `main`, which has written `/root/data`, and `side`.
    struct Pod {
        let name: String
        let uid: String
        let main: TestContainer
        let side: TestContainer
        let program: CommitterProgram
        let registry: DockerRegistry
        let daemon: ContainerdDaemon

        /// Where `main`'s image goes.
        var target: String { "\(registry.authority)/team/\(name):1" }

        var areFrozen: Bool { main.isFrozen && side.isFrozen }

        /// Returns when the kernel has frozen both containers.
        func waitUntilFrozen() async throws {
            while !areFrozen { try await Task.sleep(for: .milliseconds(2)) }
        }

        func freezes() async throws -> [FreezeRecord] {
            try await daemon.withClient { try await FreezeRecovery(client: $0).records() }
                .filter { $0.containers.contains(main.id) }
        }
    }

    /// - Parameter megabytes: How much `main` has written besides.
    func withPod(megabytes: Int = 0, _ body: (Pod) async throws -> Void) async throws {
        let daemon = try await ContainerdDaemon.shared()
        let busybox = try await BusyboxImage.shared()
        try await DockerRegistry.run { registry in
            let repository = "\(registry.authority)/team/base"
            try await busybox.push(to: repository)
            try await busybox.importInto(daemon, repository: repository)
            let name = "pod-\(UInt32.random(in: 0 ... .max))"
            let labels = [
                "io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": "team",
                "io.kubernetes.pod.uid": "uid-\(name)", "io.cri-containerd.kind": "container",
            ]
            let script =
                "dd if=/dev/urandom of=/root/bulk bs=1M count=\(megabytes); echo precious > /root/data; sleep 9999"
            try await TestContainer.with(
                daemon,
                image: "\(repository):1",
                arguments: ["/bin/sh", "-ec", script],
                labels: labels.merging(["io.kubernetes.container.name": "main"]) { $1 }
            ) { main in
                try await TestContainer.with(
                    daemon,
                    labels: labels.merging(["io.kubernetes.container.name": "side"]) { $1 }
                ) { side in
                    while !FileManager.default.fileExists(atPath: "/proc/\(main.pid)/root/root/data") {
                        try await Task.sleep(for: .milliseconds(10))
                    }
                    try await body(
                        Pod(
                            name: name,
                            uid: "uid-\(name)",
                            main: main,
                            side: side,
                            program: CommitterProgram(daemon: daemon),
                            registry: registry,
                            daemon: daemon
                        )
                    )
                }
            }
            try await daemon.ctr("images", "rm", "\(repository):1")
        }
    }

    private struct Inspection: Decodable {
        var Digest: String
        var Layers: [String]
    }

    private func inspect(_ image: String) async throws -> Inspection {
        let text = try await Command.run("skopeo", ["inspect", "--tls-verify=false", "docker://\(image)"])
        return try JSONDecoder().decode(Inspection.self, from: Data(text.utf8))
    }

    @Test("Called as upstream's committer it leaves an image in the registry, says its digest, and the pod runs")
    func commit() async throws {
        try await withPod { pod in
            let ending = try await pod.program.run(pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(!pod.main.isFrozen && !pod.side.isFrozen)
            #expect(try await pod.freezes().isEmpty)

            let image = try await inspect(pod.target)
            let base = try await inspect("\(pod.registry.authority)/team/base:1")
            #expect(image.Layers.count == base.Layers.count + 1)
            #expect(ending.lines.contains("SNAPSHOT_DIGEST_MAIN=\(image.Digest)"))
            #expect(ending.lines.last == "SNAPSHOT_DIGEST=\(image.Digest)")
            #expect(ending.lines.first?.contains(#""stage":"#) == true)
            #expect(ending.lines.contains { $0.contains(#""stage":"done""#) })

            struct Result: Decodable {
                var containers: [CommitReport.Container]
            }
            let log = try JSONDecoder().decode(Result.self, from: Data(ending.terminationLog.utf8))
            let container = try #require(log.containers.first)
            #expect(log.containers.count == 1)
            #expect(container.name == "main")
            #expect(container.image == pod.target)
            #expect(container.digest == image.Digest)
            #expect(container.base == base.Digest)
            #expect(container.layers == image.Layers.count)
            #expect(try #require(container.frozenMilliseconds) > 0)

            let layout = "\(pod.daemon.folder)/\(pod.name)"
            try await Command.run(
                "skopeo",
                ["copy", "--src-tls-verify=false", "docker://\(pod.target)", "oci:\(layout):1"]
            )
            try await Command.run("umoci", ["unpack", "--image", "\(layout):1", "\(layout)-bundle"])
            let data = try String(contentsOfFile: "\(layout)-bundle/rootfs/root/data", encoding: .utf8)
            #expect(data == "precious\n")
        }
    }

    @Test("SIGTERM while frozen thaws every container, and no image is left under the tag")
    func terminated() async throws {
        try await withPod(megabytes: 400) { pod in
            let ending = try await pod.program.run(
                "commit",
                "--consistency",
                "freeze",
                pod.name,
                "team",
                "main:\(pod.target)"
            ) { pid in
                try await pod.waitUntilFrozen()
                Glibc.kill(pid, SIGTERM)
            }
            #expect(ending.exitStatus == 1)
            #expect(!pod.main.isFrozen && !pod.side.isFrozen)
            #expect(try await pod.freezes().isEmpty)
            #expect(ending.terminationLog.contains(#""reason":"Interrupted""#))
            await #expect(throws: Command.Failure.self) { try await inspect(pod.target) }
        }
    }

    @Test("Killed while frozen, with its holder or without, the next attempt succeeds", arguments: [false, true])
    func killedAndRepeated(withHolder: Bool) async throws {
        try await withPod(megabytes: 400) { pod in
            let killed = try await pod.program.run(
                "commit",
                "--consistency",
                "freeze",
                pod.name,
                "team",
                "main:\(pod.target)"
            ) { pid in
                try await pod.waitUntilFrozen()
                try killCommitter(pid, withHolder: withHolder)
            }
            #expect(killed.exitStatus == nil)
            if withHolder {
                #expect(pod.areFrozen)
                #expect(try await pod.freezes().count == 1)
            }
            let ending = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(!pod.main.isFrozen && !pod.side.isFrozen)
            #expect(try await pod.freezes().isEmpty)
        }
    }

    @Test("Killed while frozen, its holder thaws without being asked")
    func killed() async throws {
        try await withPod(megabytes: 400) { pod in
            _ = try await pod.program.run(
                "commit",
                "--consistency",
                "freeze",
                pod.name,
                "team",
                "main:\(pod.target)"
            ) { pid in
                try await pod.waitUntilFrozen()
                try killCommitter(pid, withHolder: false)
            }
            while try await !pod.freezes().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            #expect(!pod.main.isFrozen && !pod.side.isFrozen)
        }
    }

    @Test("When its holder is killed while frozen, it thaws, fails and says why")
    func holderKilled() async throws {
        try await withPod(megabytes: 400) { pod in
            let ending = try await pod.program.run(
                "commit",
                "--consistency",
                "freeze",
                pod.name,
                "team",
                "main:\(pod.target)"
            ) { pid in
                try await pod.waitUntilFrozen()
                for child in try children(of: pid) { Glibc.kill(child, SIGKILL) }
            }
            #expect(ending.exitStatus == 1)
            #expect(ending.terminationLog.contains("FreezeLost"), "\(ending.terminationLog)")
            #expect(!pod.main.isFrozen && !pod.side.isFrozen)
            #expect(try await pod.freezes().isEmpty)
        }
    }

    /// As by kill -9.
    private func killCommitter(_ pid: pid_t, withHolder: Bool) throws {
        if withHolder {
            // Stopped, it cannot do anything about its holder's end.
            Glibc.kill(pid, SIGSTOP)
            let children = try children(of: pid)
            #expect(!children.isEmpty)
            for child in children { Glibc.kill(child, SIGKILL) }
        }
        Glibc.kill(pid, SIGKILL)
    }

    private func children(of pid: pid_t) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").flatMap { thread in
            try String(contentsOfFile: "/proc/\(pid)/task/\(thread)/children", encoding: .utf8)
                .split(separator: " ").compactMap { pid_t($0) }
        }
    }

    @Test("unpause thaws what a committer and its holder left, and what somebody froze without a record; twice is fine")
    func unpause() async throws {
        try await withPod(megabytes: 400) { pod in
            _ = try await pod.program.run(
                "commit",
                "--consistency",
                "freeze",
                pod.name,
                "team",
                "main:\(pod.target)"
            ) { pid in
                try await pod.waitUntilFrozen()
                try killCommitter(pid, withHolder: true)
            }
            #expect(pod.areFrozen)
            for _ in 0..<2 {
                let ending = try await pod.program.run("unpause", pod.name, "team", "main", "side")
                #expect(ending.exitStatus == 0, "\(ending.errors)")
                #expect(!pod.main.isFrozen && !pod.side.isFrozen)
            }
            #expect(try await pod.freezes().isEmpty)
            try await pod.daemon.withClient { try await $0.pauseTask(pod.side.id) }
            let partial = try await pod.program.run("unpause", pod.name, "team", "nobody", "side")
            #expect(partial.exitStatus == 2)
            #expect(!pod.side.isFrozen)
        }
    }

    @Test("A sealed freeze is not thawed by unpause")
    func sealed() async throws {
        try await withPod { pod in
            try await pod.daemon.withClient { client in
                let holder = FreezeHolder(client: client, id: "sealed-\(pod.name)", owner: "tests")
                try await holder.freeze([pod.main.id], until: Date(timeIntervalSinceNow: 600))
                #expect(try await holder.seal() == .sealed)
                let ending = try await pod.program.run("unpause", pod.name, "team", "main")
                #expect(ending.exitStatus == 1)
                #expect(pod.main.isFrozen)
                try await holder.kill()
            }
        }
    }

    @Test("A freeze that lasts too long is given up, and says what to do")
    func deadline() async throws {
        try await withPod(megabytes: 600) { pod in
            var program = pod.program
            program.environment = ["STASIS_FREEZE_SECONDS": "1"]
            let ending = try await program.run(
                "commit",
                "--consistency",
                "freeze",
                pod.name,
                "team",
                "main:\(pod.target)"
            )
            #expect(ending.exitStatus == 1)
            #expect(ending.terminationLog.contains("STASIS_FREEZE_SECONDS"))
            #expect(!pod.main.isFrozen && !pod.side.isFrozen)
        }
    }

    @Test("The base is found by its layers although its tag names another image by now")
    func movedTag() async throws {
        try await withPod { pod in
            let repository = "\(pod.registry.authority)/team/base"
            let other = try await BusyboxImage.make(layout: "\(pod.daemon.folder)/other-\(pod.name)")
            let old = try await BusyboxImage.shared()
            #expect(other.manifestDigest != old.manifestDigest)
            try await pod.daemon.withClient { client in
                // As the kubelet's plugin does: one name by digest, and the tag moves.
                let image = try await client.image("\(repository):1")
                try await client.createImage(
                    ContainerdImage(name: "\(repository)@\(old.manifestDigest)", target: image.target)
                )
                try await other.importInto(pod.daemon, repository: repository)
                try await other.push(to: repository)
                #expect(try await client.image("\(repository):1").target.digest == other.manifestDigest)

                let ending = try await pod.program.run(pod.name, "team", "main:\(pod.target)")
                #expect(ending.exitStatus == 0, "\(ending.errors)")
                #expect(ending.terminationLog.contains(old.manifestDigest))

                try await client.deleteImage("\(repository)@\(old.manifestDigest)", synchronously: true)
                let refused = try await pod.program.run(pod.name, "team", "main:\(pod.target)-again")
                #expect(refused.exitStatus == 1)
                #expect(refused.terminationLog.contains("BaseImageMismatch"))
                #expect(!pod.main.isFrozen)
            }
        }
    }

    @Test("What is not there is told by the exit status")
    func failures() async throws {
        try await withPod { pod in
            var ending = try await pod.program.run("commit", "nobody", "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 2)
            ending = try await pod.program.run("commit", pod.name, "team", "nobody:\(pod.target)")
            #expect(ending.exitStatus == 2)
            #expect(ending.terminationLog.contains("it has main, side"))
            ending = try await pod.program.run("commit", pod.name, "team", "main")
            #expect(ending.exitStatus == 64)
            ending = try await pod.program.run()
            #expect(ending.exitStatus == 64)
            var program = pod.program
            program.environment = ["STASIS_POD_UID": "another"]
            ending = try await program.run("commit", pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 2)
            #expect(ending.terminationLog.contains("is not the one with UID another any more"))
            program.environment = ["CONTAINERD_SOCKET": "/nonexistent.sock"]
            ending = try await program.run("commit", pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 3)
            ending = try await program.run("--help")
            #expect(ending.exitStatus == 0)
            #expect(ending.output.contains("Exit status: 0 done"))
            #expect(!pod.main.isFrozen)
        }
    }
}
