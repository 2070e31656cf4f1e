// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import TestSupport

/// A namespace of the tests' cluster in which a controller works on the Kruise dialect as well.
struct KruiseCluster: Sendable {
    let cluster: SandboxCluster
    let sandboxes: ResourceClient<KruiseSandbox>
    let templates: ResourceClient<KruiseSandboxTemplate>
    let claims: ResourceClient<PersistentVolumeClaim>

    init(_ cluster: SandboxCluster) {
        let scope = NamespaceScope.named(cluster.namespace)
        self.cluster = cluster
        sandboxes = cluster.client.resource(in: scope)
        templates = cluster.client.resource(in: scope)
        claims = cluster.client.resource(in: scope)
    }

    /// Runs `body` with a namespace of its own, in which a controller works.
    ///
    /// - Parameters:
    ///   - isControlled: Whether a controller works, or the body starts one itself.
    ///   - configure: Makes snapshots be taken by Jobs, as it says.
    static func run(
        provider: InstantProvider = InstantProvider(),
        isControlled: Bool = true,
        capturing configure: ((inout CommitJobSettings) -> Void)? = nil,
        _ body: @escaping @Sendable (KruiseCluster) async throws -> Void
    ) async throws {
        try await KubernetesTestbed.defineKruise()
        try await SandboxCluster.run(
            provider: provider,
            configuring: { $0.dialects.insert(.kruise) },
            isControlled: isControlled,
            capturing: configure
        ) { cluster in
            let kruise = KruiseCluster(cluster)
            do {
                try await body(kruise)
                try await kruise.letGo()
            } catch {
                try? await kruise.letGo()
                throw error
            }
        }
    }

    /// Takes the finalizers away, of which soon no controller is there to do it any more.
    private func letGo() async throws {
        for object in try await sandboxes.list().items where !object.metadata.finalizers.isEmpty {
            _ = try await sandboxes.patch(object.metadata.name, .merge(MergePatch(["metadata": ["finalizers": .null]])))
        }
    }

    // MARK: - What its owner does

    /// What sandboxes are made from: one container that runs until it is told to end.
    func template(_ command: String = "trap 'exit 0' TERM; while :; do sleep 1; done") -> JSONValue {
        [
            "metadata": ["labels": ["app": "box"]],
            "spec": [
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    ["name": "main", "image": .string(cluster.image), "command": ["/bin/sh", "-c", .string(command)]]
                ],
            ],
        ]
    }

    @discardableResult
    func create(
        _ name: String,
        _ change: (inout KruiseSandbox) throws -> Void = { _ in }
    ) async throws -> KruiseSandbox {
        var sandbox = KruiseSandbox()
        sandbox.metadata.name = name
        sandbox.spec.template = RawJSON(template())
        try change(&sandbox)
        return try await sandboxes.create(sandbox)
    }

    func setPaused(_ paused: Bool, of name: String) async throws {
        try await edit(name, ["spec": ["paused": .bool(paused)]])
    }

    func edit(_ name: String, _ change: JSONValue) async throws {
        _ = try await sandboxes.patch(name, .merge(MergePatch(change)))
    }

    // MARK: - What is awaited

    /// Waits until a sandbox is as it should be.
    @discardableResult
    func wait(for name: String, until isSo: @escaping @Sendable (KruiseSandbox) -> Bool) async throws -> KruiseSandbox {
        try await cluster.wait(in: sandboxes, for: name) { change in
            if case .deleted = change { return nil }
            return isSo(change.object) ? change.object : nil
        }
    }

    /// Waits until a sandbox runs and is ready.
    @discardableResult
    func waitUntilReady(_ name: String) async throws -> KruiseSandbox {
        try await wait(for: name) { $0.status?.phase == .running && $0.status?.conditions.isTrue("Ready") == true }
    }

    /// Waits until a sandbox is paused and no less.
    @discardableResult
    func waitUntilPaused(_ name: String) async throws -> KruiseSandbox {
        try await wait(for: name) { $0.status?.conditions.isTrue("SandboxPaused") == true }
    }

    /// Waits until a pause has not come about.
    @discardableResult
    func waitForFailedPause(of name: String) async throws -> KruiseSandbox {
        try await wait(for: name) {
            $0.status?.phase == .running && $0.status?.conditions["SandboxPaused"]?.reason == "CheckpointFailed"
        }
    }

    /// Waits until an Event tells something of an object.
    func waitForEvent(_ reason: String, about name: String) async throws -> Event {
        let events: ResourceClient<Event> = cluster.client.resource(in: .named(cluster.namespace))
        return try await cluster.wait(in: events, for: reason, isName: { _ in true }) { change in
            let event = change.object
            return event.reason == reason && event.regarding?.name == name ? event : nil
        }
    }
}
