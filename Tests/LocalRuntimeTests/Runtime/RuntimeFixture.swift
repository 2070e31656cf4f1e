// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine
import Synchronization
import TestSupport
import Testing

@testable import LocalRuntime

/// What a runtime needs of a machine, with a containerd namespace, a bridge and a folder that nothing else uses: the
/// runtime can be started on it again and again, as a process that ends and comes back.
struct RuntimeFixture: Sendable {
    let daemon: ContainerdDaemon
    let client: ContainerdClient
    let configuration: LocalRuntimeConfiguration
    let image: BusyboxImage
    /// A folder for the test's own files.
    let folder: String
    /// How the runtime's containers are looked at.
    let machine: Machine

    private static let numbers = Atomic<Int>(0)

    /// Sets one up, runs `body`, and checks that nothing is left of any sandbox.
    ///
    /// - Parameters:
    ///   - own: The containerd, if not the one that all tests share.
    ///   - snapshots: Where snapshots go; an image layout by default.
    ///   - captureTimeout: Seconds from the order to pause until the freeze ends by itself.
    ///   - body: What to do; it deletes its sandboxes.
    static func with(
        daemon own: ContainerdDaemon? = nil,
        snapshots: SnapshotDestination? = nil,
        captureTimeout: Double = 300,
        _ body: @escaping @Sendable (RuntimeFixture) async throws -> Void
    ) async throws {
        let daemon = if let own { own } else { try await ContainerdDaemon.shared() }
        let image = try await BusyboxImage.shared()
        let number = numbers.add(1, ordering: .relaxed).newValue
        let folder = "\(daemon.folder)/local\(number)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let namespace = "local-\(number)"
        var configuration = try LocalRuntimeConfiguration(
            stateFolder: "\(folder)/state",
            snapshots: snapshots,
            node: "here",
            bridge: "stasislr\(number)",
            subnet: "10.92.\(number).0/24"
        )
        configuration.containerdSocket = daemon.socket
        configuration.containerdNamespace = namespace
        configuration.holder = .built
        configuration.policy.captureTimeout = captureTimeout
        let network = SandboxNetwork(configuration.network)
        let frozen = configuration
        try await daemon.withClient(namespace: namespace) { client in
            try await client.createNamespace(namespace)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let machine = Machine(
                daemon: daemon,
                client: client,
                runtime: ContainerRuntime(
                    client: client,
                    network: network,
                    folder: "\(folder)/state/containers",
                    logger: logger
                ),
                puller: ImagePuller(client: client, open: Machine.openLayout),
                image: image,
                folder: folder
            )
            // The image that sandboxes are created from stays, as on any machine.
            _ = try await machine.busybox()
            let before = try await Inventory(machine)
            do {
                try await body(
                    RuntimeFixture(
                        daemon: daemon,
                        client: client,
                        configuration: frozen,
                        image: image,
                        folder: folder,
                        machine: machine
                    )
                )
            } catch {
                for found in try await machine.runtime.list() { try await machine.runtime.remove(found.id) }
                throw error
            }
            try await collectGarbage(client)
            try await Inventory.expect(before, on: machine)
            #expect(try network.removeBridgeIfUnused())
        }
    }

    /// Runs a runtime for as long as `body` runs; then it ends as after SIGTERM.
    func run<Value: Sendable>(
        snapshots: SnapshotDestination? = nil,
        configure: (inout LocalRuntimeConfiguration) -> Void = { _ in },
        _ body: (LocalRuntime) async throws -> Value
    ) async throws -> Value {
        var configuration = configuration
        configure(&configuration)
        if let snapshots { configuration.snapshots = snapshots }
        var logger = Logger(label: "runtime") { _ in SwiftLogNoOpLogHandler() }
        if ProcessInfo.processInfo.environment["STASIS_TEST_LOG"] != nil {
            logger = Logger(label: "runtime") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = .debug
        }
        let runtime = LocalRuntime(configuration: configuration, logger: logger)
        let running = Task { try await runtime.run() }
        let outcome: Result<Value, any Error>
        do {
            outcome = .success(try await body(runtime))
        } catch {
            outcome = .failure(error)
        }
        running.cancel()
        _ = await running.result
        return try outcome.get()
    }

    /// A sandbox's specification that runs a shell script.
    func spec(_ script: String = "exec sleep 100000") -> SandboxSpec {
        SandboxSpec(image: "oci:\(image.layout):\(image.tag)", entrypoint: ["sh", "-c", script])
    }

    /// The store's rows, while no runtime runs.
    func withStore<Value: Sendable>(_ body: (SandboxStore) async throws -> Value) async throws -> Value {
        let store = try SandboxStore(path: "\(configuration.stateFolder)/sandboxes.sqlite")
        let value = try await body(store)
        try store.close()
        return value
    }

    /// Ends a lease that keeps nothing, so that containerd collects what nobody keeps, now.
    private static func collectGarbage(_ client: ContainerdClient) async throws {
        try await client.createLease("collect")
        try await client.deleteLease("collect", synchronously: true)
    }

    /// Runs a command in a sandbox's container.
    @discardableResult
    func exec(_ runtime: LocalRuntime, _ id: String, _ script: String) async throws -> String {
        let container = try await container(runtime, id)
        let exec = "e\(UInt32.random(in: 0 ... .max))"
        return try await Command.run(
            "ctr",
            [
                "--address", daemon.socket, "--namespace", client.namespace, "tasks", "exec", "--exec-id", exec,
                container, "sh", "-euc", script,
            ]
        )
    }

    /// The text of a file as a sandbox's processes see it; nil if there is none.
    func read(_ runtime: LocalRuntime, _ id: String, _ path: String) async throws -> String? {
        let pid = try await client.task(container(runtime, id)).pid
        return try? String(contentsOfFile: "/proc/\(pid)/root\(path)", encoding: .utf8)
    }

    /// The ID of a sandbox's present container.
    func container(_ runtime: LocalRuntime, _ id: String) async throws -> String {
        let row = try await runtime.runner(id).row
        return row.containerID(attempt: row.recorded.incarnation)
    }

    /// Whether a sandbox's processes are frozen.
    func isFrozen(_ container: String) async throws -> Bool {
        try await client.task(container).status == .paused
    }
}

extension LocalRuntime {
    /// Looks until a sandbox is in a state; fails when it is in one that leads nowhere, or after a minute.
    @discardableResult
    func wait(_ id: String, until state: SandboxStatus.State) async throws -> Sandbox {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let sandbox = try await sandbox(id)
            if sandbox.status.state == state { return sandbox }
            guard ContinuousClock.now < deadline else {
                throw SandboxError(.invalidState, "it is \(sandbox.status), not \(state)")
            }
            // A runner tells nobody but its own waiters.
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Pauses and waits until it is paused.
    @discardableResult
    func pauseAndWait(_ id: String) async throws -> Sandbox {
        try await pause(id)
        return try await waitForEnd(of: .pausing, id)
    }

    /// Resumes and waits until it runs.
    @discardableResult
    func resumeAndWait(_ id: String) async throws -> Sandbox {
        try await resume(id)
        return try await waitForEnd(of: .resuming, id)
    }

    /// Looks until a transition has ended, well or not.
    @discardableResult
    func waitForEnd(of state: SandboxStatus.State, _ id: String) async throws -> Sandbox {
        let deadline = ContinuousClock.now + .seconds(300)
        while true {
            let sandbox = try await sandbox(id)
            if sandbox.status.state != state { return sandbox }
            guard ContinuousClock.now < deadline else {
                throw SandboxError(.invalidState, "it is still \(sandbox.status)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Deletes a sandbox and expects it to be gone.
    func deleteAndExpectGone(_ id: String) async throws {
        try await delete(id)
        let error = await #expect(throws: SandboxError.self) { try await self.sandbox(id) }
        #expect(error?.code == .notFound)
    }
}
