// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SnapshotEngine
import TestSupport
import Testing

/// Whoever else comes to the socket, and what was left there.
@Suite("The socket of a hold")
struct HoldClientTests {
    /// Runs a Python program that has a connection to the holder as `s`.
    private func connect(_ hold: HoldContainer, as user: UInt32 = 0, _ program: String) async throws -> String {
        let lines = [
            "import os, socket, sys, time", "os.setuid(\(user))", "s = socket.socket(socket.AF_UNIX)",
            "s.settimeout(60)",
            "s.connect(sys.argv[1])", program,
        ]
        return try await Command.run("python3", ["-c", lines.joined(separator: "\n"), hold.socket])
    }

    @Test("is for its own user, and whoever sends nonsense or nothing changes nothing for the others")
    func hostile() async throws {
        try await CommitterPod.with { pod in
            let hold = try HoldContainer(pod)
            let ending = try await hold.run { _ in
                try await hold.commitHeld()
                var status = stat()
                #expect(stat(hold.socket, &status) == 0 && status.st_mode & 0o777 == 0o600)
                // It hangs until the holder ends.
                async let silent = connect(hold, "s.recv(99)\ns.settimeout(600)\nprint(len(s.recv(99)))")
                // It asks for more than it reads.
                async let deaf = connect(
                    hold,
                    """
                    try:
                        s.settimeout(2)
                        while True: s.sendall(b'{"number":1,"order":{"ping":{}}}\\n' * 1000)
                    except OSError: print("full")
                    """
                )
                for nonsense in [#"b"\n""#, #"b"{}\n""#, #"os.urandom(5000)+b"\n""#, #"b"x"*300000"#, "b'{'"] {
                    let answer = try await connect(
                        hold,
                        """
                        try:
                            s.sendall(\(nonsense)); s.shutdown(1)
                            while s.recv(4096): pass
                        except OSError: pass
                        print("ended")
                        """
                    )
                    #expect(answer == "ended\n")
                }
                // What a stranger begins ends with him; that of the commit does not.
                let freeze =
                    #"b'{"number":1,"order":{"freeze":{"id":"x","owner":"","containers":["\#(pod.main.id)"],"deadline":9}}}\n'"#
                let refused = try await connect(
                    hold,
                    "s.sendall(\(freeze))\nt=''\nwhile t.count('\\n')<2: t+=s.recv(4096).decode()\nprint(t)"
                )
                #expect(refused.contains("failed"), "\(refused)")
                // Two at once.
                async let one = hold.ask(.status)
                async let two = hold.ask(.status)
                let states = try await [one.state, two.state]
                #expect(states == [.held, .held])

                chmod(hold.socket, 0o777)
                chmod(URL(fileURLWithPath: hold.socket).deletingLastPathComponent().path, 0o755)
                let stranger = try? await connect(hold, as: 65534, "print(len(s.recv(99)))")
                #expect(stranger == nil || stranger == "0\n")
                #expect(pod.areFrozen)

                #expect(try await hold.ask(.thaw).state == .thawed)
                #expect(try await silent == "0\n")
                #expect(try await deaf == "full\n")
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            try await hold.expectNothingLeft()
        }
    }

    @Test("is taken over from a holder that died, and not from one that lives")
    func leftovers() async throws {
        try await CommitterPod.with { pod in
            let hold = try HoldContainer(pod)
            _ = try await hold.run { holder in
                try await hold.waitUntilListening()
                Glibc.kill(holder, SIGKILL)
            }
            #expect(FileManager.default.fileExists(atPath: hold.socket))
            let ending = try await hold.run { _ in
                try await hold.waitUntilListening()
                let other = try await hold.run()
                #expect(other.exitStatus == 1)
                #expect(other.errors.contains("another holder"), "\(other.errors)")
                try await hold.commitHeld()
                #expect(try await hold.ask(.thaw).state == .thawed)
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            try await hold.expectNothingLeft()
        }
    }

    @Test("tells one thing to all who seal at the deadline")
    func sealAtDeadline() async throws {
        for lead in [-0.9, -0.6, -0.4] {
            try await CommitterPod.with { pod in
                let hold = try HoldContainer(pod)
                let ending = try await hold.run { _ in
                    let committed = try await hold.commit(until: 12)
                    // On a machine that has too much to do, the deadline may be faster than the commit.
                    guard committed.exitStatus == 0 else { return }
                    let deadline = try await hold.askIfThere(.status)?.deadline ?? Date()
                    try await Task.sleep(for: .seconds(max(0, deadline.timeIntervalSinceNow + lead)))
                    let states = await withTaskGroup(of: FreezeStatus.State?.self) { group in
                        for number in 0..<6 {
                            group.addTask {
                                try? await Task.sleep(for: .milliseconds(40 * number))
                                return try? await hold.askIfThere(.seal)?.state
                            }
                        }
                        return await group.reduce(into: []) { $0.append($1) }
                    }
                    // Nobody answers any more when all is over.
                    let known = Set(states.compactMap(\.self))
                    print("seal at the deadline: \(states.map { $0?.rawValue ?? "-" })")
                    #expect(known.count <= 1, "\(states)")
                    if known == [.sealed] {
                        #expect(!states.contains(nil) && pod.areFrozen)
                        #expect(try await hold.ask(.kill).state == .killed)
                    } else {
                        #expect(known.isSubset(of: [.thawed]))
                    }
                }
                #expect(ending.exitStatus == 0, "\(ending.errors)")
                try await hold.expectNothingLeft()
            }
        }
    }
}
