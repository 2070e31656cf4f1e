// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import SandboxModels
import TestSupport

/// Sandboxes whose container runs the task executor, as it was built beside the tests.
extension SandboxCluster {
    /// Makes a template's pods run the task executor, which an init container puts into a folder of theirs.
    func runExecutor(in spec: inout PodSpec, installer: String) {
        let mount = VolumeMount.with {
            $0.name = "executor"
            $0.mountPath = "/opt/stasis"
        }
        spec.volumes.append(
            .with {
                $0.name = "executor"
                $0.emptyDir = .init()
            }
        )
        spec.initContainers = [
            .with {
                $0.name = "executor"
                $0.image = installer
                $0.args = ["install", "/opt/stasis"]
                $0.volumeMounts = [mount]
            }
        ]
        spec.containers[0].command = ["/opt/stasis/stasis-task-executor"]
        spec.containers[0].env = [EnvVar("INHERITED", "kept")]
        spec.containers[0].volumeMounts.append(mount)
    }

    /// Creates a sandbox whose tasks run a command in a shell.
    ///
    /// - Parameters:
    ///   - folder: A folder of this machine that they see as `/outside`.
    ///   - change: Changes it before it is created.
    @discardableResult
    func createTasks(
        _ name: String,
        running command: String,
        folder: String,
        timeout: Int? = nil,
        _ change: (inout BatchSandbox) throws -> Void = { _ in }
    ) async throws -> BatchSandbox {
        let installer = try await testbed.pushProgram("stasis-task-executor")
        return try await create(
            name,
            folder: folder,
            { runExecutor(in: &$0.spec, installer: installer) },
            finally: { sandbox in
                sandbox.spec.taskTemplate = RawJSON(TaskTemplate.shell(command, timeout: timeout))
                try change(&sandbox)
            }
        )
    }
}

extension TaskTemplate {
    /// A task that runs a command in a shell.
    static func shell(_ command: String, timeout: Int? = nil) -> TaskTemplate {
        .with {
            $0.spec.process = .with { $0.command = ["/bin/sh", "-c", command] }
            $0.spec.timeoutSeconds = timeout
        }
    }
}

extension BatchSandbox {
    /// How many tasks its status tells of.
    var taskCounts: TaskCounts { status.map { TaskCounts($0) } ?? TaskCounts() }
}
