// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import KubeModels
import Subprocess
import Synchronization
import SystemPackage
import TestSupport

/// The controller's program as a process, and what it logs.
final class ControllerProcess: Sendable {
    /// It ended before it said what was awaited, or did not do what it should.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var lines: [JSONValue] = []
        var text = ""
        var pid: pid_t?
        var hasEnded = false
        var waiters: [@Sendable ([JSONValue], _ hasEnded: Bool) -> Bool] = []
    }

    private let state = Mutex(State())
    private let program: String
    private let environment: [String: String]
    private let arguments: [String]

    /// - Parameters:
    ///   - arguments: Its flags. It listens for probes on a free port and logs JSON.
    ///   - program: Its name, among the programs that were built with the tests.
    ///   - environment: Variables of its environment.
    ///   - command: What stands before the flags.
    init(
        _ arguments: [String],
        of program: String = "stasis-controller",
        environment: [String: String] = [:],
        command: String? = nil
    ) {
        self.program = program
        self.environment = environment
        let first = [command].compactMap(\.self)
        self.arguments = first + ["--zap-encoder=json", "--health-probe-bind-address=127.0.0.1:0"] + arguments
    }

    /// Everything it has printed.
    var text: String { state.withLock(\.text) }

    /// Runs it to its end. Cancelled, it is killed.
    func run() async throws -> TerminationStatus {
        let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        var variables: [Environment.Key: String?] = ["POD_NAMESPACE": nil, "KUBECONFIG": nil]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .seconds(5))]
        let result = try await Subprocess.run(
            .path(FilePath(folder.appending(path: program).path)),
            arguments: Arguments(arguments),
            environment: .inherit.updating(variables),
            platformOptions: options,
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            state.withLock { $0.pid = execution.processIdentifier.value }
            for try await line in execution.standardOutput.strings() { take(line) }
        }
        end()
        return result.terminationStatus
    }

    /// Runs it while `body` works with it.
    ///
    /// - Parameter body: Has it ended itself if it wants to know how; else it is killed.
    static func run<Result: Sendable>(
        _ arguments: [String],
        of program: String = "stasis-controller",
        environment: [String: String] = [:],
        _ body: @escaping @Sendable (ControllerProcess) async throws -> Result
    ) async throws -> Result {
        let process = ControllerProcess(arguments, of: program, environment: environment)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                do { _ = try await process.run() } catch is CancellationError {}
                return nil
            }
            group.addTask { try await body(process) }
            defer { group.cancelAll() }
            while let ended = try await group.next() {
                if let ended { return ended }
            }
            throw Failure(description: "nothing came of it")
        }
    }

    /// Sends it a signal.
    func send(_ signal: Int32) {
        state.withLock { state in
            if let pid = state.pid, !state.hasEnded { kill(pid, signal) }
        }
    }

    /// Returns what `find` finds in a line of its log, as soon as there is one.
    @discardableResult
    func first<Found: Sendable>(_ find: @escaping @Sendable (JSONValue) -> Found?) async throws -> Found {
        let found: Found? = await withCheckedContinuation { continuation in
            let look: @Sendable ([JSONValue], Bool) -> Bool = { lines, hasEnded in
                let found = lines.lazy.compactMap(find).first
                guard found != nil || hasEnded else { return false }
                continuation.resume(returning: found)
                return true
            }
            state.withLock { state in
                if !look(state.lines, state.hasEnded) { state.waiters.append(look) }
            }
        }
        guard let found else { throw Failure(description: "it ended without what was awaited:\n\(text)") }
        return found
    }

    /// Returns when it has logged a message.
    func said(_ message: String) async throws {
        try await first { $0["msg"]?.string == message ? true : nil }
    }

    /// Returns when it has ended.
    func hasEnded() async {
        await withCheckedContinuation { continuation in
            let look: @Sendable ([JSONValue], Bool) -> Bool = { _, hasEnded in
                if hasEnded { continuation.resume() }
                return hasEnded
            }
            state.withLock { state in
                if !look([], state.hasEnded) { state.waiters.append(look) }
            }
        }
    }

    /// Where it listens, once it does.
    func address(for name: String) async throws -> String {
        let address = try await first { line in
            line["msg"] == "listening" && line["for"]?.string == name ? line["address"]?.string : nil
        }
        return "127.0.0.1:\(address.split(separator: ":").last ?? "")"
    }

    private func take(_ line: String) {
        state.withLock { state in
            state.text += line
            if let value = try? JSONValue(json: line) { state.lines.append(value) }
            let lines = state.lines
            state.waiters.removeAll { $0(lines, false) }
        }
    }

    private func end() {
        state.withLock { state in
            state.hasEnded = true
            let lines = state.lines
            state.waiters.removeAll { $0(lines, true) }
        }
    }
}

/// The answer of an HTTP server.
struct HTTPAnswer: Sendable {
    let status: Int
    let body: String

    /// Asks with curl, which checks no certificate.
    init(_ url: String, token: String? = nil) async throws {
        let login = token.map { ["--header", "Authorization: Bearer \($0)"] } ?? []
        let text = try await Command.run(
            "curl",
            ["--silent", "--insecure", "--noproxy", "*", "--write-out", "\n%{http_code}"] + login + [url]
        )
        let place = text.lastIndex(of: "\n") ?? text.startIndex
        status = Int(text[place...].trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        body = String(text[..<place])
    }
}
