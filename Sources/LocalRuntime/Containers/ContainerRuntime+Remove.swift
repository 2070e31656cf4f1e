// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels
import SnapshotEngine

extension ContainerRuntime {
    /// Kills a sandbox's processes and removes everything of its container: task, record, snapshot, address, files. From
    /// any state, also a half-made one, and again without an error. A frozen container is not thawed for it.
    ///
    /// - Throws: `SandboxError` with the code `runtimeUnavailable` if something could not be removed; doing it again goes
    ///   on from there. `CancellationError` if the task is cancelled before it began; once begun, it is finished.
    public func remove(_ id: String) async throws {
        guard ContainerSpecification.isIdentifier(id) else { return }
        do {
            try await locks.withLock(id) { try await uncancelled { try await clearAway(id) } }
        } catch {
            throw SandboxError.telling(
                error,
                .runtimeUnavailable,
                "The container of the sandbox \(id) could not be removed."
            )
        }
    }

    /// Removes everything that has the sandbox's name, the newest first.
    func clearAway(_ id: String) async throws {
        let namespace = try await networkNamespace(of: id)
        try await end(id)
        try await network.detach(containerID: id, namespace: namespace)
        let snapshotter = try await ContainerdError.nilIfNotFound { try await client.container(id) }?.snapshotter
        try await Self.unlessNotFound { try await client.deleteContainer(id) }
        try await Self.unlessNotFound {
            try await client.removeSnapshot(id, snapshotter: snapshotter ?? ContainerdClient.overlayfs)
        }
        try await Self.unlessNotFound { try await client.deleteLease(Self.lease(of: id)) }
        let files = files(of: id)
        try await BlockingWork.run { try files.remove() }
    }

    /// The network namespace of a container's first process, if that lives.
    ///
    /// It is opened before the processes are killed and used after: while it is held it cannot vanish half-way.
    private func networkNamespace(of id: String) async throws -> NetworkNamespace? {
        guard let before = try await livingTask(id), let namespace = try? NetworkNamespace(processID: before.pid) else {
            return nil
        }
        // A process that still lives now had its number when the namespace was opened.
        guard let after = try await livingTask(id), after.pid == before.pid else { return nil }
        return namespace
    }

    private func livingTask(_ id: String) async throws -> ContainerTask? {
        let task = try await ContainerdError.nilIfNotFound { try await client.task(id) }
        guard let task, task.status != .stopped, task.pid > 0 else { return nil }
        return task
    }

    /// Kills all processes of a container and deletes its task.
    private func end(_ id: String) async throws {
        guard let task = try await ContainerdError.nilIfNotFound({ try await client.task(id) }) else {
            let orphans = try await BlockingWork.run { [client] in
                OrphanedShim.find(id, namespace: client.namespace, socket: client.socket)
            }
            for orphan in orphans { try await orphan.clearAway() }
            return
        }
        if task.status != .stopped {
            do {
                try await Self.unlessNotFound { try await client.killTask(id, signal: SIGKILL, all: true) }
            } catch let error as ContainerdError where error.code == .failedPrecondition {
                // It ended by itself meanwhile.
            }
            try await Self.unlessNotFound { try await waitForEnd(of: id) }
        }
        try await Self.unlessNotFound { try await client.deleteTask(id) }
    }

    /// Waits until the killed first process is dead. One that the kernel cannot kill, stuck in a device, must not hold
    /// everything else up for ever.
    private func waitForEnd(of id: String) async throws {
        let deadline = Duration.seconds(30)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await client.waitForExit(of: id) }
            group.addTask {
                try await Task.sleep(for: deadline)
                throw SandboxError(
                    .runtimeUnavailable,
                    "The processes of the sandbox \(id) were killed and are still there after \(deadline). "
                        + "They hang in the kernel, perhaps in a device or a file system that does not answer."
                )
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private static func unlessNotFound<Value: Sendable>(_ body: () async throws -> Value) async throws {
        _ = try await ContainerdError.nilIfNotFound(body)
    }
}
