// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SnapshotEngine

/// A container of the busybox image, run by `ctr` and removed at the end.
public struct TestContainer: Sendable {
    /// The container's ID.
    public let id: String
    /// The first process, as the host numbers it.
    public let pid: UInt32

    private let daemon: ContainerdDaemon
    private let snapshotter: String

    /// Runs a container for as long as `body` runs; afterwards nothing of it is left, whatever state it was in.
    ///
    /// - Parameters:
    ///   - daemon: Where it runs, in the daemon's namespace.
    ///   - image: The image, which containerd has, unpacked.
    ///   - arguments: The program and its arguments.
    ///   - labels: Labels, as the kubelet sets them.
    ///   - mounts: Folders of the host by their paths in the container, writable.
    ///   - processesOf: Another container, whose processes it sees and is seen by.
    ///   - runc: Another runc, for faults.
    ///   - snapshotter: Who has its root filesystem.
    ///   - options: More options of `ctr run`.
    ///   - body: What to do while it runs.
    public static func with<Result: Sendable>(
        _ daemon: ContainerdDaemon,
        image: String = BusyboxImage.name,
        arguments: [String] = ["sleep", "100000"],
        labels: [String: String] = [:],
        mounts: [String: String] = [:],
        processesOf neighbour: TestContainer? = nil,
        runc: String? = nil,
        snapshotter: String = "overlayfs",
        options more: [String] = [],
        isolation: isolated (any Actor)? = #isolation,
        _ body: (TestContainer) async throws -> Result
    ) async throws -> Result {
        if image == BusyboxImage.name {
            try await BusyboxImage.shared().importInto(daemon)
        }
        let id = "test-\(UInt64.random(in: 0 ... .max))"
        var options = ["--detach", "--null-io", "--snapshotter", snapshotter] + more
        for (name, value) in labels {
            options += ["--label", "\(name)=\(value)"]
        }
        for (destination, source) in mounts {
            options += ["--mount", "type=bind,src=\(source),dst=\(destination),options=rbind:rw"]
        }
        if let neighbour {
            options += ["--with-ns", "pid:/proc/\(neighbour.pid)/ns/pid"]
        }
        if let runc {
            options += ["--runc-binary", runc]
        }
        let command = ["--address", daemon.socket, "--namespace", daemon.namespace, "run"]
        try await Command.run("ctr", command + options + [image, id] + arguments)
        let pid = try await daemon.withClient { try await $0.task(id).pid }
        let container = TestContainer(id: id, pid: pid, snapshotter: snapshotter, daemon: daemon)
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(container))
        } catch {
            outcome = .failure(error)
        }
        // Not part of the caller's task, which may be cancelled.
        try await Task { try await container.remove() }.value
        return try outcome.get()
    }

    /// Whether the kernel has frozen it, asked without containerd.
    public var isFrozen: Bool { freezer.isFrozen }

    private let freezer: Freezer

    private init(id: String, pid: UInt32, snapshotter: String, daemon: ContainerdDaemon) {
        self.id = id
        self.pid = pid
        self.snapshotter = snapshotter
        self.daemon = daemon
        self.freezer = Freezer(process: pid)
    }

    private func remove() async throws {
        try await daemon.withClient { client in
            _ = try await ContainerdError.nilIfNotFound {
                try await client.killTask(id, signal: SIGKILL, all: true)
            }
            _ = try await ContainerdError.nilIfNotFound {
                _ = try await client.waitForExit(of: id)
                try await client.deleteTask(id)
            }
            _ = try await ContainerdError.nilIfNotFound { try await client.deleteContainer(id) }
            _ = try await ContainerdError.nilIfNotFound {
                try await client.removeSnapshot(id, snapshotter: snapshotter)
            }
        }
    }
}
