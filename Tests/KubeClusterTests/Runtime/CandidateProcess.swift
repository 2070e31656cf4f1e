// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// Candidates for leadership, each a process, and what they say.
final class CandidateGroup: Sendable {
    struct Line: Sendable {
        var identity: String
        var what: String
        var term: Int
        var time: Int
    }

    private struct State {
        var lines: [Line] = []
        var pids: [String: pid_t] = [:]
        var waiters: [@Sendable ([Line]) -> Bool] = []
    }

    private let state = Mutex(State())
    private let arguments: [String]

    /// - Parameter arguments: those of the program, before the identity and after it.
    init(kubeconfig: String, namespace: String, lease: String, timing: [String]) {
        arguments = [kubeconfig, namespace, lease] + timing
    }

    var lines: [Line] { state.withLock { $0.lines } }

    /// Runs a candidate until it ends. Cancelled, it is killed.
    func run(_ identity: String) async throws {
        let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        var arguments = arguments
        arguments.insert(identity, at: 3)
        _ = try await Subprocess.run(
            .path(FilePath(folder.appending(path: "kube-candidate").path)),
            arguments: Arguments(arguments),
            input: .none,
            output: .sequence,
            error: .discarded
        ) { execution in
            state.withLock { $0.pids[identity] = execution.processIdentifier.value }
            for try await text in execution.standardOutput.strings() {
                let words = text.split(whereSeparator: \.isWhitespace)
                guard words.count == 3, let term = Int(words[1]), let time = Int(words[2]) else { continue }
                say(Line(identity: identity, what: String(words[0]), term: term, time: time))
            }
        }
        state.withLock { $0.pids[identity] = nil }
    }

    /// Sends a signal to a candidate.
    func send(_ signal: Int32, to identity: String) {
        state.withLock { state in
            if let pid = state.pids[identity] { kill(pid, signal) }
        }
    }

    /// Returns what `find` finds in what was said, as soon as it finds something.
    func first<Result: Sendable>(_ find: @escaping @Sendable ([Line]) -> Result?) async -> Result {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if let found = find(state.lines) {
                    continuation.resume(returning: found)
                } else {
                    state.waiters.append { lines in
                        guard let found = find(lines) else { return false }
                        continuation.resume(returning: found)
                        return true
                    }
                }
            }
        }
    }

    private func say(_ line: Line) {
        state.withLock { state in
            state.lines.append(line)
            let lines = state.lines
            state.waiters.removeAll { $0(lines) }
        }
    }
}
