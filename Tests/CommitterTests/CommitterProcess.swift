// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// Ending a committer and the process that holds its freeze, which is its only child.
enum CommitterProcess {
    /// Who is ended.
    enum Victim: CaseIterable, Sendable {
        case committer
        case holder
        case both
    }

    /// As by kill -9.
    static func kill(_ pid: pid_t, _ victim: Victim) throws {
        if victim != .committer {
            // Stopped, it cannot do anything about its holder's end.
            if victim == .both { Glibc.kill(pid, SIGSTOP) }
            for child in try children(of: pid) { Glibc.kill(child, SIGKILL) }
        }
        if victim != .holder { Glibc.kill(pid, SIGKILL) }
    }

    /// The processes that a process has started and that have not ended.
    static func children(of pid: pid_t) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").flatMap { thread in
            // A thread may end while we look.
            ((try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/children", encoding: .utf8)) ?? "")
                .split(separator: " ").compactMap { pid_t($0) }
        }
    }
}
