// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Synchronization

import class Foundation.Thread

/// A holder's process, as its parent sees it.
///
/// It has a session of its own, so that a Ctrl-C for the parent is none for it, and of the parent's descriptors only
/// stderr. A thread waits for its end from its beginning, so that it never stays behind as a zombie.
final class HolderProcess: Sendable {
    /// Its number.
    let processID: pid_t
    /// Opened when it has ended.
    let ended = Latch()
    /// Whether its number may name another process by now.
    private let isReaped = Mutex(false)

    /// Why it could not be started.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ what: String, _ code: Int32) {
            description = "\(what): \(String(cString: strerror(code)))"
        }
    }

    private init(processID: pid_t) {
        self.processID = processID
    }

    /// Starts a process.
    ///
    /// - Parameters:
    ///   - executable: The program's file.
    ///   - arguments: Its arguments, from its name on.
    /// - Returns: The process, and this end of the socket that is its standard input and output. The caller closes it.
    static func start(
        _ executable: String,
        arguments: [String]
    ) async throws -> (process: HolderProcess, socket: CInt) {
        let ends = try socketPair()
        do {
            let process = try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<HolderProcess, any Error>) in
                // Starting a program waits until it is read; then the thread waits for its end.
                Thread.detachNewThread {
                    let process: HolderProcess
                    do {
                        process = HolderProcess(processID: try spawn(executable, arguments, channel: ends.theirs))
                        close(ends.theirs)
                    } catch {
                        close(ends.theirs)
                        return continuation.resume(throwing: error)
                    }
                    continuation.resume(returning: process)
                    process.reap()
                }
            }
            return (process, ends.ours)
        } catch {
            close(ends.ours)
            throw error
        }
    }

    /// Ends it as by kill -9, if it still runs.
    func kill() {
        isReaped.withLock { isReaped in
            if !isReaped { _ = Glibc.kill(processID, SIGKILL) }
        }
    }

    private func reap() {
        var information = siginfo_t()
        // Until it is reaped its number stays its own.
        while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        isReaped.withLock { isReaped in
            while waitpid(processID, nil, 0) < 0, errno == EINTR {}
            isReaped = true
        }
        ended.open()
    }

    private static func socketPair() throws -> (ours: CInt, theirs: CInt) {
        var ends: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Failure("a pair of sockets", errno) }
        return (ends[0], ends[1])
    }

    private static func spawn(_ executable: String, _ arguments: [String], channel: CInt) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, channel, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, channel, STDOUT_FILENO)
        clinux_spawn_close_from(&actions, STDERR_FILENO + 1)

        // Signals that this process blocks or ignores would stay blocked and ignored.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | clinux_spawn_new_session
        )

        let copies = arguments.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        var processID: pid_t = 0
        let code = posix_spawn(&processID, executable, &actions, &attributes, copies + [nil], environ)
        guard code == 0 else { throw Failure(executable, code) }
        return processID
    }
}
