// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import SandboxModels
import SnapshotEngine
import Synchronization
import TestSupport
import Testing

/// A machine for one server: a containerd, a namespace in it, a bridge and folders that nothing else uses.
///
/// The server is started, killed and started again on it as the test likes.
final class Testbed: Sendable {
    /// What went wrong with the test's own things, or what did not come about in time.
    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// Where the state and the snapshots are, if not in the testbed's own folder.
    struct Folders: Sendable {
        var state: String?
        var layout: String?
    }

    let daemon: ContainerdDaemon
    let client: ContainerdClient
    /// The testbed's own files.
    let folder: String
    let stateFolder: String
    let layoutFolder: String
    let bridge: String
    let image: String
    let api: RuntimeAPI
    /// What counts and kills in the server; nil if it runs without.
    let points: CrashPoints?
    /// Whether files are copied when they are synced.
    private let isCopying: Bool
    private let running = Mutex<ServerProcess?>(nil)

    private static let numbers = Atomic<Int>(0)

    private init(
        daemon: ContainerdDaemon,
        client: ContainerdClient,
        folder: String,
        folders: Folders,
        bridge: String,
        image: String,
        api: RuntimeAPI,
        points: CrashPoints?,
        isCopying: Bool
    ) {
        self.daemon = daemon
        self.client = client
        self.folder = folder
        stateFolder = folders.state ?? "\(folder)/state"
        layoutFolder = folders.layout ?? "\(folder)/snapshots"
        self.bridge = bridge
        self.image = image
        self.api = api
        self.points = points
        self.isCopying = isCopying
    }

    var configuration: String { "\(folder)/stasis.toml" }
    var log: String { "\(folder)/server.log" }
    var database: String { "\(stateFolder)/sandboxes.sqlite" }

    /// Sets one up, runs `body`, and checks that nothing is left of any sandbox.
    ///
    /// - Parameters:
    ///   - daemon: The containerd; the one that all suites share unless it is to be stopped.
    ///   - folders: Where state and snapshots are to be.
    ///   - role: The process in which to count and kill.
    ///   - isCopying: Whether files are copied when they are synced.
    ///   - body: What to do. It deletes its sandboxes and snapshots.
    static func with(
        daemon: ContainerdDaemon? = nil,
        folders: Folders = Folders(),
        role: String? = "server",
        isCopying: Bool = false,
        _ body: (Testbed) async throws -> Void
    ) async throws {
        let shared = try await ContainerdDaemon.shared()
        let daemon = daemon ?? shared
        let busybox = try await BusyboxImage.shared()
        let number = numbers.add(1, ordering: .relaxed).newValue
        let folder = "\(daemon.folder)/e2e\(number)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let namespace = "e2e-\(number)"
        var points: CrashPoints?
        if let role { points = try await CrashPoints(folder: folder, role: role) }
        let frozenPoints = points
        let port = try freePort()
        try await daemon.withClient(namespace: namespace) { client in
            try await RuntimeAPI.with(port: port) { api in
                let testbed = Testbed(
                    daemon: daemon,
                    client: client,
                    folder: folder,
                    folders: folders,
                    bridge: "stasise\(number)",
                    image: "oci:\(busybox.layout):\(busybox.tag)",
                    api: api,
                    points: frozenPoints,
                    isCopying: isCopying
                )
                try testbed.configure(number: number, namespace: namespace)
                do {
                    try await body(testbed)
                } catch {
                    await testbed.abandon(error)
                    throw error
                }
                await testbed.stop()
                try await testbed.removeBridge()
            }
        }
    }

    private func configure(number: Int, namespace: String) throws {
        let text = """
            [server]
            host = "127.0.0.1"
            port = \(api.port)
            api_key = "\(RuntimeAPI.key)"
            [log]
            level = "\(ProcessInfo.processInfo.environment["STASIS_TEST_LOG"] ?? "INFO")"
            [runtime]
            type = "local"
            [local]
            containerd_socket = "\(daemon.socket)"
            containerd_namespace = "\(namespace)"
            state_dir = "\(stateFolder)"
            snapshot_store = "oci:\(layoutFolder)"
            [local.network]
            bridge = "\(bridge)"
            subnet = "10.93.\(number).0/24"

            """
        try text.write(toFile: configuration, atomically: false, encoding: .utf8)
    }

    /// A port of the loopback interface that nothing listens on.
    private static func freePort() throws -> Int {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(file, address, length) == 0 ? getsockname(file, address, &length) : -1
            }
        }
        guard code == 0 else { throw Failure("no free port: \(String(cString: strerror(errno)))") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    // MARK: - The server

    /// The server that was started last.
    var server: ServerProcess {
        get throws {
            guard let server = running.withLock({ $0 }) else { throw Failure("no server was started") }
            return server
        }
    }

    /// Starts a server.
    @discardableResult
    func startServer() throws -> ServerProcess {
        let environment = points?.environment(
            database: database,
            layout: layoutFolder,
            state: stateFolder,
            socket: daemon.socket,
            copying: isCopying
        )
        let server = try ServerProcess(configuration: configuration, log: log, environment: environment ?? [:])
        running.withLock { $0 = server }
        return server
    }

    /// Starts a server and waits until it serves.
    @discardableResult
    func start() async throws -> ServerProcess {
        let server = try startServer()
        try await waitUntilServing()
        return server
    }

    /// Waits until the server answers what only a running runtime can.
    func waitUntilServing() async throws {
        let server = try server
        _ = try await Patience().until("the server serves") {
            if (try? await self.api.sandboxes()) != nil { return true }
            guard server.isAlive else { throw Failure("the server ended: \(await server.end())\n\(self.endOfLog)") }
            return nil
        }
    }

    /// Kills the server and starts another one.
    func restart() async throws {
        try await server.killAndWait()
        try await start()
    }

    /// Ends the server as an administrator does.
    func stop() async {
        guard let server = running.withLock({ $0 }), server.isAlive else { return }
        await server.terminate()
    }

    /// The end of what the servers printed.
    var endOfLog: String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return String(text.suffix(4000))
    }

    // MARK: - The end

    /// Takes everything away after a failure, by force, and shows the log.
    private func abandon(_ error: any Error) async {
        print("a testbed failed: \(error)\n\(endOfLog)")
        if let server = running.withLock({ $0 }) { await server.killAndWait() }
        for task in (try? await client.tasks()) ?? [] {
            try? await client.killTask(task.containerID, signal: SIGKILL, all: true)
            _ = try? await client.waitForExit(of: task.containerID)
            _ = try? await client.deleteTask(task.containerID)
        }
        for container in (try? await client.containers()) ?? [] {
            try? await client.deleteContainer(container.id)
            try? await client.removeSnapshot(container.id)
        }
        try? await removeBridge()
    }

    private func removeBridge() async throws {
        guard FileManager.default.fileExists(atPath: "/sys/class/net/\(bridge)") else { return }
        try await Command.run("ip", ["link", "delete", bridge])
    }
}
