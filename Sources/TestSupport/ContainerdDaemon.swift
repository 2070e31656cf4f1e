// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import Logging
public import SnapshotEngine
import Subprocess

/// A containerd of the tests' own: own root, state, socket and configuration, without the CRI plugin.
///
/// It needs root. `shared()` starts one for the whole test process; what must see containerd die or come back starts one
/// of its own. Either ends, with all its containers, when the test's process does, however that happens (see
/// `ContainerdWatchdog`). Containers should still be removed by their test: others count what there is.
public final class ContainerdDaemon: Sendable {
    /// The folder with everything of it.
    public let folder: String
    /// Its socket.
    public var socket: String { "\(folder)/containerd.sock" }
    /// A namespace of its own, in which `withClient` works and `ctr` looks.
    public let namespace: String

    private let watchdog: WatchdogProcess

    /// What went wrong with the harness itself.
    public struct Failure: Error, CustomStringConvertible {
        /// What happened.
        public let description: String
    }

    private init(folder: String, namespace: String, watchdog: WatchdogProcess) {
        self.folder = folder
        self.namespace = namespace
        self.watchdog = watchdog
    }

    /// The one that all suites of this test process share.
    public static func shared() async throws -> ContainerdDaemon {
        try await SharedDaemon.instance.daemon()
    }

    /// Starts one of the caller's own for as long as `body` runs.
    public static func with<Result: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ContainerdDaemon) async throws -> Result
    ) async throws -> Result {
        let daemon = try await start()
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(daemon))
        } catch {
            outcome = .failure(error)
        }
        await daemon.stop()
        return try outcome.get()
    }

    /// Starts one; returns when it answers.
    public static func start() async throws -> ContainerdDaemon {
        let name = String(UInt32.random(in: 0 ... .max), radix: 16)
        let folder = ContainerdWatchdog.folderPrefix + name
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try configuration(folder: folder).write(toFile: "\(folder)/config.toml", atomically: false, encoding: .utf8)
        let ready = try ReadinessSocket(path: "\(folder)/notify.sock")
        let watchdog = try WatchdogProcess(folder: folder, notifySocket: ready.path)
        let daemon = ContainerdDaemon(folder: folder, namespace: "test-\(name)", watchdog: watchdog)
        do {
            try await ready.waitUntilReady(seconds: 60)
        } catch {
            let log = (try? String(contentsOfFile: "\(folder)/containerd.log", encoding: .utf8)) ?? ""
            await daemon.stop()
            throw Failure(description: "containerd did not start: \(error)\n\(log.suffix(2000))")
        }
        return daemon
    }

    /// Ends it and cleans up; returns when nothing is left.
    public func stop() async {
        await watchdog.end()
    }

    /// Kills containerd, not the containers, as by kill -9.
    public func kill() async throws {
        try await watchdog.order("kill", answer: "killed")
    }

    /// Starts containerd again after `kill()`; returns when it answers.
    public func startAgain() async throws {
        let ready = try ReadinessSocket(path: "\(folder)/notify.sock")
        try await watchdog.order("start", answer: "started")
        try await ready.waitUntilReady(seconds: 60)
    }

    /// Opens a client in `namespace` (or another one) for as long as `body` runs.
    public func withClient<Result: Sendable>(
        namespace: String? = nil,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ContainerdClient) async throws -> Result
    ) async throws -> Result {
        try await ContainerdClient.withClient(
            socket: socket,
            namespace: namespace ?? self.namespace,
            logger: logger,
            body
        )
    }

    /// Runs `ctr` on it and returns what it printed.
    @discardableResult
    public func ctr(_ arguments: String...) async throws -> String {
        try await Command.run("ctr", ["--address", socket, "--namespace", namespace] + arguments)
    }

    private static func configuration(folder: String) -> String {
        let unused = [
            "io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
            "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper",
            "io.containerd.tracing.processor.v1.otlp",
        ]
        return """
            version = 2
            root = "\(folder)/root"
            state = "\(folder)/state"
            oom_score = 0
            disabled_plugins = [\(unused.map { "\"\($0)\"" }.joined(separator: ", "))]
            [grpc]
              address = "\(folder)/containerd.sock"
            [plugins."io.containerd.internal.v1.opt"]
              path = "\(folder)/opt"

            """
    }
}

private actor SharedDaemon {
    static let instance = SharedDaemon()

    private var starting: Task<ContainerdDaemon, any Error>?

    func daemon() async throws -> ContainerdDaemon {
        if let starting {
            return try await starting.value
        }
        let task = Task { try await ContainerdDaemon.start() }
        starting = task
        return try await task.value
    }
}
