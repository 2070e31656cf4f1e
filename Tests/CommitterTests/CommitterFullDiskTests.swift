// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SnapshotEngine
import TestSupport
import Testing

@Suite("A commit for which a disk is full")
struct CommitterFullDiskTests {
    @Test("that of the registry: fails, thawed, says so, and succeeds when there is room")
    func registry() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let path = "\(daemon.folder)/registry-\(UInt32.random(in: 0 ... .max))"
        try await SmallDisk.with(at: path, "size=40m") { disk in
            try await CommitterPod.with(megabytes: CommitterPod.tooMuchToWait, storage: path) { pod in
                for consistency in ["freeze", "live"] {
                    let ending = try await pod.program
                        .run("commit", "--consistency", consistency, pod.name, "team", "main:\(pod.target)")
                    #expect(ending.exitStatus == 1)
                    #expect(ending.terminationLog.contains("TargetUnavailable"), "\(ending.terminationLog)")
                    #expect(!pod.isAnyFrozen)
                    await #expect(throws: Command.Failure.self) { try await pod.inspect(pod.target) }
                }
                try await disk.remount("size=300m")
                let ending = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)")
                #expect(ending.exitStatus == 0, "\(ending.errors)")
                #expect(try await RegistryReader.read(pod.direct(pod.target))["root/bulk"]?.size == 64 << 20)
            }
        }
    }

    @Test("that of the registry, when only the manifest is missing: no tag, and the next commit succeeds")
    func manifest() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let path = "\(daemon.folder)/registry-\(UInt32.random(in: 0 ... .max))"
        try await SmallDisk.with(at: path, "size=40m") { disk in
            try await CommitterPod.with(megabytes: 1, storage: path) { pod in
                pod.holding.holdOnce("PUT", containing: "/manifests/1")
                let ending = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)") { _ in
                    await pod.holding.waitUntilHeld()
                    #expect(!pod.isAnyFrozen)
                    try await disk.fill()
                    pod.holding.release()
                }
                #expect(ending.exitStatus == 1)
                disk.empty()
                await #expect(throws: Command.Failure.self) { try await pod.inspect(pod.target) }
                let again = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)")
                #expect(again.exitStatus == 0, "\(again.errors)")
            }
        }
    }

    @Test("that of containerd's own records, before the freeze: nothing is frozen; during it: the deadline is kept")
    func records() async throws {
        try await ContainerdDaemon.with { daemon in
            try await withSmallRecords(of: daemon) {
                try await CommitterPod.with(daemon, megabytes: CommitterPod.tooMuchToWait) { pod in
                    let fillers = try await fill(daemon)
                    let refused = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)")
                    #expect(refused.exitStatus == 1)
                    #expect(refused.terminationLog.contains("no space left"), "\(refused.terminationLog)")
                    #expect(!pod.isAnyFrozen)
                    try await empty(daemon, fillers)
                    #expect(try await pod.freezes().isEmpty)

                    // Frozen, and then nobody can write down that it is over.
                    let lost = try await pod.commitHeld(["STASIS_FREEZE_SECONDS": "5"]) { _ in
                        let fillers = try await fill(daemon)
                        try await pod.waitUntilThawed()
                        try await empty(daemon, fillers)
                    }
                    #expect(lost.exitStatus == 1)
                    #expect(lost.terminationLog.contains("FreezeLost"), "\(lost.terminationLog)")
                    try await CommitterPod.eventually { try await pod.freezes().isEmpty }
                    let ending = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)")
                    #expect(ending.exitStatus == 0, "\(ending.errors)")
                }
            }
        }
    }

    /// Puts containerd's database of records on a small disk of its own.
    private func withSmallRecords(of daemon: ContainerdDaemon, _ body: () async throws -> Void) async throws {
        // What it needs is there before the disk is small.
        try await BusyboxImage.shared().importInto(daemon)
        try await daemon.kill()
        let folder = "\(daemon.folder)/root/io.containerd.metadata.v1.bolt"
        try FileManager.default.moveItem(atPath: folder, toPath: "\(folder)-before")
        try await SmallDisk.with(at: folder, "size=2m") { _ in
            try FileManager.default.copyItem(atPath: "\(folder)-before/meta.db", toPath: "\(folder)/meta.db")
            try await daemon.startAgain()
            try await body()
        }
    }

    /// Writes leases until there is no room for another one.
    private func fill(_ daemon: ContainerdDaemon) async throws -> [String] {
        try await daemon.withClient { client in
            var ids: [String] = []
            // Ever smaller, so that at last not even a small one fits.
            for size in [4000, 400, 40] {
                while true {
                    let id = "filler-\(ids.count)-\(UInt32.random(in: 0 ... .max))"
                    do {
                        try await client.createLease(id, labels: ["filler": String(repeating: "x", count: size)])
                    } catch {
                        break
                    }
                    ids.append(id)
                }
            }
            return ids
        }
    }

    private func empty(_ daemon: ContainerdDaemon, _ fillers: [String]) async throws {
        try await daemon.withClient { client in
            for id in fillers { try await client.deleteLease(id) }
        }
    }
}
