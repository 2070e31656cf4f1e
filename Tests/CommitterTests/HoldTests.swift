// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Committer
import Foundation
import Glibc
import SnapshotEngine
import TestSupport
import Testing

/// A pause on Kubernetes: captured by one container of a Job's pod, held by the other, released by the controller's word.
@Suite("A pod that is held after its commit")
struct HoldTests {
    @Test("is killed while frozen: of 64 busy processes none runs one more instruction after the captured instant")
    func pause() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let spin = try await SpinProgram(folder: "\(daemon.folder)/spin-hold", processes: 64)
        try await CommitterPod.with(megabytes: CommitterPod.tooMuchToWait, spinning: spin) { pod in
            try await spin.waitUntilAllCount()
            let hold = try HoldContainer(pod)
            let ending = try await hold.run { _ in
                #expect(try await hold.ask(.status).state == .unknown)
                pod.holding.holdOnce("PATCH", containing: "/blobs/uploads/")
                var captured: [UInt64] = []
                let committed = try await pod.commitHeld(hold.environment()) { _ in
                    // It is not complete, so this is too early.
                    #expect(try await hold.ask(.seal).state == .held)
                    #expect(try await hold.ask(.kill).state == .held)
                    try JSONEncoder().encode(spin.counters()).write(to: URL(fileURLWithPath: "\(spin.folder)/captured"))
                }
                captured = try JSONDecoder()
                    .decode([UInt64].self, from: Data(contentsOf: URL(fileURLWithPath: "\(spin.folder)/captured")))
                try #require(committed.exitStatus == 0, "\(committed.errors)")
                #expect(committed.terminationLog.contains(#""held":true"#))
                let digest = try await pod.inspect(pod.target).Digest
                #expect(try committed.containers()[0].digest == digest)
                #expect(pod.areFrozen)

                let held = try await hold.ask(.status)
                #expect(held.state == .held && held.frozenMilliseconds > 0)
                #expect(try #require(held.deadline) > Date())
                for _ in 0..<2 { #expect(try await hold.ask(.seal).state == .sealed) }
                #expect(try await hold.ask(.thaw).state == .sealed)
                #expect(pod.areFrozen)
                #expect(try await hold.ask(.kill).state == .killed)
                #expect(try spin.counters() == captured)
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(ending.terminationLog.contains(#""state":"killed""#))
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(pod.main.pid)"))
            try await hold.expectNothingLeft()
        }
    }

    @Test("is thawed on demand, twice, and then the holder ends")
    func thaw() async throws {
        try await CommitterPod.with { pod in
            let hold = try HoldContainer(pod)
            let ending = try await hold.run { _ in
                try await hold.commitHeld()
                #expect(try await hold.ask(.thaw).state == .thawed)
                #expect(!pod.isAnyFrozen)
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(ending.terminationLog.contains(#""state":"thawed""#))
            try await hold.expectNothingLeft()
        }
    }

    @Test("is thawed at the deadline")
    func deadline() async throws {
        try await CommitterPod.with { pod in
            let hold = try HoldContainer(pod)
            let ending = try await hold.run { _ in
                // On a machine that has too much to do, the deadline may be faster than the commit.
                let committed = try await hold.commit(until: 10)
                let isTooLate = committed.terminationLog.contains("STASIS_FREEZE_UNTIL")
                #expect(committed.exitStatus == 0 || isTooLate, "\(committed.errors)")
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(ending.terminationLog.contains(#""state":"thawed""#))
            try await hold.expectNothingLeft()
        }
    }

    @Test("runs again if the commit fails or is ended, and the holder ends", arguments: [false, true])
    func failure(isTerminated: Bool) async throws {
        try await CommitterPod.with(megabytes: CommitterPod.tooMuchToWait) { pod in
            let hold = try HoldContainer(pod)
            let ending = try await hold.run { _ in
                let committed = try await pod.commitHeld(hold.environment()) { process in
                    if isTerminated {
                        Glibc.kill(process, SIGTERM)
                    } else {
                        pod.holding.breakDown()
                    }
                }
                #expect(committed.exitStatus == 1)
                #expect(!pod.isAnyFrozen)
                pod.holding.repair()
                await #expect(throws: Command.Failure.self) { try await pod.inspect(pod.target) }
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            try await hold.expectNothingLeft()
        }
    }

    @Test("is committed once: the same again is told the first result as long as it is held, and later nothing")
    func again() async throws {
        try await CommitterPod.with { pod in
            let hold = try HoldContainer(pod)
            try await hold.run { _ in
                let first = try await hold.commit()
                #expect(first.exitStatus == 0, "\(first.errors)")
                let second = try await hold.commit()
                #expect(second.exitStatus == 0, "\(second.errors)")
                #expect(try second.containers().map(\.digest) == first.containers().map(\.digest))
                #expect(second.terminationLog.contains(#""held":true"#))
                #expect(!second.lines.contains { $0.contains("freezing") })
                #expect(try await hold.ask(.status).state == .held)

                // Something else under the same name is no result.
                var program = pod.program
                program.environment = hold.environment()
                let other = try await program.run(pod.name, "team", "main:\(pod.target)-other")
                #expect(other.exitStatus == 1)
                #expect(try await hold.ask(.status).state == .held)
                #expect(try await hold.ask(.thaw).state == .thawed)
            }
            // The pod runs: what was stored is no result of a pause any more.
            try await hold.run { _ in
                let third = try await hold.commit()
                #expect(third.exitStatus == 0, "\(third.errors)")
                #expect(third.lines.contains { $0.contains("freezing") })
                #expect(try await hold.ask(.thaw).state == .thawed)
            }
            try await hold.expectNothingLeft()
        }
    }

    @Test("need not be: a commit that fails before it freezes lets the holder end, and so does an early thaw")
    func nothingFrozen() async throws {
        try await CommitterPod.with { pod in
            let hold = try HoldContainer(pod)
            var ending = try await hold.run { _ in
                try await hold.waitUntilListening()
                var program = pod.program
                program.environment = hold.environment()
                let committed = try await program.run(pod.name, "team", "nobody:\(pod.target)")
                #expect(committed.exitStatus == 2, "\(committed.errors)")
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            ending = try await hold.run { _ in
                let status = try await hold.ask(.thaw)
                #expect(status.state == .thawed)
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            ending = try await hold.run(["--idle-limit", "1"])
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            try await hold.expectNothingLeft()
        }
    }

    @Test("needs to be told by whom, until when, and by what name")
    func environment() async throws {
        try await CommitterPod.with { pod in
            let hold = try HoldContainer(pod)
            for (name, value) in [
                ("STASIS_HOLD_SOCKET", ""), ("STASIS_FREEZE_UNTIL", ""), ("STASIS_FREEZE_UNTIL", "tomorrow"),
                ("STASIS_SNAPSHOT_UID", ""),
            ] {
                let committed = try await hold.commit([name: value])
                #expect(committed.exitStatus == 64, "\(name)=\(value): \(committed.errors)")
            }
            #expect(try await pod.program.run("freeze", "fly", "x").exitStatus == 64)
            #expect(try await pod.program.run("freeze", "status", "x", "--socket", hold.socket).exitStatus == 1)
            #expect(!pod.isAnyFrozen)
        }
    }
}
