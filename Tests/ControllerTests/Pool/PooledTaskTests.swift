// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// Upstream's cases of pools with process tasks.
@Suite("Tasks in a pool's pods")
struct PooledTaskTests {
    @Test(
        "give the pods back when they have ended; end before a pause, and run again after it",
        .timeLimit(.minutes(10))
    )
    func life() async throws {
        try await SandboxCluster.run(capturing: { _ in }) { cluster in
            let installer = try await cluster.testbed.pushProgram("stasis-task-executor")
            try await cluster.createPool("warm", pool: 2...3, recycling: .noop) { pool in
                var template = try? pool.spec.podTemplate()
                if var spec = template?.spec {
                    cluster.runExecutor(in: &spec, installer: installer)
                    template?.spec = spec
                }
                pool.spec.template = template.map { RawJSON($0) }
            }
            try await cluster.wait(forPool: "warm") { $0.available == 2 }

            // Of two tasks one ends, and its pod is the pool's again while the other one runs.
            try await cluster.createTasks(
                "pair",
                #"[ "$STAYS" ] && sleep 1000 || exit 0"#,
                replicas: 2,
                patches: [RawJSON(JSONValue.null), Self.variables(["STAYS": "yes"])],
                policy: .release
            )
            let released = try await cluster.wait(for: "pair") {
                $0.taskCounts.succeeded == 1 && $0.taskCounts.running == 1
                    && $0.metadata.annotations[OpenSandbox.Annotation.allocReleased] != nil
            }
            let given = try released.allocation(OpenSandbox.Annotation.allocStatus).pods
            #expect(try released.allocation(OpenSandbox.Annotation.allocReleased).pods == [given[0]])
            try await cluster.wait(forPool: "warm") { $0.allocated == 1 && $0.available == 1 }

            // Deleted, it gives the other one back when its task has ended: the next one finds no task in it.
            _ = try await cluster.sandboxes.delete("pair")
            try await cluster.waitUntilGone(sandbox: "pair")
            try await cluster.wait(forPool: "warm") { $0.allocated == 0 && $0.available == 2 }

            // A pause ends the task, takes the sandbox out of the pool, and a resume runs the task again.
            try await cluster.createTasks("box", "echo begun >> /log; sleep 1000")
            try await cluster.wait(for: "box") { $0.taskCounts.running == 1 && $0.status?.phase == .succeed }
            let pod = try #require(try await cluster.waitForPods(1, of: "box").first)
            #expect(given.contains(pod), "it is used again")
            try await cluster.shell("echo kept > /marker", in: pod)
            let paused = try await cluster.pause("box")
            #expect(paused.status?.phase == .paused, "\(paused.jsonText)")
            #expect(paused.taskCounts == TaskCounts())
            // Its pod is counted until the watch has told that it is gone.
            try await cluster.wait(for: "box") { $0.status?.allocated == 0 && $0.status?.ready == 0 }
            #expect(paused.status?.artifact?.imageDigest.hasPrefix("sha256:") == true)
            #expect(paused.spec.poolRef == nil && paused.spec.template != nil)
            try await cluster.waitUntilGone(in: cluster.pods, pod)
            try await cluster.wait(forPool: "warm") { $0.allocated == 0 && $0.available == 2 }
            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.taskCounts.running == 1 }
            #expect(try await cluster.shell("cat /marker /log", in: "box-0") == "kept\nbegun\nbegun\n")
            #expect(try await cluster.pools.get("warm").status?.allocated == 0)
        }
    }

    private static func variables(_ variables: [String: String]) -> RawJSON {
        let env = variables.map { name, value -> JSONValue in ["name": .string(name), "value": .string(value)] }
        let patch: JSONValue = ["spec": ["process": ["env": .array(env)]]]
        return RawJSON(patch)
    }
}

extension SandboxCluster {
    /// Creates a sandbox of the pool `warm` whose tasks run a command in a shell.
    fileprivate func createTasks(
        _ name: String,
        _ command: String,
        replicas: Int = 1,
        patches: [RawJSON] = [],
        policy: TaskResourcePolicy? = nil
    ) async throws {
        var sandbox = BatchSandbox()
        sandbox.metadata.name = name
        sandbox.spec.replicas = replicas
        sandbox.spec.poolRef = "warm"
        sandbox.spec.taskTemplate = RawJSON(TaskTemplate.shell(command))
        sandbox.spec.shardTaskPatches = patches
        sandbox.spec.taskResourcePolicyWhenCompleted = policy
        _ = try await sandboxes.create(sandbox)
    }
}
