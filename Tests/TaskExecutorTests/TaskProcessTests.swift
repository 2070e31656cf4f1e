// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import NIOHTTP1
import SandboxModels
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// What becomes of the processes of tasks, of the real program.
@Suite("The task executor's processes")
struct TaskProcessTests {
    @Test("a task has its arguments, variables and folder, and leaves its output")
    func environment() async throws {
        try await withTemporaryFolder { folder in
            let variables = ["INHERITED": "kept", "CHANGED": "old"]
            try await ExecutorProcess.run(in: folder, environment: variables) { executor in
                var task = ExecutorTask.shell(
                    "env",
                    #"echo "$INHERITED $CHANGED $ADDED $PWD $0 $1"; echo wrong >&2; cat; exit 7"#,
                    env: ["CHANGED": "new", "ADDED": "it's \"here\"", "PATH": "/nowhere:/bin:/usr/bin"],
                    workingDir: "/"
                )
                task.process?.args = ["zero", "a b\nc"]
                try await executor.set([task])
                let ending = try await executor.ending(of: "env")
                #expect(ending.exitCode == 7 && ending.reason == "Failed")
                #expect(ending.startedAt != nil && ending.finishedAt != nil)
                let output = try String(contentsOfFile: "\(folder)/env/stdout.log", encoding: .utf8)
                #expect(output == "kept new it's \"here\" / zero a b\nc\n")
                #expect(try String(contentsOfFile: "\(folder)/env/stderr.log", encoding: .utf8) == "wrong\n")
                #expect(try String(contentsOfFile: "\(folder)/env/exit", encoding: .utf8) == "7")

                // What cannot be found is said where its output is.
                try await executor.set([
                    .with {
                        $0.name = "missing"
                        $0.process = .with { $0.command = ["/no/such/program"] }
                    }
                ])
                #expect(try await executor.ending(of: "missing").exitCode == 127)
                // A command of its shell, too, ends the task and not its record.
                try await executor.set([
                    .with {
                        $0.name = "word"
                        $0.process = .with { $0.command = ["exit", "5"] }
                    }
                ])
                #expect(try await executor.ending(of: "word").exitCode == 5)
            }
        }
    }

    @Test("one that takes too long ends with 137, whether or not it listens to SIGTERM")
    func timeout() async throws {
        try await withTemporaryFolder { folder in
            try await ExecutorProcess.run(in: folder) { executor in
                try await executor.set([.shell("quick", "exit 0", timeout: 100)])
                #expect(try await executor.ending(of: "quick").exitCode == 0)

                let file = folder + ".asked"
                defer { try? FileManager.default.removeItem(atPath: file) }
                try await executor.set([
                    .shell("slow", "trap 'echo asked > \(file); exit 0' TERM; while :; do sleep 0.1; done", timeout: 1)
                ])
                let slow = try await executor.ending(of: "slow")
                #expect(slow.exitCode == 137 && slow.reason == "TaskTimeout")
                #expect(slow.message == "Task exceeded timeout of 1 seconds")
                #expect(try await waitForFile(file) == "asked\n")

                // It is killed after ten seconds.
                try await executor.set([.shell("deaf", "trap '' TERM; while :; do sleep 0.1; done", timeout: 1)])
                let leader = try executor.leader(of: "deaf")
                let deaf = try await executor.ending(of: "deaf")
                #expect(deaf.exitCode == 137 && deaf.reason == "TaskTimeout")
                try await waitForEnd(of: -leader)
            }
        }
    }

    @Test("one whose processes are killed has failed, and says how")
    func crash() async throws {
        try await withTemporaryFolder { folder in
            try await ExecutorProcess.run(in: folder) { executor in
                let file = folder + ".pid"
                defer { try? FileManager.default.removeItem(atPath: file) }
                // The command alone: the shell notes what it has ended with.
                try await executor.set([.shell("command", "echo $$ > \(file); exec sleep 1000")])
                let command = try #require(pid_t(try await waitForFile(file).dropLast()))
                kill(command, SIGKILL)
                let killed = try await executor.ending(of: "command")
                #expect(killed.exitCode == 137 && killed.reason == "Failed")

                // The shell alone: nobody notes it, and the command is not left behind.
                try await executor.set([.shell("shell", "sleep 1000")])
                let shell = try executor.leader(of: "shell")
                kill(shell, SIGKILL)
                #expect(try await executor.ending(of: "shell").reason == "ProcessCrashed")
                try await waitForEnd(of: -shell)

                // The shell with it: nobody does.
                try await executor.set([.shell("all", "sleep 1000")])
                kill(-(try executor.leader(of: "all")), SIGKILL)
                let crashed = try await executor.ending(of: "all")
                #expect(crashed.exitCode == 137 && crashed.reason == "ProcessCrashed")
            }
        }
    }

    @Test("an executor that was killed finds its tasks again: those that run, have ended, and are to end")
    func restart() async throws {
        try await withTemporaryFolder { folder in
            let count = folder + ".count"
            defer { try? FileManager.default.removeItem(atPath: count) }
            let leader = try await ExecutorProcess.run(in: folder, keepsTasks: true) { executor in
                try await executor.set([.shell("done", "exit 4")])
                _ = try await executor.ending(of: "done")
                try await executor.set([
                    .shell("done", "exit 4"), .shell("runs", "echo x >> \(count); sleep 1000"),
                ])
                _ = try await waitForFile(count)
                return try executor.leader(of: "runs")
            }
            try await ExecutorProcess.run(in: folder, keepsTasks: true) { executor in
                let tasks = try await executor.send(.GET, "/getTasks").tasks
                #expect(tasks.map(\.name) == ["done", "runs"])
                #expect(tasks.first?.processStatus?.terminated?.exitCode == 4)
                #expect(tasks.last?.state == .running)
                #expect(try executor.leader(of: "runs") == leader)
                // It still counts as the active one, and is followed on.
                let refused = try await executor.send(
                    .POST,
                    "/tasks",
                    body: ExecutorTask.shell("more", "true").jsonText
                )
                #expect(refused.status == 500)
            }
            // It ends while nobody is there, and leaves no word.
            kill(-leader, SIGKILL)
            try await waitForEnd(of: -leader)
            try await ExecutorProcess.run(in: folder, keepsTasks: true) { executor in
                #expect(try await executor.send(.GET, "/getTasks").tasks.map(\.name) == ["done"])
                // So it is run again.
                try await executor.set([.shell("runs", "echo x >> \(count); exec sleep 2")])
                try await executor.wait { $0.first?.state == .running }
                _ = try executor.leader(of: "runs")
                // This one leaves its word while nobody is there.
            }
            try await waitUntilExitIsWritten(of: "runs", in: folder)
            try await ExecutorProcess.run(in: folder) { executor in
                let told = try await executor.send(.GET, "/getTasks").tasks.first
                #expect(told?.processStatus?.terminated?.exitCode == 0)
                #expect(told?.processStatus?.terminated?.reason == "Succeeded")
                #expect(try String(contentsOfFile: count, encoding: .utf8) == "x\nx\n")
            }
        }
    }

    private func waitUntilExitIsWritten(of task: String, in folder: String) async throws {
        _ = try await waitForFile("\(folder)/\(task)/exit")
    }

    @Test("a time limit that passes while no executor is there counts when one is, and nothing is taken for a task")
    func restartedLimit() async throws {
        try await withTemporaryFolder { folder in
            let leader = try await ExecutorProcess.run(in: folder, keepsTasks: true) { executor in
                try await executor.set([.shell("late", "sleep 1000", timeout: 1)])
                return try executor.leader(of: "late")
            }
            // What is in the folder and cannot be read, or names a process that is another one now.
            for (name, text) in [
                ("broken", "{"), ("empty", ""),
                ("other", #"{"task":{"name":"other","process":{"command":["x"]}},"process":{"number":1,"start":1}}"#),
                (
                    "reused",
                    #"{"task":{"name":"reused","process":{"command":["x"]}},"process":{"number":\#(getpid()),"start":1}}"#
                ),
            ] {
                try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
                try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)/task.json"))
            }
            try FileManager.default.createDirectory(atPath: "\(folder)/letters", withIntermediateDirectories: true)
            try Data("dear".utf8).write(to: URL(filePath: "\(folder)/letters/letter"))
            try await ExecutorProcess.run(in: folder) { executor in
                let late = try await executor.ending(of: "late")
                #expect(late.exitCode == 137 && late.reason == "TaskTimeout")
                try await waitForEnd(of: -leader)
                #expect(try await executor.send(.GET, "/getTasks").tasks.map(\.name) == ["late"])
                // Nothing is deleted that is not known to be a task's.
                let left = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
                #expect(left == ["broken", "empty", "late", "letters"])
                let refused = try await executor.set([.shell("letters", "true")])
                #expect(refused.status == 500 && refused.text.contains("is no folder of a task"))
                #expect(FileManager.default.fileExists(atPath: "\(folder)/letters/letter"))
                try await executor.set([.shell("empty", "exit 0", timeout: .max)])
                #expect(try await executor.ending(of: "empty").exitCode == 0)
            }
        }
    }

    @Test("in sidecar mode tasks run in the namespaces of the main container, with its variables")
    func sidecar() async throws {
        try await withTemporaryFolder { folder in
            let main = "main-\(UInt32.random(in: 0 ... .max))"
            let flags = ["-enable-sidecar-mode", "--main-container-name", main]
            try await ExecutorProcess.run(in: folder, flags: flags) { executor in
                let alone = try await executor.set([.shell("early", "true")])
                #expect(alone.status == 500 && alone.text.contains("failed to resolve target PID"))

                let ready = folder + ".ready"
                defer { try? FileManager.default.removeItem(atPath: ready) }
                // A main container in little: a folder that only it sees, and a name of its own.
                let script = """
                    mount -t tmpfs none /mnt && echo inside > /mnt/file && hostname box && echo 1 > \(ready) && exec sleep 1000
                    """
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        var options = PlatformOptions()
                        options.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .seconds(5))]
                        _ = try await Subprocess.run(
                            .name("unshare"),
                            arguments: ["--mount", "--uts", "/bin/sh", "-c", script],
                            environment: .inherit.updating(["SANDBOX_MAIN_CONTAINER": main, "OF_MAIN": "yes"]),
                            platformOptions: options,
                            output: .discarded
                        )
                    }
                    _ = try await waitForFile(ready)
                    try await executor.set([
                        .shell(
                            "in",
                            #"cat file; hostname; echo "$OF_MAIN $OWN"; exit 9"#,
                            env: ["OWN": "too"],
                            workingDir: "/mnt"
                        )
                    ])
                    #expect(try await executor.ending(of: "in").exitCode == 9)
                    let output = try String(contentsOfFile: "\(folder)/in/stdout.log", encoding: .utf8)
                    #expect(output == "inside\nbox\nyes too\n")
                    try await executor.set([.shell("stop", "sleep 1000")])
                    let leader = try executor.leader(of: "stop")
                    try await executor.set([])
                    try await executor.wait(until: \.isEmpty)
                    try await waitForEnd(of: -leader)
                    group.cancelAll()
                }
            }
        }
    }

    @Test("flags that make no sense end it with 64, and what it is told is found in the environment too")
    func flags() async throws {
        for flag in ["--listen-addr=nowhere", "-no-such-flag", "--enable-sidecar-mode=perhaps"] {
            let result = try await Subprocess.run(
                .path(FilePath(ExecutorProcess.program)),
                arguments: [flag],
                output: .discarded,
                error: .discarded
            )
            #expect(result.terminationStatus == .exited(64), "\(flag)")
        }
        try await withTemporaryFolder { folder in
            // Those of OpenSandbox's that nothing comes of.
            let flags = ["-log-max-size=5", "-log-max-backups", "3", "--log-max-age=1", "-log-dir=x", "-cri-socket=y"]
            try await ExecutorProcess.run(in: folder, flags: flags) { executor in
                #expect(try await executor.send(.GET, "/health").status == 200)
                // Told to end, it does, and is not missed by its tasks.
                try await executor.set([.shell("stays", "sleep 1000")])
                kill(executor.processID, SIGTERM)
                try await waitForEnd(of: executor.processID)
                #expect(kill(try executor.leader(of: "stays"), 0) == 0)
            }
        }
    }

    @Test("is installed into a folder, from where it runs without the libraries of its image")
    func installation() async throws {
        try await withTemporaryFolder { folder in
            _ = try await Command.run("env", [ExecutorProcess.program, "install", "\(folder)/opt"])
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/opt/lib")
            #expect(files.contains { $0.hasPrefix("ld-linux") } && files.contains("libc.so.6"))
            let said = try await Command.run("env", ["\(folder)/opt/stasis-task-executor", "--help"])
            #expect(said.contains("USAGE: stasis-task-executor"))
        }
    }
}
