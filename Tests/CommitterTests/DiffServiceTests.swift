// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import Committer

/// Commits by a process that sees nothing of the node but containerd's socket, as upstream's controllers start it.
@Suite("A committer with containerd's socket alone")
struct DiffServiceTests {
    private static func program(_ pod: CommitterPod, losing capabilities: String) -> CommitterProgram {
        var program = pod.program
        program.launcher = ["setpriv", "--bounding-set=\(capabilities)", "--inh-caps=\(capabilities)"]
        return program
    }

    @Test("has containerd make the layer, says so, and leaves nothing behind")
    func fallsBack() async throws {
        try await CommitterPod.with { pod in
            let file = "/proc/\(pod.main.pid)/root/root/data"
            _ = try await Command.run("chown", ["1000:1000", file])
            _ = try await Command.run("chmod", ["600", file])
            let program = Self.program(pod, losing: "-all")
            let ending = try await program.run("commit", pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(ending.errors.contains("diff service"))
            #expect(ending.terminationLog.contains("\"remark\":\"It was read through containerd's diff service"))
            let image = try await RegistryReader.read(pod.direct(pod.target))
            #expect(image["root/data"]?.text == "precious\n")
            #expect(!pod.isAnyFrozen)
            let left = try await pod.daemon.ctr("snapshots", "ls") + pod.daemon.ctr("leases", "ls")
            #expect(!left.contains("stasis-diff"), "\(left)")

            // What was committed so can be committed again.
            let again = try await program.run("commit", pod.name, "team", "main:\(pod.target)2")
            #expect(again.exitStatus == 0, "\(again.errors)")
        }
    }

    @Test("with some of its capabilities, but not all, refuses before anything is frozen")
    func failsClosed() async throws {
        try await CommitterPod.with { pod in
            let program = Self.program(pod, losing: "-sys_admin")
            let ending = try await program.run("commit", pod.name, "team", "main:\(pod.target)")
            #expect(ending.exitStatus == 1)
            #expect(ending.terminationLog.contains("NotPermitted"), "\(ending.terminationLog)")
            #expect(ending.terminationLog.contains("CAP_SYS_ADMIN"), "\(ending.terminationLog)")
            #expect(!pod.isAnyFrozen)
        }
    }
}
