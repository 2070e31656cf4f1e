// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

extension KubernetesTestbed {
    /// Runs `body` while the kubelet is stopped (SIGSTOP), and lets it go on afterwards, whatever becomes of this process.
    ///
    /// What others do on the node meanwhile is slowed by it, and the node counts as lost after 40 s: be brief. One test at a time
    /// does this, of all processes.
    public func withStoppedKubelet<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        let file = try await lock("\(folder)/run/kubelet-stop.lock")
        defer { close(file) }
        let text = try String(contentsOfFile: "\(folder)/run/kubelet.pid", encoding: .utf8)
        guard let pid = text.split(separator: " ").first.flatMap({ pid_t($0) }) else {
            throw Failure(description: "the kubelet does not run: run `make testbed`")
        }
        // In a session of its own, it outlives a test that is killed.
        try await Command.run(
            "sh",
            ["-c", "setsid sh -c 'sleep 30; kill -CONT \(pid)' </dev/null >/dev/null 2>&1 &"]
        )
        guard kill(pid, SIGSTOP) == 0 else { throw Failure(description: "the kubelet \(pid) cannot be stopped") }
        defer { _ = kill(pid, SIGCONT) }
        return try await body()
    }

    /// Locks a file as soon as nobody else has locked it.
    ///
    /// - Returns: Its descriptor; closed, it is not locked any more.
    private func lock(_ path: String) async throws -> Int32 {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(description: "\(path) cannot be opened") }
        do {
            while flock(file, LOCK_EX | LOCK_NB) != 0 { try await Task.sleep(for: .milliseconds(200)) }
        } catch {
            close(file)
            throw error
        }
        return file
    }
}
