// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels
import Subprocess
import Testing

import class Foundation.FileManager
import struct Foundation.UUID

@testable import LocalRuntime

/// The network with the real plugins and with processes in network namespaces of their own. It needs root.
@Suite("The network of sandboxes", .serialized)
struct SandboxNetworkTests {
    private let folder = "\(FileManager.default.temporaryDirectory.path)/stasis-network-\(UUID().uuidString)"

    /// A network of the test's own: bridge and subnet are used by nothing else.
    private func network(_ number: Int) throws -> SandboxNetwork {
        let configuration = try NetworkConfiguration(
            stateFolder: "\(folder)/leases",
            bridge: "stasistest\(number)",
            subnet: "10.90.\(number).0/28"
        )
        return SandboxNetwork(configuration)
    }

    /// The addresses that are leased.
    private func leases(_ network: SandboxNetwork) -> [String] {
        let folder = "\(network.configuration.stateFolder)/\(network.configuration.bridge)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("10.") }.sorted()
    }

    private func ports(_ network: SandboxNetwork) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/net/\(network.configuration.bridge)/brif"))
            ?? []
    }

    private func remove(_ network: SandboxNetwork) throws {
        #expect(try network.removeBridgeIfUnused())
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("a namespace gets an interface and an address, and gives both back")
    func attachAndDetach() async throws {
        let network = try network(1)
        try await withNamespace { namespace, process in
            let address = try await network.attach(containerID: "one", namespace: namespace)
            #expect(address == "10.90.1.2")
            #expect(leases(network) == ["10.90.1.2"])
            #expect(ports(network).count == 1)
            let inside = try await output("nsenter", ["-t", "\(process)", "-n", "ip", "-4", "addr", "show", "eth0"])
            #expect(inside.contains("inet 10.90.1.2/28"))
            #expect(try !network.removeBridgeIfUnused(), "the bridge is in use")

            try await network.detach(containerID: "one", namespace: namespace)
            #expect(leases(network).isEmpty)
            #expect(ports(network).isEmpty)
            try await network.detach(containerID: "one", namespace: namespace)
        }
        try remove(network)
        #expect(try network.removeBridgeIfUnused(), "removing it again does nothing")
    }

    @Test("a namespace that is gone gives its address back")
    func namespaceGone() async throws {
        let network = try network(2)
        try await withNamespace { namespace, _ in
            _ = try await network.attach(containerID: "gone", namespace: namespace)
        }
        #expect(leases(network) == ["10.90.2.2"])
        try await network.detach(containerID: "gone", namespace: nil)
        #expect(leases(network).isEmpty)
        try await network.detach(containerID: "gone", namespace: nil)
        try await network.detach(containerID: "never attached".replacing(" ", with: "-"), namespace: nil)
        try await untilPortsAreGone(network)
        try remove(network)
    }

    @Test("many at once get addresses of their own; when none is left, the message says so and nothing is left behind")
    func concurrent() async throws {
        let network = try network(3)
        // A prefix of 28 has 16 addresses; network, bridge and broadcast take three.
        let count = 13
        try await withNamespaces(count + 1) { namespaces in
            let addresses = try await withThrowingTaskGroup(of: String.self) { group in
                for (index, namespace) in namespaces.prefix(count).enumerated() {
                    group.addTask { try await network.attach(containerID: "c\(index)", namespace: namespace) }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(addresses.count == count)
            #expect(leases(network).count == count)

            let last = try #require(namespaces.last)
            let error = try await #require(throws: SandboxError.self) {
                try await network.attach(containerID: "late", namespace: last)
            }
            #expect(error.code == .startFailed)
            #expect(error.message.contains("no IP addresses available"), "\(error)")
            #expect(leases(network).count == count)
            #expect(ports(network).count == count)

            for (index, namespace) in namespaces.prefix(count).enumerated() {
                try await network.detach(containerID: "c\(index)", namespace: namespace)
            }
        }
        #expect(leases(network).isEmpty)
        try remove(network)
    }

    @Test("a missing plugin is told with what to install")
    func missingPlugin() async throws {
        var configuration = try network(4).configuration
        configuration.pluginFolder = "/nowhere"
        let network = SandboxNetwork(configuration)
        try await withNamespace { namespace, _ in
            let error = try await #require(throws: SandboxError.self) {
                try await network.attach(containerID: "x", namespace: namespace)
            }
            #expect(error.code == .runtimeUnavailable)
            #expect(error.description.contains("containernetworking-plugins"), "\(error)")
        }
    }

    @Test("cancelling an attachment leaves nothing behind")
    func cancelled() async throws {
        let network = try network(5)
        try await withNamespace { namespace, _ in
            for milliseconds in [0, 5, 20, 60] {
                let attempt = Task { try await network.attach(containerID: "stop", namespace: namespace) }
                try await Task.sleep(for: .milliseconds(milliseconds))
                attempt.cancel()
                if case .success = await attempt.result {
                    try await network.detach(containerID: "stop", namespace: namespace)
                }
                #expect(leases(network).isEmpty)
                #expect(ports(network).isEmpty)
            }
        }
        try remove(network)
    }

    @Test("the machine's own network is never taken for a sandbox's")
    func ownNetwork() throws {
        let error = try #require(throws: SandboxError.self) { try NetworkNamespace(processID: UInt32(getpid())) }
        #expect(error.message.contains("the machine's own network"))
        #expect(throws: SandboxError.self) { try NetworkNamespace(processID: UInt32(Int32.max)) }
    }

    // MARK: - Processes in network namespaces

    private func withNamespace(_ body: (NetworkNamespace, UInt32) async throws -> Void) async throws {
        _ = try await Subprocess.run(
            .name("unshare"),
            arguments: ["--net", "sh", "-c", "echo up; exec sleep infinity"],
            input: .none,
            output: .sequence,
            error: .discarded
        ) { execution in
            // The line comes after the namespace was made.
            for try await _ in execution.standardOutput { break }
            let process = UInt32(execution.processIdentifier.value)
            do {
                try await body(try NetworkNamespace(processID: process), process)
            } catch {
                try execution.send(signal: .kill)
                throw error
            }
            try execution.send(signal: .kill)
        }
    }

    private func withNamespaces(
        _ count: Int,
        _ body: ([NetworkNamespace]) async throws -> Void,
        having others: [NetworkNamespace] = []
    ) async throws {
        guard count > 0 else { return try await body(others) }
        try await withNamespace { namespace, _ in
            try await withNamespaces(count - 1, body, having: others + [namespace])
        }
    }

    private func output(_ program: String, _ arguments: [String]) async throws -> String {
        let result = try await Subprocess.run(
            .name(program),
            arguments: .init(arguments),
            output: .string(limit: 1 << 16),
            error: .discarded
        )
        return result.standardOutput
    }

    /// The kernel takes the interfaces of a namespace that is gone away in its own time and tells nobody.
    private func untilPortsAreGone(_ network: SandboxNetwork) async throws {
        for _ in 0..<500 where !ports(network).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        #expect(ports(network).isEmpty)
    }
}
