// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import GRPCCore
import SwiftProtobuf

/// Tasks: the processes of containers.
extension ContainerdClient {
    private var tasksService: Containerd_Services_Tasks_V1_Tasks.Client<ContainerdTransport> {
        .init(wrapping: connection.calls)
    }

    /// Makes the first process of a container, which then waits for `startTask`.
    ///
    /// - Parameters:
    ///   - id: The container's ID.
    ///   - rootfs: The mounts of its root, usually those of its snapshot.
    ///   - standardOutput: Where output goes: empty for nowhere, a fifo's path, or `file:///path` to append to a file.
    ///   - standardError: The same for errors. They follow the output to its file: containerd 1.6's shim knows one file for
    ///     both, and dies if only one is named.
    ///   - options: The runtime's options for this task.
    /// - Returns: The process, as the host numbers it.
    @discardableResult
    public func createTask(
        _ id: String,
        rootfs: [SnapshotMount],
        standardOutput: String = "",
        standardError: String = "",
        options: TypedValue? = nil
    ) async throws -> UInt32 {
        try await call("Tasks.Create", "container \(id)") {
            var request = Containerd_Services_Tasks_V1_CreateTaskRequest()
            request.containerID = id
            request.rootfs = rootfs.map(\.message)
            request.stdout = standardOutput
            request.stderr = standardOutput.hasPrefix("file:") ? standardOutput : standardError
            if let options {
                request.options = options.message
            }
            return try await tasksService.create(request, metadata: metadata).pid
        }
    }

    /// Starts the process that `createTask` made.
    @discardableResult
    public func startTask(_ id: String) async throws -> UInt32 {
        try await call("Tasks.Start", "container \(id)") {
            var request = Containerd_Services_Tasks_V1_StartRequest()
            request.containerID = id
            return try await tasksService.start(request, metadata: metadata).pid
        }
    }

    /// The task of a container.
    public func task(_ id: String) async throws -> ContainerTask {
        try await read("Tasks.Get", "container \(id)") {
            var request = Containerd_Services_Tasks_V1_GetRequest()
            request.containerID = id
            return ContainerTask(try await tasksService.get(request, metadata: metadata).process)
        }
    }

    /// All tasks of the namespace.
    public func tasks() async throws -> [ContainerTask] {
        try await read("Tasks.List", "namespace \(namespace)") {
            try await tasksService.list(Containerd_Services_Tasks_V1_ListTasksRequest(), metadata: metadata)
                .tasks.map(ContainerTask.init)
        }
    }

    /// Sends a signal to the first process of a container, or to all its processes.
    public func killTask(_ id: String, signal: Int32, all: Bool = false) async throws {
        try await call("Tasks.Kill", "container \(id)") {
            var request = Containerd_Services_Tasks_V1_KillRequest()
            request.containerID = id
            request.signal = UInt32(bitPattern: signal)
            request.all = all
            _ = try await tasksService.kill(request, metadata: metadata)
        }
    }

    /// Freezes all processes of a container.
    ///
    /// - Throws: `deadlineExceeded` after `timeLimit`; the container may become frozen all the same.
    public func pauseTask(_ id: String, timeLimit: Duration = .seconds(60)) async throws {
        try await call("Tasks.Pause", "container \(id)") {
            var request = Containerd_Services_Tasks_V1_PauseTaskRequest()
            request.containerID = id
            var options = CallOptions.defaults
            options.timeout = timeLimit
            _ = try await tasksService.pause(request, metadata: metadata, options: options)
        }
    }

    /// Thaws all processes of a container.
    ///
    /// - Throws: `deadlineExceeded` after `timeLimit`; the container may be thawed all the same.
    public func resumeTask(_ id: String, timeLimit: Duration = .seconds(120)) async throws {
        try await call("Tasks.Resume", "container \(id)") {
            var request = Containerd_Services_Tasks_V1_ResumeTaskRequest()
            request.containerID = id
            var options = CallOptions.defaults
            options.timeout = timeLimit
            _ = try await tasksService.resume(request, metadata: metadata, options: options)
        }
    }

    /// All processes of a container, as the host numbers them.
    public func processes(of id: String) async throws -> [UInt32] {
        try await read("Tasks.ListPids", "container \(id)") {
            var request = Containerd_Services_Tasks_V1_ListPidsRequest()
            request.containerID = id
            return try await tasksService.listPids(request, metadata: metadata).processes.map(\.pid)
        }
    }

    /// Waits until the first process of a container has ended.
    public func waitForExit(of id: String) async throws -> TaskExit {
        try await call("Tasks.Wait", "container \(id)") {
            var request = Containerd_Services_Tasks_V1_WaitRequest()
            request.containerID = id
            let response = try await Containerd_Services_Tasks_V1_Tasks.Client(wrapping: connection.streams)
                .wait(request, metadata: metadata)
            return TaskExit(
                status: response.exitStatus,
                at: response.hasExitedAt ? response.exitedAt.date : nil
            )
        }
    }

    /// Deletes a task that has ended, or was never started.
    @discardableResult
    public func deleteTask(_ id: String) async throws -> TaskExit {
        try await call("Tasks.Delete", "container \(id)") {
            var request = Containerd_Services_Tasks_V1_DeleteTaskRequest()
            request.containerID = id
            let response = try await tasksService.delete(request, metadata: metadata)
            return TaskExit(
                status: response.exitStatus,
                at: response.hasExitedAt ? response.exitedAt.date : nil
            )
        }
    }
}
