// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import TestSupport

import struct Foundation.Date

@testable import KruiseRuntime

/// A namespace of the tests' cluster with a played controller, and servers before it.
struct KruiseCluster: Sendable {
    let namespace: String
    let client: KubeClient
    /// A server.
    let server: KruiseRuntime
    /// Another one before the same namespace.
    let other: KruiseRuntime
    let controller: PlayedController

    let sandboxes: ResourceClient<KruiseSandbox>
    let sets: ResourceClient<KruiseSandboxSet>
    let templates: ResourceClient<KruiseSandboxTemplate>
    let checkpoints: ResourceClient<KruiseCheckpoint>

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` with a namespace of its own.
    ///
    /// - Parameter configure: Changes how the servers wait.
    static func run(
        _ configure: (inout KruiseRuntimeConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (KruiseCluster) async throws -> Void
    ) async throws {
        try await KubernetesTestbed.defineKruise()
        let configuration = try KubeClientConfiguration(Kubeconfig.load(files: [KubernetesTestbed.find().kubeconfig]))
        let name = "kruise-test-\(UInt32.random(in: 0 ... .max))"
        var settings = KruiseRuntimeConfiguration(namespace: name)
        configure(&settings)
        let chosen = settings
        try await withKubeClient(configuration, logger: logger) { client in
            let cluster = KruiseCluster(
                namespace: name,
                client: client,
                server: KruiseRuntime(chosen, client: client, logger: logger),
                other: KruiseRuntime(chosen, client: client, logger: logger),
                controller: PlayedController(client, namespace: name, logger: logger),
                sandboxes: client.resource(in: .named(name)),
                sets: client.resource(in: .named(name)),
                templates: client.resource(in: .named(name)),
                checkpoints: client.resource(in: .named(name))
            )
            try await waitUntilServed(cluster)
            let namespaces = client.resource(Namespace.self)
            _ = try await namespaces.create(.with { $0.metadata.name = name })
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await cluster.server.run() }
                    group.addTask { try await cluster.other.run() }
                    group.addTask { try await cluster.controller.run() }
                    group.addTask { try await body(cluster) }
                    // The others go on for ever.
                    try await group.next()
                    group.cancelAll()
                }
            } catch {
                _ = try? await namespaces.delete(name)
                throw error
            }
            _ = try await namespaces.delete(name)
        }
    }

    /// Returns when the kinds are served: the API server says that they are established a moment before.
    private static func waitUntilServed(_ cluster: KruiseCluster) async throws {
        for attempt in 1... {
            do {
                _ = try await cluster.sandboxes.list()
                _ = try await cluster.checkpoints.list()
                _ = try await cluster.sets.list()
                _ = try await cluster.templates.list()
                return
            } catch let error as KubeError where error.statusCode == 404 && attempt < 1200 {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    // MARK: - What its owner does

    /// Creates a template.
    func createTemplate(_ name: String) async throws {
        _ = try await templates.create(
            .with {
                $0.metadata.name = name
                $0.spec.template = RawJSON(Self.pods)
            }
        )
    }

    /// Creates a set and its free sandboxes, which are ready, and returns when the servers know of them.
    func createSet(_ name: String, ready: Int) async throws {
        let set = try await sets.create(
            .with {
                $0.metadata.name = name
                $0.spec.replicas = ready
                $0.spec.template = RawJSON(Self.pods)
            }
        )
        for _ in 0..<ready { try await addToSet(set) }
        for server in [server, other] {
            for await _ in server.setInformer.changes where server.setInformer.store[namespace, name] != nil { break }
            guard ready > 0 else { continue }
            var free: Set<String> = []
            for await change in server.objects.informer.changes where change.object.setReference?.name == name {
                if change.object.isReady { free.insert(change.object.metadata.name) }
                if free.count == ready { break }
            }
        }
    }

    /// Adds a free sandbox to a set.
    func addToSet(_ set: KruiseSandboxSet) async throws {
        _ = try await sandboxes.create(
            .with {
                $0.metadata.generateName = "\(set.metadata.name)-"
                $0.metadata.labels = [
                    Kruise.Label.sandboxPool: set.metadata.name, Kruise.Label.sandboxClaimed: "false",
                ]
                $0.metadata.ownerReferences = [set.controllerReference()]
                $0.spec.template = set.spec.template
            }
        )
    }

    /// Creates a sandbox by way of a server.
    ///
    /// - Parameters:
    ///   - seconds: How much time it has; nil: no end.
    ///   - change: What else is asked for.
    func create(
        _ template: String,
        metadata: [String: String] = [:],
        for seconds: Double? = 600,
        owner: String = "me",
        by server: KruiseRuntime? = nil,
        _ change: (inout SandboxSpec) -> Void = { _ in }
    ) async throws -> Sandbox {
        var spec = SandboxSpec(image: "", metadata: metadata, owner: owner, template: template)
        change(&spec)
        let end = seconds.map { Date().addingTimeInterval($0) }
        return try await (server ?? self.server).create(spec, credentials: nil, expiresAt: end)
    }

    /// The object of a sandbox.
    func object(_ id: String) async throws -> KruiseSandbox {
        try await sandboxes.get(String(id.dropFirst(namespace.count + 2)))
    }

    /// A sandbox once it is in a state.
    func sandbox(_ id: String, in state: SandboxStatus.State, by server: KruiseRuntime? = nil) async throws -> Sandbox {
        for await sandbox in try await (server ?? self.server).changes(of: id) where sandbox.status.state == state {
            return sandbox
        }
        throw SandboxError(.notFound, "\(id) is gone before it was \(state)")
    }

    private static let pods = PodTemplateSpec.with {
        $0.spec.containers = [
            .with {
                $0.name = "main"
                $0.image = "registry.example/demo:1"
                $0.resources = .with {
                    $0.limits = ["cpu": Quantity("1") ?? 0, "memory": Quantity("64Mi") ?? 0]
                }
            }
        ]
    }
}
