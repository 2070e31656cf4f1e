// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

/// Tasks on a real cluster, run by the task executor itself.
@Suite("Tasks on a cluster")
struct TaskTests {
    @Test(
        "run once in each replica by its own patch, and are counted when they have ended, failed or taken too long",
        .timeLimit(.minutes(10))
    )
    func outcomes() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run { cluster in
                // It ends before its time is over.
                let command = #"echo "$WHO $INHERITED" >> "/outside/$WHO"; exit "$CODE""#
                try await cluster.createTasks("box", running: command, folder: folder, timeout: 100) {
                    $0.spec.replicas = 2
                    $0.spec.shardTaskPatches = [
                        Self.variables(["WHO": "zero", "CODE": "0"]), Self.variables(["WHO": "one", "CODE": "3"]),
                    ]
                }
                try await cluster.createTasks("slow", running: "sleep 1000", folder: folder, timeout: 1)
                try await cluster.createTasks("broken", running: "exit 0", folder: folder) {
                    $0.spec.shardTaskPatches = [try RawJSON("[]")]
                }

                let box = try await cluster.wait(for: "box") {
                    $0.taskCounts.succeeded == 1 && $0.taskCounts.failed == 1
                }
                #expect(box.taskCounts.total == 2)
                #expect(box.metadata.finalizers.contains(OpenSandbox.Finalizer.taskCleanup))
                let written = try ["zero", "one"].map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }
                let pods = try await cluster.pods.list().items.map { pod in
                    "\(pod.metadata.name) \(pod.metadata.uid ?? ""): \(pod.status?.containerStatuses ?? [])"
                }
                #expect(written == ["zero kept\n", "one kept\n"], "\(pods)")
                let failure = "Task box-1 on pod box-1 ended with exit code 3 (Failed)"
                #expect(box.status?.taskLastErrorMessage == failure)
                #expect(try await cluster.event("TaskFailed", about: "box") == failure)

                let slow = try await cluster.wait(for: "slow") { $0.taskCounts.failed == 1 }
                #expect(slow.status?.taskLastErrorMessage?.contains("exit code 137 (TaskTimeout)") == true)

                let said = try await cluster.event("InvalidTask", about: "broken")
                #expect(said.hasPrefix("spec.shardTaskPatches[0] cannot be applied"))
                try await cluster.edit("broken", ["spec": ["shardTaskPatches": []]])
                try await cluster.wait(for: "broken") { $0.taskCounts.succeeded == 1 }
            }
        }
    }

    private static func variables(_ values: [String: String]) -> RawJSON {
        let list = values.map { name, value in ["name": .string(name), "value": .string(value)] as JSONValue }
        return RawJSON(["spec": ["process": ["env": .array(list)]]] as JSONValue)
    }

    @Test(
        "are stopped before a pause and run again after the resume, or if it fails; a deletion waits for them",
        .timeLimit(.minutes(10))
    )
    func pause() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run(isControlled: false) { cluster in
                // It needs some time to end, longer than its pod would have.
                let command = """
                    echo begins >> /outside/log; trap 'sleep 3; echo ends >> /outside/log; exit 0' TERM; \
                    while :; do sleep 0.1; done
                    """
                // An executor tells that a task runs before that has had time to do anything.
                let log: @Sendable (Int) async throws -> [String] = { count in
                    while true {
                        let text = (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? ""
                        let lines = text.split(separator: "\n").map(String.init)
                        if lines.count >= count { return lines }
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
                try await cluster.control(cluster.client) {
                    try await cluster.createTasks("box", running: command, folder: folder)
                    try await cluster.wait(for: "box") { $0.taskCounts.running == 1 }
                    // Its pod is its own, and stays.
                    try await cluster.createTasks("once", running: "echo once >> /outside/once", folder: folder) {
                        $0.spec.taskResourcePolicyWhenCompleted = .release
                    }
                    try await cluster.wait(for: "once") { $0.taskCounts.succeeded == 1 && !$0.taskResults().isEmpty }
                }
                #expect(try await log(1) == ["begins"])
                // Another controller knows nothing of it, and finds it.
                let forgotten: JSONValue = ["status": ["taskRunning": 0]]
                _ = try await cluster.sandboxes.patch("box", .merge(MergePatch(forgotten)), subresource: .status)
                try await cluster.control(cluster.client) {
                    try await cluster.wait(for: "box") { $0.taskCounts.running == 1 }
                    #expect(try await log(1) == ["begins"])

                    cluster.provider.change { $0.captureFailure = .init("TargetUnavailable", "the registry is away") }
                    try await cluster.setPause(true, of: "box")
                    try await cluster.wait(for: "box") { $0.status?.conditions.isTrue("PauseFailed") == true }
                    try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.taskCounts.running == 1 }
                    #expect(try await log(3) == ["begins", "ends", "begins"])

                    cluster.provider.change {
                        $0.captureFailure = nil
                        $0.isHeld = true
                    }
                    try await cluster.pauseAgain("box")
                    let pausing = try await cluster.wait(for: "box") { $0.status?.progress != nil }
                    #expect(try await log(4).last == "ends" && pausing.taskCounts.total == 0)
                    cluster.provider.change { $0.isHeld = false }
                    let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                    #expect(paused.taskCounts.total == 0)

                    try await cluster.setPause(false, of: "box")
                    try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.taskCounts.running == 1 }
                    #expect(try await log(5) == ["begins", "ends", "begins", "ends", "begins"])

                    // A new controller has not run it again, and a resume does.
                    #expect(try String(contentsOfFile: "\(folder)/once", encoding: .utf8) == "once\n")
                    try await cluster.setPause(true, of: "once")
                    let once = try await cluster.wait(for: "once") {
                        $0.status?.phase == .paused && $0.taskResults().isEmpty
                    }
                    #expect(once.taskCounts.total == 0)
                    try await cluster.setPause(false, of: "once")
                    try await cluster.wait(for: "once") { $0.taskCounts.succeeded == 1 }
                    #expect(try String(contentsOfFile: "\(folder)/once", encoding: .utf8) == "once\nonce\n")

                    _ = try await cluster.sandboxes.delete("box")
                    try await cluster.waitUntilGone(sandbox: "box")
                    let last = try await log(6)
                    #expect(last.count == 6 && last.last == "ends")
                }
            }
        }
    }

    @Test("that do not stop make the pause fail, and go on", .timeLimit(.minutes(10)))
    func deafTask() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run(configuring: { $0.taskStopTimeout = 0 }) { cluster in
                let command = "trap '' TERM; while :; do sleep 0.1; done"
                try await cluster.createTasks("box", running: command, folder: folder)
                try await cluster.wait(for: "box") { $0.taskCounts.running == 1 }
                try await cluster.setPause(true, of: "box")
                let failed = try await cluster.wait(for: "box") { $0.status?.conditions.isTrue("PauseFailed") == true }
                #expect(failed.status?.conditions["PauseFailed"]?.reason == "TasksNotStopped")
                #expect(!cluster.provider.calls.contains("capture"))
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.taskCounts.running == 1 }
            }
        }
    }
}
