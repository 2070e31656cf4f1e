// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// One run of the program `stasis-server` as it was built beside the tests.
///
/// Whoever starts one ends it; what is left when the tests' process dies, containerd's watchdog ends, because the path of
/// the configuration is in containerd's folder.
final class ServerProcess: Sendable {
    /// How a process ended.
    enum Ending: Sendable, Hashable {
        case exited(Int32), killed(Int32)
    }

    let processID: pid_t
    private let ending: Task<Ending, Never>
    private let hasEnded = Flag()

    /// Set once the last of a process's threads is gone; before that its files may still be open.
    private final class Flag: Sendable {
        private let value = Atomic(false)
        func set() { value.store(true, ordering: .releasing) }
        var isSet: Bool { value.load(ordering: .acquiring) }
    }

    /// Starts the program.
    ///
    /// - Parameters:
    ///   - configuration: The path of its configuration.
    ///   - log: What it prints is appended here.
    ///   - environment: Variables besides those of this process.
    init(configuration: String, log: String, environment: [String: String]) throws {
        let bin = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let program = bin.appending(path: "stasis-server").path
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Signals that this process's threads block would stay blocked.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        var variables = ProcessInfo.processInfo.environment
        variables.merge(environment) { $1 }
        var processID: pid_t = 0
        let arguments = Self.cStrings([program, "--config", configuration])
        let settings = Self.cStrings(variables.map { "\($0)=\($1)" })
        defer { for string in arguments + settings { free(string) } }
        let code = posix_spawn(&processID, program, &actions, &attributes, arguments, settings)
        guard code == 0 else { throw Testbed.Failure("\(program) does not start: \(String(cString: strerror(code)))") }
        self.processID = processID
        let hasEnded = hasEnded
        ending = Task { [processID] in
            let ending = await Self.wait(processID)
            hasEnded.set()
            return ending
        }
    }

    /// Waits for its end.
    func end() async -> Ending { await ending.value }

    /// Ends it at once, as the kernel's out-of-memory killer does.
    func killAndWait() async {
        Glibc.kill(processID, SIGKILL)
        _ = await end()
    }

    /// Asks it to end, and waits until it has.
    @discardableResult
    func terminate() async -> Ending {
        Glibc.kill(processID, SIGTERM)
        return await end()
    }

    /// Whether anything of it still runs.
    var isAlive: Bool { !hasEnded.isSet }

    /// The process that holds freezes for it, if that is one of its own.
    var holder: pid_t? {
        ProcessStatus.children(of: processID).first { ProcessStatus.arguments(of: $0).dropFirst().first == "hold" }
    }

    private static func cStrings(_ strings: [String]) -> [UnsafeMutablePointer<CChar>?] {
        strings.map { strdup($0) } + [nil]
    }

    private static func wait(_ processID: pid_t) async -> Ending {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var status: Int32 = 0
                while waitpid(processID, &status, 0) < 0, errno == EINTR {}
                let signal = status & 0x7f
                continuation.resume(returning: signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal))
            }
        }
    }
}

/// What the kernel tells of a process.
struct ProcessStatus {
    /// When it began, in clock ticks since the machine did: with the number it names a process for ever.
    var started: UInt64
    var isAlive: Bool
    /// The most memory that it has had at once, in KiB.
    var peakMemory: Int

    /// Nil if there is no such process.
    init?(_ processID: pid_t) {
        guard let stat = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8),
            let close = stat.lastIndex(of: ")"),
            let status = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        else { return nil }
        let fields = stat[stat.index(close, offsetBy: 2)...].split(separator: " ")
        guard fields.count > 19 else { return nil }
        isAlive = fields[0] != "Z" && fields[0] != "X"
        started = UInt64(fields[19]) ?? 0
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        peakMemory = peak.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    static func children(of processID: pid_t) -> [pid_t] {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/task")) ?? []
        return threads.flatMap { thread in
            let text = try? String(contentsOfFile: "/proc/\(processID)/task/\(thread)/children", encoding: .utf8)
            return (text ?? "").split(separator: " ").compactMap { pid_t($0) }
        }
    }

    static func arguments(of processID: pid_t) -> [String] {
        let line = FileManager.default.contents(atPath: "/proc/\(processID)/cmdline") ?? Data()
        return line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}
