// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import TestSupport

/// A namespace of the tests' cluster in which upstream's controller, as far as it is played, and ours work on one version of the
/// AgentSandbox dialect.
struct AgentSandboxCluster<Version: AgentSandboxVersion>: Sendable {
    typealias Sandbox = AgentSandbox<Version>

    let cluster: SandboxCluster
    let sandboxes: ResourceClient<Sandbox>
    let upstream: UpstreamAgentSandbox<Version>

    init(_ cluster: SandboxCluster) {
        self.cluster = cluster
        sandboxes = cluster.client.resource(in: .named(cluster.namespace))
        upstream = UpstreamAgentSandbox(cluster.client, in: cluster.namespace)
    }

    /// Runs `body` with a namespace of its own, in which both controllers work.
    ///
    /// - Parameters:
    ///   - isControlled: Whether ours works, or the body starts one itself.
    ///   - configuring: What ours is told besides.
    ///   - configure: Makes snapshots be taken by Jobs, as it says.
    static func run(
        provider: InstantProvider = InstantProvider(),
        isControlled: Bool = true,
        configuring: @escaping @Sendable (inout SandboxControllerSettings) -> Void = { _ in },
        capturing configure: ((inout CommitJobSettings) -> Void)? = nil,
        _ body: @escaping @Sendable (AgentSandboxCluster) async throws -> Void
    ) async throws {
        try await KubernetesTestbed.defineAgentSandbox()
        try await SandboxCluster.run(
            provider: provider,
            configuring: {
                $0.dialects.insert(.agentSandbox)
                $0.agentSandboxVersion = Version.version
                configuring(&$0)
            },
            isControlled: isControlled,
            capturing: configure
        ) { cluster in
            let agents = AgentSandboxCluster(cluster)
            try await agents.waitUntilServed()
            do {
                try await agents.withUpstream { try await body(agents) }
                try await agents.letGo()
            } catch {
                try? await agents.letGo()
                throw error
            }
        }
    }

    /// Runs `body` while upstream's controller works.
    func withUpstream(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await upstream.run() }
            group.addTask { try await body() }
            // The other one goes on for ever.
            try await group.next()
            group.cancelAll()
        }
    }

    /// Returns when the kind is served: the API server says that it is established a moment before.
    private func waitUntilServed() async throws {
        for attempt in 1... {
            do {
                _ = try await sandboxes.list()
                return
            } catch let error as KubeError where error.statusCode == 404 && attempt < 1200 {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Takes the finalizers away, of which soon no controller is there to do it any more, and the pods that no kubelet takes away.
    private func letGo() async throws {
        for pod in try await cluster.pods.list().items where pod.spec.nodeName == Self.paperNode {
            do {
                _ = try await cluster.pods.delete(pod.metadata.name, DeleteOptions(gracePeriodSeconds: 0))
            } catch let error as KubeError where error.isNotFound {
                continue
            }
        }
        for object in try await sandboxes.list().items where !object.metadata.finalizers.isEmpty {
            _ = try await sandboxes.patch(object.metadata.name, .merge(MergePatch(["metadata": ["finalizers": .null]])))
        }
    }

    // MARK: - What its owner does

    /// One container that runs until it is told to end.
    var template: JSONValue {
        [
            "metadata": ["labels": ["app": "box"]],
            "spec": [
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    [
                        "name": "main", "image": .string(cluster.image),
                        "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"],
                    ]
                ],
            ],
        ]
    }

    /// A node that there is none of.
    private static var paperNode: String { "paper" }

    /// A pod that stands only in the API server; see `SandboxCluster.whilePodsAreReady`. Its node is none, and the
    /// testbed leaves such pods alone.
    static var paperTemplate: JSONValue {
        [
            "spec": [
                "nodeName": .string(paperNode), "automountServiceAccountToken": false,
                "containers": [["name": "main", "image": "none"]],
            ]
        ]
    }

    @discardableResult
    func create(_ name: String, _ change: (inout Sandbox) throws -> Void = { _ in }) async throws -> Sandbox {
        var sandbox = Sandbox()
        sandbox.metadata.name = name
        sandbox.spec.podTemplate = RawJSON(template)
        try change(&sandbox)
        return try await sandboxes.create(sandbox)
    }

    func edit(_ name: String, _ change: JSONValue) async throws {
        _ = try await sandboxes.patch(name, .merge(MergePatch(change)), WriteOptions(fieldManager: "user"))
    }

    /// Asks for a suspension with a snapshot, or takes that back.
    func setSuspend(_ suspend: Bool, of name: String) async throws {
        try await edit(name, ["metadata": ["annotations": ["stasis.dev/suspend": suspend ? "true" : "false"]]])
    }

    /// Sets the mode as upstream's clients do, who know nothing of snapshots.
    func setSuspendedDirectly(_ isSuspended: Bool, of name: String) async throws {
        let spec: JSONValue =
            switch Version.version {
            case .v1beta1: ["operatingMode": isSuspended ? "Suspended" : "Running"]
            case .v1alpha1: ["replicas": isSuspended ? 0 : 1]
            }
        try await edit(name, ["spec": spec])
    }

    // MARK: - What is awaited

    /// Waits until a sandbox is as it should be.
    @discardableResult
    func wait(for name: String, until isSo: @escaping @Sendable (Sandbox) -> Bool) async throws -> Sandbox {
        try await cluster.wait(in: sandboxes, for: name) { change in
            if case .deleted = change { return nil }
            return isSo(change.object) ? change.object : nil
        }
    }

    /// Waits until a sandbox runs, by what upstream's controller says.
    @discardableResult
    func waitUntilReady(_ name: String) async throws -> Sandbox {
        try await wait(for: name) { $0.status?.conditions.isTrue("Ready") == true && !$0.isSuspended }
    }

    /// Waits until a sandbox that was resumed runs, by what both controllers say.
    @discardableResult
    func waitUntilResumed(_ name: String) async throws -> Sandbox {
        try await wait(for: name) {
            $0.state == "Running" && !$0.isSuspended && $0.status?.conditions.isTrue("Ready") == true
        }
    }

    /// Waits until a sandbox is suspended with a snapshot, by what both controllers say.
    @discardableResult
    func waitUntilSuspended(_ name: String) async throws -> Sandbox {
        try await wait(for: name) { $0.state == "Suspended" && $0.status?.conditions.isTrue("Suspended") == true }
    }

    /// Waits until a message begins with a reason.
    @discardableResult
    func wait(for name: String, toSay reason: String) async throws -> Sandbox {
        try await wait(for: name) { $0.message?.hasPrefix("\(reason): ") == true }
    }

    /// Waits until an Event tells something of an object.
    @discardableResult
    func waitForEvent(_ reason: String, about name: String) async throws -> Event {
        let events: ResourceClient<Event> = cluster.client.resource(in: .named(cluster.namespace))
        return try await cluster.wait(in: events, for: reason, isName: { _ in true }) { change in
            let event = change.object
            return event.reason == reason && event.regarding?.name == name ? event : nil
        }
    }

    /// Whether nobody but upstream's controller has ever written to the status of a sandbox.
    func isStatusUpstreams(of name: String) async throws -> Bool {
        let writers = try await sandboxes.get(name).metadata.managedFields.filter(\.writesStatus).map(\.manager)
        return Set(writers) == [UpstreamAgentSandbox<Version>.manager]
    }
}

extension AgentSandbox {
    /// What our controller says of it.
    var state: String? { metadata.annotations[AgentSandboxes.Annotation.state] }
    var message: String? { metadata.annotations[AgentSandboxes.Annotation.message] }
    var suspend: String? { metadata.annotations[AgentSandboxes.Annotation.suspend] }

    /// The image that its next pod starts from.
    var image: String? { (try? podTemplate())?.spec.containers.first?.image }
}

extension ManagedFieldsEntry {
    /// Whether a status was written, whoever has done that.
    fileprivate var writesStatus: Bool {
        let fields: JSONValue? = fieldsV1.flatMap { try? $0.decoded() }
        return subresource == "status" || fields?["f:status"] != nil
    }
}

extension KubernetesTestbed {
    /// Once for a process: two that apply a definition which is not there yet disturb each other.
    private static let agentSandboxDefinitions = Task {
        for name in ["sandboxes", "sandboxtemplates"] {
            let folder = URL(filePath: #filePath).appending(path: "../../../AgentSandboxDefinitions").standardized
            let file = folder.appending(path: "\(name).yaml")
            try await find().kubectl("apply", "--filename", file.path())
        }
    }

    /// Has the cluster know upstream's kinds. They are left in place: others use them at the same time.
    static func defineAgentSandbox() async throws { try await agentSandboxDefinitions.value }
}
