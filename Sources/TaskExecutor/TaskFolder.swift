// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Data
import struct Foundation.Date
import class Foundation.FileManager
import struct Foundation.URL

/// What is written down of a task: `task.json` in its folder.
struct StoredTask: JSONFields {
    /// What is to be run.
    var task = ExecutorTask()
    /// When it was asked to end; nil if it was not.
    var deletedAt: Timestamp?
    /// The leader of its processes.
    var process: ProcessIdentity?
    /// When that was started.
    var startedAt: MicroTime?
    /// Whether it ran for longer than it may, so that it is being ended.
    var isLate: Bool?
    /// How it has ended.
    var ending: ExecutorProcessStatus.Terminated?
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("task", &task)
        try fields.field("deletedAt", &deletedAt)
        try fields.field("process", &process)
        try fields.field("startedAt", &startedAt)
        try fields.field("isLate", &isLate)
        try fields.field("ending", &ending)
    }

    /// As clients are told of it.
    var told: ExecutorTask {
        var told = task
        told.deletionTimestamp = deletedAt
        told.processStatus = .with {
            if let ending {
                $0.terminated = ending
            } else {
                $0.running = .with { $0.startedAt = toldStart }
            }
        }
        return told
    }

    /// When it was started, as clients are told.
    private var toldStart: Timestamp? { startedAt.map { Timestamp($0.date) } }

    /// Whether it counts as one that runs. One that was asked to end does not, whether or not it has.
    var isActive: Bool { ending == nil && deletedAt == nil }

    /// How it has ended, now that its processes are gone.
    ///
    /// - Parameter exitCode: What the shim has written; nil if it did not live to.
    func ended(with exitCode: Int?, at now: Timestamp) -> ExecutorProcessStatus.Terminated {
        .with {
            $0.startedAt = toldStart
            $0.finishedAt = now
            if isLate == true {
                $0.exitCode = 137
                $0.reason = ExecutorProcessStatus.Terminated.Reason.timeout
                $0.message = "Task exceeded timeout of \(task.process?.timeoutSeconds ?? 0) seconds"
            } else if let exitCode {
                $0.exitCode = exitCode
                $0.reason =
                    exitCode == 0
                    ? ExecutorProcessStatus.Terminated.Reason.succeeded
                    : ExecutorProcessStatus.Terminated.Reason.failed
            } else {
                $0.exitCode = 137
                $0.reason = ExecutorProcessStatus.Terminated.Reason.crashed
                $0.message = "Process exited without writing exit code"
            }
        }
    }
}

/// The folder of a task, and the files in it: `task.json`, `pid`, `exit`, `stdout.log` and `stderr.log`.
struct TaskFolder {
    let path: String

    var exitFile: String { path + "/exit" }
    var standardOutput: String { path + "/stdout.log" }
    var standardError: String { path + "/stderr.log" }

    /// - Throws: `TaskExecutorError` if the name is none of a folder.
    init(of name: String, in folder: String) throws(TaskExecutorError) {
        guard !name.isEmpty, name != ".", name != "..", name.utf8.count <= 255, !name.contains("/"),
            !name.utf8.contains(0)
        else { throw .failed("invalid task name: '\(name)' is no name of a folder") }
        path = folder + "/" + name
    }

    /// The names of all tasks that have a folder.
    static func names(in folder: String) throws -> [String] {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// Whether it is that of a task, and not something else that is where tasks are remembered.
    var isOfTask: Bool { FileManager.default.fileExists(atPath: path + "/task.json") }

    /// Makes it anew, with nothing in it but what is known of a task.
    ///
    /// - Throws: `TaskExecutorError` if something else is there.
    func create(for stored: StoredTask) throws {
        if isOfTask { try remove() }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard try FileManager.default.contentsOfDirectory(atPath: path).isEmpty else {
            throw TaskExecutorError.failed("failed to persist task: \(path) is there, and is no folder of a task")
        }
        try write(stored)
    }

    func remove() throws { try FileManager.default.removeItem(atPath: path) }

    /// Writes down what is known of a task: all of it or nothing.
    func write(_ stored: StoredTask) throws {
        try Data(stored.json()).write(to: URL(filePath: path + "/task.json"), options: .atomic)
    }

    /// What is written down; nil if it cannot be read.
    func read() -> StoredTask? {
        guard let text = FileManager.default.contents(atPath: path + "/task.json") else { return nil }
        return try? StoredTask(json: [UInt8](text))
    }

    /// Tells people the number of the process.
    func writeProcessID(_ number: Int) throws {
        try Data(String(number).utf8).write(to: URL(filePath: path + "/pid"), options: .atomic)
    }

    /// What the shim has written; nil if it did not live to.
    var exitCode: Int? {
        guard let text = FileManager.default.contents(atPath: exitFile), text.count <= 3,
            let code = UInt8(String(decoding: text, as: UTF8.self))
        else { return nil }
        return Int(code)
    }
}
