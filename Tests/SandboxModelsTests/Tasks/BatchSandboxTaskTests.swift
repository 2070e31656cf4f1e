// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

@Suite("The tasks of a BatchSandbox")
struct BatchSandboxTaskTests {
    private func sandbox(_ template: String?, patches: [String] = []) throws -> BatchSandbox {
        try .with {
            $0.metadata.name = "box"
            $0.spec.taskTemplate = try template.map { try RawJSON($0) }
            $0.spec.shardTaskPatches = try patches.map { try RawJSON($0) }
        }
    }

    private let template = """
        {"spec":{"process":{"command":["sh"],"args":["-c","true"],"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],\
        "workingDir":"/w","execMode":"Local"},"timeoutSeconds":30}}
        """

    @Test("are made of the template, in the words of the protocol")
    func plain() throws {
        let task = try sandbox(template).task(at: 3)
        let expected = """
            {"name":"box-3","process":{"command":["sh"],"args":["-c","true"],"env":[{"name":"A","value":"1"},\
            {"name":"B","value":"2"}],"workingDir":"/w","timeoutSeconds":30,"execMode":"Local"}}
            """
        #expect(task.jsonText == expected)
        #expect(try ExecutorTask(json: expected) == task)
    }

    @Test("differ by their patches: variables are merged by name, and the time limit stays the template's")
    func patches() throws {
        let patch = """
            {"spec":{"timeoutSeconds":1,"process":{"args":["-c","false"],"env":[{"name":"B","value":"two"},\
            {"name":"C","value":"3"}],"workingDir":null}}}
            """
        let box = try sandbox(template, patches: ["null", patch, "{}"])
        let patched = try #require(try box.task(at: 1).process)
        #expect(patched.args == ["-c", "false"])
        #expect(patched.env.map { "\($0.name)=\($0.value ?? "")" } == ["A=1", "B=two", "C=3"])
        #expect(patched.workingDir == nil && patched.timeoutSeconds == 30)
        let plain = try box.task(at: 0).process
        #expect(try box.task(at: 2).process == plain && box.task(at: 9).process == plain)
    }

    @Test("that cannot be made say why")
    func broken() throws {
        #expect(throws: TaskTemplateError.missing) { try sandbox(nil).task(at: 0) }
        #expect(throws: TaskTemplateError.noCommand(index: 0)) { try sandbox("{}").task(at: 0) }
        let errors: [(template: String, patch: String, part: String)] = [
            ("[]", "{}", "spec.taskTemplate is no template of tasks"),
            (#"{"spec":{"process":{"command":"x"}}}"#, "{}", "spec.taskTemplate is no template of tasks"),
            (template, "[]", "spec.shardTaskPatches[0] cannot be applied"),
            (template, #"{"spec":{"process":{"env":[{"value":"x"}]}}}"#, "spec.shardTaskPatches[0] cannot be applied"),
            (template, #"{"spec":{"process":{"command":null}}}"#, "say what is to be run"),
        ]
        for (template, patch, part) in errors {
            let box = try sandbox(template, patches: [patch])
            let error = #expect(throws: TaskTemplateError.self) { try box.task(at: 0) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
    }

    @Test("are in a state by what their executors say")
    func states() throws {
        let states: [(status: String, state: TaskState)] = [
            (#"{"running":{"startedAt":"2026-01-01T00:00:00Z"}}"#, .running),
            (#"{"running":{"startedAt":null}}"#, .running),
            (#"{"waiting":{"reason":"Pending"}}"#, .unknown), ("{}", .unknown),
            (#"{"terminated":{"exitCode":0}}"#, .succeeded), (#"{"terminated":{"exitCode":137}}"#, .failed),
        ]
        for (status, state) in states {
            let task = try ExecutorTask(json: #"{"name":"a","processStatus":\#(status),"podStatus":{"x":1}}"#)
            #expect(task.state == state, "\(status)")
        }
        #expect(ExecutorTask.with { $0.name = "a" }.state == .unknown)
    }
}
