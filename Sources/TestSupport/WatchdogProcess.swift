// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import Glibc
import Synchronization

/// The watchdog's process: a shell in a session of its own, told what to do through a pipe.
final class WatchdogProcess: Sendable {
    private struct State {
        var orders: Int32
        var answers: Int32
        var hasEnded = false
    }

    private let pid: pid_t
    private let state: Mutex<State>

    init(folder: String, notifySocket: String) throws {
        let orders = try Self.makePipe()
        let answers = try Self.makePipe()
        defer {
            close(orders.read)
            close(answers.write)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, orders.read, 0)
        posix_spawn_file_actions_adddup2(&actions, answers.write, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "\(folder)/watchdog.log", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // It lives long: whoever reads from a pipe that it had would never see the end.
        clinux_spawn_close_from(&actions, 3)
        // The signals that this process's threads block would stay blocked: the shell would never see a child's end.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }

        // A session of its own: Ctrl-C ends the tests, and the watchdog then cleans up.
        let arguments = [
            "setsid", "sh", "-c", ContainerdWatchdog.script, "containerd-watchdog", folder,
            ContainerdWatchdog.folderPrefix,
        ]
        var environment = ProcessInfo.processInfo.environment
        environment["NOTIFY_SOCKET"] = notifySocket
        var pid: pid_t = 0
        let result = Self.withCStrings(arguments) { arguments in
            Self.withCStrings(environment.map { "\($0)=\($1)" }) { environment in
                posix_spawn(&pid, "/usr/bin/setsid", &actions, &attributes, arguments, environment)
            }
        }
        guard result == 0 else {
            close(orders.write)
            close(answers.read)
            throw ContainerdDaemon.Failure(
                description: "the watchdog cannot be started: \(String(cString: strerror(result)))"
            )
        }
        self.pid = pid
        self.state = Mutex(State(orders: orders.write, answers: answers.read))
    }

    /// Closes the pipe and waits until everything is cleaned up.
    func end() async {
        let isFirst = state.withLock { state in
            guard !state.hasEnded else { return false }
            state.hasEnded = true
            close(state.orders)
            close(state.answers)
            return true
        }
        guard isFirst else { return }
        let pid = pid
        await Self.onOwnThread {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        }
    }

    /// Sends an order and waits for its answer.
    func order(_ order: String, answer: String) async throws {
        let (orders, answers) = state.withLock { ($0.orders, $0.answers) }
        let line = order + "\n"
        guard write(orders, line, line.utf8.count) == line.utf8.count else {
            throw ContainerdDaemon.Failure(description: "the watchdog is gone")
        }
        let reply = await Self.onOwnThread {
            var reply: [UInt8] = []
            var byte: UInt8 = 0
            while read(answers, &byte, 1) == 1, byte != UInt8(ascii: "\n") {
                reply.append(byte)
            }
            return String(decoding: reply, as: UTF8.self)
        }
        guard reply == answer else {
            throw ContainerdDaemon.Failure(description: "the watchdog answered \"\(reply)\" to \(order)")
        }
    }

    static func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }

    /// Close-on-exec: another child that had the pipe would keep the watchdog from noticing the end.
    private static func makePipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw ContainerdDaemon.Failure(description: "no pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        return (ends[0], ends[1])
    }

    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
