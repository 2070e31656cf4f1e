// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import NIOHTTP1
import SandboxModels
import TestSupport
import Testing

/// Each route and code of the protocol, of the real program.
@Suite("The task executor's protocol")
struct TaskProtocolTests {
    @Test("answers each route with its code and body")
    func routes() async throws {
        try await withTemporaryFolder { folder in
            try await ExecutorProcess.run(in: folder) { executor in
                let health = try await executor.send(.GET, "/health")
                #expect(health.status == 200 && health.text == #"{"status":"healthy"}"#)
                #expect(health.contentType == "application/json")
                #expect(try await executor.send(.GET, "/getTasks").text == "[]")

                let created = try await executor.send(
                    .POST,
                    "/tasks",
                    body: ExecutorTask.shell("one", "sleep 1000").jsonText
                )
                #expect(created.status == 201)
                #expect(created.json?["processStatus"]?["running"]?["startedAt"]?.string != nil)
                let again = try await executor.send(
                    .POST,
                    "/tasks",
                    body: ExecutorTask.shell("one", "sleep 1000").jsonText
                )
                #expect(again.status == 500 && again.json?["code"] == "Internal Server Error")
                #expect(again.json?["message"] == "failed to create task: task one already exists")

                let one = try await executor.send(.GET, "/tasks/one")
                #expect(one.status == 200 && one.json?["name"] == "one")
                let none = try await executor.send(.GET, "/tasks/two")
                #expect(none.status == 404 && none.json?["code"] == "Not Found")
                #expect(none.json?["message"]?.string?.hasPrefix("task not found: ") == true)

                // One that runs is asked to end, and is there until it has.
                #expect(try await executor.send(.DELETE, "/tasks/two").status == 204)
                let deleted = try await executor.send(.DELETE, "/tasks/one")
                #expect(deleted.status == 204 && deleted.text.isEmpty)
                try await executor.wait(until: \.isEmpty)
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/one"))

                // One that has ended is forgotten at once.
                try await executor.set([.shell("short", "exit 0")])
                _ = try await executor.ending(of: "short")
                let cleared = try await executor.send(.POST, "/setTasks", body: "[]")
                #expect(cleared.status == 200 && cleared.text == "[]")
                #expect(try await executor.send(.POST, "/setTasks", body: "null").status == 200)
                #expect(try await executor.send(.GET, "/nothing").status == 404)
            }
        }
    }

    @Test("refuses what makes no sense, and goes on")
    func hostileBodies() async throws {
        try await withTemporaryFolder { folder in
            try await ExecutorProcess.run(in: folder) { executor in
                let command = #""process":{"command":["true"]}"#
                let refused: [(path: String, body: String, status: Int, part: String)] = [
                    ("/setTasks", "", 400, "invalid request body"),
                    ("/setTasks", "{", 400, "invalid request body"),
                    ("/setTasks", "{}", 400, "invalid request body"),
                    ("/setTasks", "[1]", 400, "invalid request body"),
                    ("/setTasks", String(repeating: "[", count: 100_000), 400, "invalid request body"),
                    ("/setTasks", #"[{"name":"a","process":{"command":"true"}}]"#, 400, "invalid request body"),
                    ("/setTasks", "\"" + String(repeating: "a", count: 2 << 20) + "\"", 400, "invalid request body"),
                    ("/tasks", "[]", 400, "invalid request body"),
                    ("/tasks", "{}", 400, "task name is required"),
                    ("/tasks", "null", 400, "task name is required"),
                    ("/tasks", #"{"name":"../a",\#(command)}"#, 500, "invalid task name"),
                    ("/tasks", #"{"name":"..",\#(command)}"#, 500, "invalid task name"),
                    ("/tasks", #"{"name":"/etc",\#(command)}"#, 500, "invalid task name"),
                    ("/tasks", #"{"name":"a\u0000b",\#(command)}"#, 500, "invalid task name"),
                    ("/tasks", #"{"name":"a"}"#, 500, "process spec is required"),
                    ("/tasks", #"{"name":"a","process":{"command":[]}}"#, 500, "no command specified"),
                    ("/tasks", #"{"name":"a","process":{"command":["a\u0000b"]}}"#, 500, "NUL"),
                    ("/tasks", #"{"name":"a","podTemplateSpec":{"spec":{}}}"#, 500, "not implemented"),
                    (
                        "/tasks", #"{"name":"a","process":{"command":["true"],"workingDir":"/missing"}}"#, 500,
                        "failed to start cmd"
                    ),
                ]
                for (path, body, status, part) in refused {
                    let answer = try await executor.send(.POST, path, body: body)
                    #expect(answer.status == status, "\(body.prefix(80))")
                    let reason = status == 400 ? "Bad Request" : "Internal Server Error"
                    #expect(answer.json?["code"]?.string == reason, "\(body.prefix(80))")
                    #expect(answer.json?["message"]?.string?.contains(part) == true, "\(answer.text)")
                }
                #expect(try await executor.send(.GET, "/getTasks").text == "[]")
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)

                // Names that are quoted in shells and paths are names; elements without one count as not there.
                let odd = "a b'\"$(reboot);%2e"
                var task = ExecutorTask.shell(odd, "exit 3")
                task.unknownFields["later"] = RawJSON(["x": 1] as JSONValue)
                try await executor.set([ExecutorTask(), task])
                #expect(try await executor.ending(of: odd).exitCode == 3)
                let told = try #require(try await executor.send(.GET, "/getTasks").tasks.first)
                #expect(told.unknownFields["later"] == task.unknownFields["later"])
                let path = try #require(odd.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
                #expect(try await executor.send(.GET, "/tasks/\(path)").status == 200)
            }
        }
    }

    @Test("has one active task, and the others when that is asked to end")
    func oneAtATime() async throws {
        try await withTemporaryFolder { folder in
            try await ExecutorProcess.run(in: folder) { executor in
                let both = try await executor.set([.shell("one", "sleep 1000"), .shell("two", "sleep 1000")])
                #expect(both.status == 500)
                #expect(both.json?["message"]?.string?.contains("maximum concurrent tasks (1) reached") == true)
                let first = try await executor.send(.GET, "/getTasks").tasks
                #expect(first.map(\.name) == ["one"])

                // Those that are not named end, and the first one told of is the one that is to run.
                let replaced = try await executor.set([.shell("two", "sleep 1000")]).tasks
                #expect(replaced.first?.name == "two" && replaced.first?.deletionTimestamp == nil)
                try await executor.wait { $0.map(\.name) == ["two"] }
                // Naming it again, however, changes nothing.
                let leader = try executor.leader(of: "two")
                try await executor.set([.shell("two", "exit 1")])
                #expect(try executor.leader(of: "two") == leader)

                // What has ended does not count.
                try await executor.set([.shell("three", "exit 0")])
                #expect(try await executor.ending(of: "three").exitCode == 0)
                let answer = try await executor.set([.shell("three", "exit 0"), .shell("four", "exit 0")])
                #expect(answer.status == 200)
                #expect(try await executor.ending(of: "four").exitCode == 0)
            }
        }
    }
}
