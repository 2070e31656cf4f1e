// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import KubeModels
import Logging
import SandboxModels

import struct Foundation.Date
import class Foundation.ProcessInfo

/// Runs tasks, of which one may be active at a time, and remembers them in a folder, so that they go on while the executor is
/// started again.
actor TaskManager {
    /// How many tasks may be active.
    private static let limit = 1
    /// For how many seconds a task with a longer time limit may run: no clock counts further than some centuries.
    private static let longest = 1_000_000_000

    private let settings: TaskExecutorSettings
    private let logger: Logger
    /// Its files are read and written on a thread of its own.
    private let queue = FileQueue("tasks")
    private var tasks: [String: StoredTask] = [:]
    /// Those whose processes are to be followed.
    private let followed: AsyncStream<Followed>
    private let follow: AsyncStream<Followed>.Continuation
    /// Tells those who follow a task that it is to end.
    private var ends: [String: AsyncStream<Never>.Continuation] = [:]

    nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

    /// A task whose processes run.
    private struct Followed: Sendable {
        let name: String
        let process: ProcessIdentity
        /// When it has run for long enough.
        let limit: Date?
        /// Ends when the task is to end.
        let end: AsyncStream<Never>
    }

    init(_ settings: TaskExecutorSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        (followed, follow) = AsyncStream.makeStream()
    }

    // MARK: - What clients ask for

    /// All tasks, those that are to end last.
    var list: [ExecutorTask] {
        tasks.values.sorted {
            ($0.deletedAt != nil ? 1 : 0, $0.task.name) < ($1.deletedAt != nil ? 1 : 0, $1.task.name)
        }
        .map(\.told)
    }

    /// One task.
    ///
    /// - Throws: `TaskExecutorError` if there is none.
    func task(_ name: String) throws(TaskExecutorError) -> ExecutorTask {
        guard let stored = tasks[name] else { throw .notFound(name) }
        return stored.told
    }

    /// Runs a task.
    ///
    /// - Throws: `TaskExecutorError`.
    func create(_ task: ExecutorTask) throws(TaskExecutorError) -> ExecutorTask {
        guard tasks[task.name] == nil else { throw .failed("task \(task.name) already exists") }
        guard tasks.values.count(where: \.isActive) < Self.limit else {
            throw .failed("maximum concurrent tasks (\(Self.limit)) reached, cannot create new task")
        }
        let folder = try TaskFolder(of: task.name, in: settings.dataFolder)
        let launch = try self.launch(of: task, in: folder)
        do {
            var stored = StoredTask()
            stored.task = task
            stored.task.deletionTimestamp = nil
            stored.task.processStatus = nil
            try folder.create(for: stored)
            let shell = try launch.prepare()
            stored.process = shell.process
            stored.startedAt = MicroTime(Date())
            try folder.write(stored)
            try folder.writeProcessID(shell.process.number)
            let process = shell.process
            shell.go()
            tasks[task.name] = stored
            begin(following: stored, process)
            logger.info("task started", metadata: ["task": "\(task.name)", "pid": "\(process.number)"])
            return stored.told
        } catch {
            if folder.isOfTask { try? folder.remove() }
            throw (error as? TaskExecutorError) ?? .failed("failed to persist task: \(error)")
        }
    }

    /// Has a task end and be forgotten. One that is not there is.
    ///
    /// - Throws: `TaskExecutorError` if that could not be written down.
    func delete(_ name: String) throws(TaskExecutorError) {
        guard var stored = tasks[name] else { return }
        if stored.ending != nil { return try forget(name) }
        guard stored.deletedAt == nil else { return }
        stored.deletedAt = Timestamp(Date())
        try keep(stored)
        ends[name]?.finish()
    }

    /// Has exactly these tasks.
    ///
    /// - Returns: Those that there are.
    /// - Throws: `TaskExecutorError` when all has been tried.
    func set(_ wanted: [ExecutorTask]) throws(TaskExecutorError) -> [ExecutorTask] {
        var problems: [String] = []
        for name in tasks.keys.sorted() where !wanted.contains(where: { $0.name == name }) {
            do throws(TaskExecutorError) {
                try delete(name)
            } catch {
                problems.append("failed to delete task \(name): \(error)")
            }
        }
        for task in wanted where !task.name.isEmpty && tasks[task.name] == nil {
            do throws(TaskExecutorError) {
                _ = try create(task)
            } catch {
                problems.append("failed to create task \(task.name): \(error)")
            }
        }
        guard problems.isEmpty else { throw .failed(problems.joined(separator: "; ")) }
        return list
    }

    private func launch(of task: ExecutorTask, in folder: TaskFolder) throws(TaskExecutorError) -> TaskLaunch {
        guard task.podTemplateSpec == nil else {
            throw .failed(
                "failed to start task: container mode is not implemented; give a process in place of podTemplateSpec"
            )
        }
        guard let process = task.process else {
            throw .failed("failed to start task: process spec is required (task name: \(task.name))")
        }
        guard !process.command.isEmpty else {
            throw .failed("failed to start task: no command specified in process spec (task name: \(task.name))")
        }
        let words = process.command + process.args + process.env.flatMap { [$0.name, $0.value ?? ""] }
        guard !(words + [process.workingDir ?? ""]).contains(where: { $0.utf8.contains(0) }) else {
            throw .failed("failed to start task: a process can be told nothing that contains a NUL character")
        }
        let target = try settings.mainContainer.map { name throws(TaskExecutorError) in try SidecarTarget.find(name) }
        let inherited =
            target?.environment ?? ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }.sorted()
        let command = process.command + process.args
        let workingFolder = process.workingDir.flatMap { $0.isEmpty ? nil : $0 }
        let variables = process.env + (target == nil ? [] : [EnvVar(SidecarTarget.taskVariable, task.name)])
        return TaskLaunch(
            command: target?.command(command, in: workingFolder) ?? command,
            environment: Self.environment(inherited, adding: variables),
            workingFolder: target == nil ? workingFolder : nil,
            folder: folder
        )
    }

    private static func environment(_ inherited: [String], adding added: [EnvVar]) -> [String] {
        var variables = inherited
        for variable in added where !variable.name.isEmpty {
            variables.removeAll { $0.hasPrefix("\(variable.name)=") }
            variables.append("\(variable.name)=\(variable.value ?? "")")
        }
        return variables
    }

    private func keep(_ stored: StoredTask) throws(TaskExecutorError) {
        do {
            try TaskFolder(of: stored.task.name, in: settings.dataFolder).write(stored)
        } catch {
            throw (error as? TaskExecutorError) ?? .failed("failed to persist task: \(error)")
        }
        tasks[stored.task.name] = stored
    }

    private func forget(_ name: String) throws(TaskExecutorError) {
        do {
            try TaskFolder(of: name, in: settings.dataFolder).remove()
        } catch {
            throw (error as? TaskExecutorError) ?? .failed("failed to remove task: \(error)")
        }
        tasks[name] = nil
        ends[name] = nil
        logger.info("task forgotten", metadata: ["task": "\(name)"])
    }

    // MARK: - What becomes of processes

    /// Finds the tasks of the executor before: those that run are followed on, those that have ended are told of, and those of
    /// which nobody knows what became are dropped, so that whoever wants them runs them again.
    ///
    /// - Throws: If the folder cannot be read.
    func recover() throws {
        for name in try TaskFolder.names(in: settings.dataFolder) {
            let folder = try TaskFolder(of: name, in: settings.dataFolder)
            guard folder.isOfTask else { continue }
            guard var stored = folder.read(), stored.task.name == name else {
                logger.warning("what is written down of a task cannot be read", metadata: ["task": "\(name)"])
                continue
            }
            guard let process = stored.process else {
                // It was never begun.
                try folder.remove()
                continue
            }
            if stored.ending == nil, process.isAlive {
                tasks[name] = stored
                begin(following: stored, process)
                continue
            }
            let exitCode = folder.exitCode
            if stored.deletedAt == nil, stored.ending != nil || exitCode != nil || stored.isLate == true {
                stored.ending = stored.ending ?? stored.ended(with: exitCode, at: Timestamp(Date()))
                try keep(stored)
            } else {
                logger.info("a task is gone, and is dropped", metadata: ["task": "\(name)"])
                try folder.remove()
            }
        }
    }

    /// Follows the processes of tasks until the task is cancelled. They go on then.
    nonisolated func run() async {
        await withDiscardingTaskGroup { group in
            for await task in followed {
                group.addTask { await self.follow(task) }
            }
        }
    }

    private func begin(following stored: StoredTask, _ process: ProcessIdentity) {
        let (end, ended) = AsyncStream<Never>.makeStream()
        ends[stored.task.name] = ended
        if stored.deletedAt != nil { ended.finish() }
        let limit = stored.task.process?.timeoutSeconds.flatMap { seconds in
            stored.startedAt.map { $0.date.addingTimeInterval(Double(min(seconds, Self.longest))) }
        }
        follow.yield(Followed(name: stored.task.name, process: process, limit: limit, end: end))
    }

    private nonisolated func follow(_ task: Followed) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.end(task) }
            await task.process.waitUntilEnd()
            group.cancelAll()
        }
        guard !Task.isCancelled else { return }
        await ended(task)
    }

    /// Ends the processes of a task when it is to end, or has run for long enough.
    private nonisolated func end(_ task: Followed) async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in task.end {}
                return false
            }
            if let limit = task.limit {
                group.addTask {
                    try? await Task.sleep(for: .seconds(max(0, limit.timeIntervalSinceNow)))
                    return true
                }
            }
            let isLate = await group.next() ?? false
            if isLate, !Task.isCancelled { await self.noteLate(task.name) }
            group.cancelAll()
        }
        guard !Task.isCancelled else { return }
        task.process.signalGroup(SIGTERM)
        guard (try? await Task.sleep(for: settings.gracePeriod)) != nil else { return }
        task.process.signalGroup(SIGKILL)
    }

    /// Written down before anything is ended, so that it is known after a restart why it was.
    private func noteLate(_ name: String) {
        guard var stored = tasks[name], stored.ending == nil else { return }
        stored.isLate = true
        do {
            try keep(stored)
        } catch {
            tasks[name] = stored
            logger.error("\(error)", metadata: ["task": "\(name)"])
        }
    }

    private func ended(_ followed: Followed) {
        let name = followed.name
        guard var stored = tasks[name], stored.process == followed.process else { return }
        do {
            let folder = try TaskFolder(of: name, in: settings.dataFolder)
            let exitCode = folder.exitCode
            if stored.deletedAt != nil || stored.isLate == true || exitCode == nil {
                // What is left of its group was to end as well, or has lost the one who would note its end.
                followed.process.signalGroup(SIGKILL)
            }
            stored.ending = stored.ended(with: exitCode, at: Timestamp(Date()))
            tasks[name] = stored
            logger.info(
                "task ended",
                metadata: ["task": "\(name)", "exit": "\(stored.ending?.exitCode ?? 0)"]
            )
            if stored.deletedAt == nil { try keep(stored) } else { try forget(name) }
        } catch {
            logger.error("\(error)", metadata: ["task": "\(name)"])
        }
    }
}
