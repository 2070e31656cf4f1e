// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import KubeModels
import NIOCore
import NIOHTTP1
import SandboxModels
import Subprocess
import SystemPackage
import TestSupport

/// The program `stasis-task-executor` as it was built beside the tests, and a client of it.
struct ExecutorProcess: Sendable {
    let port: Int
    let folder: String
    let processID: pid_t

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static var program: String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "stasis-task-executor").path
    }

    /// Runs it while `body` works with it; then it is killed, and its tasks with it.
    ///
    /// - Parameters:
    ///   - folder: Its data folder.
    ///   - keepsTasks: Whether its tasks go on.
    static func run<Result: Sendable>(
        in folder: String,
        flags: [String] = [],
        environment: [String: String] = [:],
        keepsTasks: Bool = false,
        _ body: @escaping @Sendable (ExecutorProcess) async throws -> Result
    ) async throws -> Result {
        var variables: [Environment.Key: String?] = [:]
        for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .seconds(5))]
        defer { if !keepsTasks { killTasks(in: folder) } }
        let result = try await Subprocess.run(
            .path(FilePath(program)),
            arguments: Arguments(["-data-dir=\(folder)", "-listen-addr", "127.0.0.1:0"] + flags),
            environment: .inherit.updating(variables),
            platformOptions: options,
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution -> Result in
            var text = ""
            for try await line in execution.standardOutput.strings() {
                text += line
                guard let place = line.range(of: "port=") else { continue }
                let port = Int(line[place.upperBound...].prefix(while: \.isNumber)) ?? 0
                let executor = ExecutorProcess(
                    port: port,
                    folder: folder,
                    processID: execution.processIdentifier.value
                )
                let result = try await body(executor)
                try? execution.send(signal: .kill)
                return result
            }
            throw Failure(description: "it ended before it listened:\n\(text)")
        }
        return result.closureResult
    }

    /// Kills what an executor has started and nobody follows any more.
    private static func killTasks(in folder: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            guard let text = try? String(contentsOfFile: "\(folder)/\(name)/pid", encoding: .utf8),
                let process = pid_t(text), process > 1,
                // Its number may be another's by now.
                let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline"),
                String(decoding: words, as: UTF8.self).contains(folder)
            else { continue }
            kill(-process, SIGKILL)
        }
    }

    struct Answer: Sendable {
        let status: Int
        let text: String
        let contentType: String?
        var json: JSONValue? { try? JSONValue(json: text) }
        var tasks: [ExecutorTask] { (try? [ExecutorTask](json: text)) ?? [] }
    }

    func send(_ method: HTTPMethod, _ path: String, body: String? = nil) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        let bytes = try await response.body.collect(upTo: 16 << 20)
        return Answer(
            status: Int(response.status.code),
            text: String(buffer: bytes),
            contentType: response.headers.first(name: "content-type")
        )
    }

    /// What `/setTasks` answers.
    @discardableResult
    func set(_ tasks: [ExecutorTask]) async throws -> Answer {
        try await send(.POST, "/setTasks", body: tasks.jsonText)
    }

    /// The tasks, as soon as they are as they should be. The protocol has no way but asking again.
    @discardableResult
    func wait(until isSo: ([ExecutorTask]) -> Bool) async throws -> [ExecutorTask] {
        var last: [ExecutorTask] = []
        for _ in 0..<1200 {
            last = try await send(.GET, "/getTasks").tasks
            if isSo(last) { return last }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw Failure(description: "the tasks are still \(last.jsonText)")
    }

    /// How a task has ended, as soon as it has.
    func ending(of name: String) async throws -> ExecutorProcessStatus.Terminated {
        let tasks = try await wait { tasks in
            tasks.contains { $0.name == name && $0.processStatus?.terminated != nil }
        }
        guard let ending = tasks.first(where: { $0.name == name })?.processStatus?.terminated else {
            throw Failure(description: "\(name) is gone")
        }
        return ending
    }

    /// The number of the leader of a task's processes.
    func leader(of task: String) throws -> pid_t {
        let text = try String(contentsOfFile: "\(folder)/\(task)/pid", encoding: .utf8)
        guard let number = pid_t(text), number > 1 else { throw Failure(description: "'\(text)' is no number") }
        return number
    }
}

extension ExecutorTask {
    /// A task that runs a shell command.
    static func shell(
        _ name: String,
        _ command: String,
        env: [String: String] = [:],
        workingDir: String? = nil,
        timeout: Int? = nil
    ) -> ExecutorTask {
        .with {
            $0.name = name
            $0.process = .with {
                $0.command = ["/bin/sh", "-c", command]
                $0.env = env.sorted { $0.key < $1.key }.map { EnvVar($0.key, $0.value) }
                $0.workingDir = workingDir
                $0.timeoutSeconds = timeout
            }
        }
    }
}

/// Returns when a file is there and not empty. It is written by a process, which nobody else tells of.
func waitForFile(_ path: String) async throws -> String {
    for _ in 0..<1200 {
        if let text = try? String(contentsOfFile: path, encoding: .utf8), !text.isEmpty { return text }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw ExecutorProcess.Failure(description: "\(path) does not appear")
}

/// Returns when a process has ended, or all of a group have, if it is negative.
func waitForEnd(of process: pid_t) async throws {
    for _ in 0..<1200 {
        let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        if kill(process, 0) != 0 || status?.contains(") Z ") == true { return }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw ExecutorProcess.Failure(description: "process \(process) does not end")
}
