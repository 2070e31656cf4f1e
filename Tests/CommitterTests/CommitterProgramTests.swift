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
    @Test("Called as upstream's committer it leaves an image in the registry, says its digest, and the pod runs")
    func commit() async throws {
        try await CommitterPod.with { pod in
            let ending = try await pod.program.run(pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(!pod.main.isFrozen && !pod.side.isFrozen)
            #expect(try await pod.freezes().isEmpty)

            let image = try await pod.inspect(pod.target)
            let base = try await pod.inspect("\(pod.base):1")
            #expect(image.Layers.count == base.Layers.count + 1)
            #expect(ending.lines.contains("SNAPSHOT_DIGEST_MAIN=\(image.Digest)"))
            #expect(ending.lines.last == "SNAPSHOT_DIGEST=\(image.Digest)")
            #expect(ending.lines.first?.contains(#""stage":"#) == true)
            #expect(ending.lines.contains { $0.contains(#""stage":"done""#) })

            let container = try #require(try ending.containers().first)
            #expect(try ending.containers().count == 1)
            #expect(container.name == "main")
            #expect(container.image == pod.target)
            #expect(container.digest == image.Digest)
            #expect(container.base == base.Digest)
            #expect(container.layers == image.Layers.count)
            #expect(try #require(container.frozenMilliseconds) > 0)

            #expect(try await RegistryReader.read(pod.direct(pod.target))["root/data"]?.text == "precious\n")
        }
    }

    @Test("SIGTERM while frozen thaws every container, and no image is left under the tag")
    func terminated() async throws {
        try await CommitterPod.with(megabytes: CommitterPod.tooMuchToWait) { pod in
            let ending = try await pod.commitHeld { Glibc.kill($0, SIGTERM) }
            #expect(ending.exitStatus == 1)
            #expect(!pod.isAnyFrozen)
            #expect(try await pod.freezes().isEmpty)
            #expect(ending.terminationLog.contains(#""reason":"Interrupted""#))
            await #expect(throws: Command.Failure.self) { try await pod.inspect(pod.target) }
        }
    }

    @Test("When its holder is killed while frozen, it thaws, fails and says why")
    func holderKilled() async throws {
        try await CommitterPod.with(megabytes: CommitterPod.tooMuchToWait) { pod in
            let ending = try await pod.commitHeld { try CommitterProcess.kill($0, .holder) }
            #expect(ending.exitStatus == 1)
            #expect(ending.terminationLog.contains("FreezeLost"), "\(ending.terminationLog)")
            #expect(!pod.isAnyFrozen)
            #expect(try await pod.freezes().isEmpty)
        }
    }

    @Test("unpause thaws what a committer and its holder left, and what somebody froze without a record; twice is fine")
    func unpause() async throws {
        try await CommitterPod.with(megabytes: CommitterPod.tooMuchToWait) { pod in
            _ = try await pod.commitHeld { try CommitterProcess.kill($0, .both) }
            #expect(pod.areFrozen)
            #expect(try await pod.freezes().count == 1)
            for _ in 0..<2 {
                let ending = try await pod.program.run("unpause", pod.name, "team", "main", "side")
                #expect(ending.exitStatus == 0, "\(ending.errors)")
                #expect(!pod.isAnyFrozen)
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
        try await CommitterPod.with { pod in
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
        try await CommitterPod.with(megabytes: CommitterPod.tooMuchToWait) { pod in
            let ending = try await pod.commitHeld(["STASIS_FREEZE_SECONDS": "2"]) { _ in try await pod.waitUntilThawed()
            }
            #expect(ending.exitStatus == 1)
            #expect(ending.terminationLog.contains("FreezeLost"), "\(ending.terminationLog)")
            #expect(ending.terminationLog.contains("STASIS_FREEZE_SECONDS"))
            #expect(!pod.isAnyFrozen)
            await #expect(throws: Command.Failure.self) { try await pod.inspect(pod.target) }
        }
    }

    @Test("The base is found by its layers although its tag names another image by now")
    func movedTag() async throws {
        try await CommitterPod.with { pod in
            let repository = pod.base
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
        try await CommitterPod.with { pod in
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
