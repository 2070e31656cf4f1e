// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SnapshotProvider
import TestSupport

@testable import Controller
@testable import SandboxModels

/// A namespace of the tests' cluster in which Checkpoints are worked on, and nothing else: what sandboxes and snapshots come to is
/// played.
struct CheckpointCluster: Sendable {
    let cluster: SandboxCluster
    let provider: PlayedProvider
    let policy: SnapshotDeletePolicy
    let checkpoints: ResourceClient<KruiseCheckpoint>
    let sandboxes: ResourceClient<KruiseSandbox>
    let templates: ResourceClient<KruiseSandboxTemplate>

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` with a namespace of its own.
    ///
    /// - Parameters:
    ///   - provider: What can be captured.
    ///   - policy: What becomes of images.
    ///   - isControlled: Whether a controller works, or the body starts one itself.
    static func run(
        provider: PlayedProvider = PlayedProvider(),
        policy: SnapshotDeletePolicy = .retain,
        isControlled: Bool = true,
        _ body: @escaping @Sendable (CheckpointCluster) async throws -> Void
    ) async throws {
        try await KubernetesTestbed.defineKruise()
        try await SandboxCluster.run(isControlled: false) { cluster in
            try await waitUntilServed(cluster.client)
            let scope = NamespaceScope.named(cluster.namespace)
            let own = CheckpointCluster(
                cluster: cluster,
                provider: provider,
                policy: policy,
                checkpoints: cluster.client.resource(in: scope),
                sandboxes: cluster.client.resource(in: scope),
                templates: cluster.client.resource(in: scope)
            )
            do {
                if isControlled {
                    try await own.control { try await body(own) }
                } else {
                    try await body(own)
                }
                try await own.letGo()
            } catch {
                try? await own.letGo()
                throw error
            }
        }
    }

    /// Takes the finalizers away, of which no controller is there to do it any more.
    private func letGo() async throws {
        let change = MergePatch(["metadata": ["finalizers": .null]])
        for object in try await checkpoints.list().items where !object.metadata.finalizers.isEmpty {
            _ = try await checkpoints.patch(object.metadata.name, .merge(change))
        }
    }

    private static func waitUntilServed(_ client: KubeClient) async throws {
        for attempt in 1... {
            do {
                _ = try await client.resource(KruiseCheckpoint.self, in: .named("default")).list()
                _ = try await client.resource(KruiseSandbox.self, in: .named("default")).list()
                _ = try await client.resource(KruiseSandboxTemplate.self, in: .named("default")).list()
                return
            } catch let error as KubeError where error.statusCode == 404 && attempt < 1200 {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Runs `body` while a controller works.
    ///
    /// - Parameters:
    ///   - client: What it works with; nil for the test's own.
    ///   - offset: By how many seconds its clock is ahead.
    func control(
        _ client: KubeClient? = nil,
        ahead offset: Double = 0,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let client = client ?? cluster.client
        let scope = NamespaceScope.named(cluster.namespace)
        let recorder = EventRecorder(sandboxes: client, instance: "test", logger: Self.logger)
        let checkpoints = Informer<KruiseCheckpoint>(
            client.resource(in: scope),
            indexes: [.sandbox],
            logger: Self.logger
        )
        let sandboxes = Informer<KruiseSandbox>(client.resource(in: scope), indexes: [.template], logger: Self.logger)
        let templates = Informer<KruiseSandboxTemplate>(client.resource(in: scope), logger: Self.logger)
        let snapshots = Informer<SandboxSnapshot>(client.resource(in: scope), indexes: [.sandbox], logger: Self.logger)
        let providers = SnapshotProviders(provider)
        var settings = SandboxControllerSettings()
        settings.registry = "registry.example/sandboxes"
        settings.pullSecret = "pull"
        settings.snapshotDeletePolicy = policy
        let reconciler = CheckpointReconciler(
            checkpoints: checkpoints,
            sandboxes: KruiseSandboxes(sandboxes: sandboxes, templates: templates),
            snapshots: snapshots,
            client: client,
            providers: providers,
            deletion: ImageDeletion(client, providers: providers, dialects: [.openSandbox, .kruise], metrics: nil),
            settings: settings,
            recorder: recorder,
            logger: Self.logger,
            now: { Date().addingTimeInterval(offset) }
        )
        let controller = reconciler.controller(workers: 2, metrics: nil, logger: Self.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await checkpoints.run() }
            group.addTask { try await sandboxes.run() }
            group.addTask { try await templates.run() }
            group.addTask { try await snapshots.run() }
            group.addTask { try await recorder.run() }
            group.addTask { try await controller.run() }
            group.addTask { try await body() }
            // The others go on for ever.
            try await group.next()
            group.cancelAll()
        }
    }

    // MARK: - What its owner does

    /// A sandbox with two containers, one of which the schema would not know.
    @discardableResult
    func createSandbox(
        _ name: String,
        _ change: (inout KruiseSandbox) throws -> Void = { _ in }
    ) async throws -> KruiseSandbox {
        var sandbox = KruiseSandbox()
        sandbox.metadata.name = name
        sandbox.spec.template = try RawJSON(Self.template)
        try change(&sandbox)
        return try await sandboxes.create(sandbox)
    }

    static let template = """
        {"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"main","image":"busybox:1","later":{"x":1}},\
        {"name":"side","image":"busybox:1"}],"restartPolicy":"Always"}}
        """

    @discardableResult
    func createCheckpoint(
        _ name: String,
        of sandbox: String?,
        _ change: (inout KruiseCheckpoint) -> Void = { _ in }
    ) async throws -> KruiseCheckpoint {
        var checkpoint = KruiseCheckpoint()
        checkpoint.metadata.name = name
        checkpoint.spec.podName = sandbox
        change(&checkpoint)
        return try await checkpoints.create(checkpoint)
    }

    func edit(checkpoint name: String, _ change: JSONValue) async throws {
        _ = try await checkpoints.patch(name, .merge(MergePatch(change)))
    }

    // MARK: - What is awaited

    @discardableResult
    func wait(
        for name: String,
        until isSo: @escaping @Sendable (KruiseCheckpoint) -> Bool
    ) async throws -> KruiseCheckpoint {
        try await cluster.wait(in: checkpoints, for: name) { change in
            if case .deleted = change { return nil }
            return isSo(change.object) ? change.object : nil
        }
    }

    @discardableResult
    func wait(
        forSandbox name: String,
        until isSo: @escaping @Sendable (KruiseSandbox) -> Bool
    ) async throws -> KruiseSandbox {
        try await cluster.wait(in: sandboxes, for: name) { change in
            if case .deleted = change { return nil }
            return isSo(change.object) ? change.object : nil
        }
    }

    func waitForFailure(of name: String) async throws -> Problem {
        let failed = try await wait(for: name) { $0.status?.phase == .failed }
        let condition = failed.status?.conditions["Failed"]
        return Problem(condition?.reason ?? "", failed.status?.message ?? "")
    }

    // MARK: - What is played

    /// Waits for the snapshot of a checkpoint, and has it come to something.
    @discardableResult
    func play(
        _ name: String,
        _ change: (inout SandboxSnapshotStatus) -> Void
    ) async throws -> SandboxSnapshot {
        let snapshot = try await cluster.wait(forSnapshot: name) { $0.metadata.deletionTimestamp == nil }
        var status = SandboxSnapshotStatus()
        change(&status)
        let document = try JSONValue(encoding: status)
        return try await cluster.snapshots.patch(
            snapshot.metadata.name,
            .merge(MergePatch(["status": document])),
            subresource: .status
        )
    }

    /// Has the snapshot of a checkpoint succeed.
    @discardableResult
    func playSuccess(_ name: String) async throws -> SandboxSnapshot {
        try await play(name) { $0 = Self.success }
    }

    static let success = SandboxSnapshotStatus.with {
        $0.phase = .succeed
        $0.frozenMilliseconds = 42
        $0.platform = "linux/amd64"
        $0.provider = "played"
        $0.containers = ["main", "side"].map { name in
            .with {
                $0.containerName = name
                $0.imageUri = "registry.example/sandboxes/web-\(name):snap-1"
                $0.imageDigest = digest(name)
                $0.size = 7
            }
        }
        $0.conditions["Ready"] = .with {
            $0.type = "Ready"
            $0.status = "True"
        }
    }

    static func digest(_ name: String) -> String {
        "sha256:" + String(repeating: name == "main" ? "a" : "b", count: 64)
    }

    static let artifact = Artifact(
        provider: "played",
        parts: ["main", "side"].map {
            .init(
                container: $0,
                reference: "registry.example/sandboxes/web-\($0):snap-gen2",
                digest: digest($0),
                size: 7
            )
        },
        platform: "linux/amd64"
    )

    /// Has the machine of a sandbox come to something.
    func play(
        sandbox name: String,
        _ phase: Phase,
        _ stage: AggregateRecord.Stage = .running,
        artifact: Artifact? = nil,
        failure: Problem? = nil
    ) async throws {
        let sandbox = try await sandboxes.get(name)
        let intent = sandbox.pauseIntent(after: try PauseIntent(recordedIn: sandbox.metadata))
        var recorded = Recorded(identity: "\(name)-0", now: Date(timeIntervalSince1970: 1_794_000_000))
        recorded.phase = phase
        recorded.artifact = artifact
        var record = AggregateRecord(identity: name)
        record.stage = stage
        record.acknowledged = intent.statements
        record.pauseFailure = failure
        record.members = [
            .init(index: 0, wish: stage == .running ? .running : .paused, generation: 1, recorded: recorded)
        ]
        let text = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        let annotations: JSONValue = [
            OpenSandbox.Annotation.record: .string(text), OpenSandbox.Annotation.intent: .string(intent.jsonText),
        ]
        _ = try await sandboxes.patch(name, .merge(MergePatch(["metadata": ["annotations": annotations]])))
    }
}
