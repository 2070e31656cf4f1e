// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine
import Synchronization
import TestSupport
import Testing

@testable import LocalRuntime

/// A runtime on the tests' containerd, with a containerd namespace, a bridge and a folder that nothing else uses.
struct Machine: Sendable {
    let daemon: ContainerdDaemon
    let client: ContainerdClient
    let runtime: ContainerRuntime
    let puller: ImagePuller
    let image: BusyboxImage
    /// A folder for the test's own files.
    let folder: String

    /// Numbers of machines, for the names of their bridges.
    private static let numbers = Atomic<Int>(0)

    /// Sets one up, runs `body`, and checks that the bridge can go afterwards.
    static func run(
        daemon: ContainerdDaemon? = nil,
        open: @escaping ImagePuller.Opener = Machine.openLayout,
        _ body: (Machine) async throws -> Void
    ) async throws {
        let shared = try await ContainerdDaemon.shared()
        let daemon = daemon ?? shared
        let number = numbers.add(1, ordering: .relaxed).newValue
        let folder = "\(daemon.folder)/runtime\(number)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let network = SandboxNetwork(
            try NetworkConfiguration(
                stateFolder: "\(folder)/leases",
                bridge: "stasisrt\(number)",
                subnet: "10.91.\(number).0/24"
            )
        )
        let image = try await BusyboxImage.shared()
        try await daemon.withClient(namespace: "runtime-\(number)") { client in
            let machine = Machine(
                daemon: daemon,
                client: client,
                runtime: ContainerRuntime(
                    client: client,
                    network: network,
                    folder: "\(folder)/containers",
                    logger: logger
                ),
                puller: ImagePuller(client: client, open: open),
                image: image,
                folder: folder
            )
            do {
                try await body(machine)
            } catch {
                for found in try await machine.runtime.list() { try await machine.runtime.remove(found.id) }
                throw error
            }
            #expect(try network.removeBridgeIfUnused())
        }
    }

    /// Opens image layouts; there are no registries.
    static let openLayout: ImagePuller.Opener = { location, _ in
        guard case .layout(let folder, _, _) = location else {
            throw SandboxError(.unsupported, "There are no registries here.")
        }
        return ImageLayoutRepository(folder: folder)
    }

    /// The busybox image, pulled.
    func busybox() async throws -> LocalImage {
        try await puller.ensure(.layout(folder: image.layout, tag: image.tag, digest: nil))
    }

    /// Ends a lease that keeps nothing, so that containerd collects what nobody keeps, now.
    func collectGarbage() async throws {
        try await client.createLease("collect")
        try await client.deleteLease("collect", synchronously: true)
    }

    /// The text that a URL gives. The server in the sandbox may only just be starting.
    func fetch(_ address: String, _ path: String) async throws -> String {
        var attempts = 0
        while true {
            do {
                return try await Command.run("curl", ["-sSf", "--max-time", "5", "http://\(address)\(path)"])
            } catch {
                attempts += 1
                guard attempts < 200 else { throw error }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    /// The log of a sandbox up to a line that its program writes last.
    func log(of id: String, until end: String = "END") async throws -> [String] {
        let path = runtime.logPath(of: id)
        var text = ""
        for _ in 0..<2000 {
            text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            if let last = lines.firstIndex(of: end) { return Array(lines[..<last]) }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw SandboxError(.startFailed, "The log never came to \(end): \(text)")
    }
}

/// Everything of a machine that a sandbox could leave behind.
struct Inventory: Equatable, CustomStringConvertible {
    private var things: [String: [String]] = [:]

    /// Looks at everything.
    init(_ machine: Machine) async throws {
        let client = machine.client
        things["containers"] = try await client.containers().map(\.id).sorted()
        things["tasks"] = try await client.tasks().map(\.containerID).sorted()
        things["snapshots"] = try await client.snapshots().map(\.name).sorted()
        things["leases"] = try await client.leases().map(\.id).sorted()
        things["uploads"] = try await client.uploads().map(\.reference).sorted()
        things["content"] = try await client.contentList().map(\.digest).sorted()
        things["images"] = try await client.images().map(\.name).sorted()
        let network = machine.runtime.network.configuration
        things["addresses"] = Self.names("\(network.stateFolder)/\(network.bridge)").filter { $0.first == "1" }
        things["interfaces"] = Self.names("/sys/class/net/\(network.bridge)/brif")
        things["files"] = Self.names(machine.runtime.folder)
        things["task folders"] = Self.names(
            "\(machine.daemon.folder)/state/io.containerd.runtime.v2.task/\(client.namespace)"
        )
        things["mounts"] = MountTable.lines().filter {
            $0.contains("/\(client.namespace)/") || $0.contains(machine.folder)
        }
        things["shims"] = Self.shims(of: machine)
    }

    /// Looks until it is the same as before. The kernel takes interfaces of processes that were killed away in its own
    /// time and tells nobody.
    ///
    /// - Parameter collecting: whether what containerd's garbage collection takes away is as good as gone.
    static func expect(_ before: Inventory, on machine: Machine, _ comment: Comment? = nil, collecting: Bool = false)
        async throws
    {
        var after = try await Inventory(machine)
        for _ in 0..<300 where after != before {
            if collecting { try await machine.collectGarbage() }
            try await Task.sleep(for: .milliseconds(10))
            after = try await Inventory(machine)
        }
        #expect(after == before, comment)
    }

    var description: String {
        things.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.joined(separator: ", "))" }
            .joined(separator: "\n")
    }

    private static func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// The processes that stand between containerd and its containers, by their command lines.
    static func shims(of machine: Machine) -> [String] {
        names("/proc").filter { name in
            guard Int(name) != nil, let bytes = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") else {
                return false
            }
            let line = String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
            return line.contains("\(machine.daemon.folder)/") && line.contains(" \(machine.client.namespace) ")
        }
    }
}

/// The processes in the control group of a sandbox.
func processesInGroup(of id: String) -> [String] {
    let files = ["memory", "pids", ""].map {
        "/sys/fs/cgroup/\($0)\(ContainerSpecification.controlGroup(id))/cgroup.procs"
    }
    return files.lazy.compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }.first?
        .split(separator: "\n").map(String.init) ?? []
}
