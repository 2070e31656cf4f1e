// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import TestSupport

@testable import Controller

/// A namespace of the tests' cluster in which sets and claims are seen to, and in which a test plays what sees to the sandboxes.
struct ClaimCluster: Sendable {
    let namespace: String
    let client: KubeClient
    let base: SandboxCluster
    let sets: ResourceClient<KruiseSandboxSet>
    let claims: ResourceClient<KruiseSandboxClaim>
    let sandboxes: ResourceClient<KruiseSandbox>
    let templates: ResourceClient<KruiseSandboxTemplate>
    let checkpoints: ResourceClient<KruiseCheckpoint>

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` with a namespace of its own.
    ///
    /// - Parameters:
    ///   - isControlled: Whether controllers work, or the body starts some itself.
    ///   - play: What becomes of a sandbox that is new; nil for nothing.
    static func run(
        isControlled: Bool = true,
        play: @escaping @Sendable (KruiseSandbox) -> KruiseSandboxStatus? = { _ in .running },
        _ body: @escaping @Sendable (ClaimCluster) async throws -> Void
    ) async throws {
        try await KubernetesTestbed.defineKruise()
        try await SandboxCluster.run(isControlled: false) { base in
            let scope = NamespaceScope.named(base.namespace)
            let cluster = ClaimCluster(
                namespace: base.namespace,
                client: base.client,
                base: base,
                sets: base.client.resource(in: scope),
                claims: base.client.resource(in: scope),
                sandboxes: base.client.resource(in: scope),
                templates: base.client.resource(in: scope),
                checkpoints: base.client.resource(in: scope)
            )
            try await cluster.waitUntilServed()
            try await cluster.playing(play) {
                guard isControlled else { return try await body(cluster) }
                try await cluster.control(cluster.client) { try await body(cluster) }
            }
        }
    }

    /// Runs `body` while controllers of sets and claims work.
    func control(_ client: KubeClient, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let scope = NamespaceScope.named(namespace)
        let sets = Informer<KruiseSandboxSet>(
            client.resource(in: scope),
            indexes: [.templateRef],
            logger: Self.logger
        )
        let claims = Informer<KruiseSandboxClaim>(client.resource(in: scope), indexes: [.source], logger: Self.logger)
        let checkpoints = Informer<KruiseCheckpoint>(client.resource(in: scope), logger: Self.logger)
        let templates = Informer<KruiseSandboxTemplate>(
            client.resource(in: scope),
            indexes: [.owner],
            logger: Self.logger
        )
        let sandboxes = Informer<KruiseSandbox>(
            client.resource(in: scope),
            indexes: [.owner, .claimOwner],
            logger: Self.logger
        )
        let recorder = EventRecorder(sandboxes: client, instance: "test", logger: Self.logger)
        let setController = SandboxSetController(
            client,
            sets: sets,
            sandboxes: sandboxes,
            templates: templates,
            recorder: recorder,
            metrics: base.metrics,
            logger: Self.logger
        )
        let claimController = SandboxClaimController(
            client,
            claims: claims,
            sets: sets,
            checkpoints: checkpoints,
            templates: templates,
            sandboxes: sandboxes,
            recorder: recorder,
            metrics: base.metrics,
            logger: Self.logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sets.run() }
            group.addTask { try await claims.run() }
            group.addTask { try await checkpoints.run() }
            group.addTask { try await templates.run() }
            group.addTask { try await sandboxes.run() }
            group.addTask { try await recorder.run() }
            group.addTask { try await setController.run() }
            group.addTask { try await claimController.run() }
            group.addTask { try await body() }
            // The others go on for ever.
            try await group.next()
            group.cancelAll()
        }
    }

    /// Says of each new sandbox what becomes of it, while `body` runs.
    private func playing(
        _ play: @escaping @Sendable (KruiseSandbox) -> KruiseSandboxStatus?,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let informer = Informer(sandboxes, logger: Self.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informer.run() }
            group.addTask {
                for await change in informer.changes {
                    if case .deleted = change { continue }
                    let sandbox = change.object
                    guard sandbox.status == nil, sandbox.metadata.deletionTimestamp == nil, let status = play(sandbox)
                    else {
                        continue
                    }
                    try await say(status, of: sandbox.metadata.name)
                }
            }
            group.addTask { try await body() }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Says how a sandbox is.
    func say(_ status: KruiseSandboxStatus, of name: String) async throws {
        do {
            let change: JSONValue = ["status": try JSONValue(encoding: status)]
            _ = try await sandboxes.patch(name, .merge(MergePatch(change)), subresource: .status)
        } catch let error as KubeError where error.isNotFound {
            return
        }
    }

    private func waitUntilServed() async throws {
        for attempt in 1... {
            do {
                _ = try await sets.list()
                _ = try await claims.list()
                _ = try await sandboxes.list()
                _ = try await templates.list()
                _ = try await checkpoints.list()
                return
            } catch let error as KubeError where error.statusCode == 404 && attempt < 1200 {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    // MARK: - What its owner does

    @discardableResult
    func createSet(_ name: String, replicas: Int, _ change: (inout KruiseSandboxSet) -> Void = { _ in }) async throws
        -> KruiseSandboxSet
    {
        var set = KruiseSandboxSet()
        set.metadata.name = name
        set.spec.replicas = replicas
        set.spec.template = Self.template("one")
        change(&set)
        return try await sets.create(set)
    }

    @discardableResult
    func createClaim(
        _ name: String,
        of template: String,
        _ change: (inout KruiseSandboxClaimSpec) -> Void = { _ in }
    ) async throws -> KruiseSandboxClaim {
        var claim = KruiseSandboxClaim()
        claim.metadata.name = name
        claim.spec.templateName = template
        change(&claim.spec)
        return try await claims.create(claim)
    }

    /// A template of pods that no node has to do with.
    static func template(_ version: String) -> RawJSON {
        let template: JSONValue = [
            "metadata": ["labels": ["version": .string(version)]],
            "spec": ["schedulerName": "nobody", "containers": [["name": "main", "image": "none"]]],
        ]
        return RawJSON(template)
    }

    func edit<Object: KubeResource>(_ objects: ResourceClient<Object>, _ name: String, _ change: JSONValue) async throws
    {
        _ = try await objects.patch(name, .merge(MergePatch(change)))
    }

    // MARK: - Waiting

    /// Waits until the objects of a kind are together as they should be.
    @discardableResult
    func wait<Object: KubeResource>(
        for objects: ResourceClient<Object>,
        until isSo: @escaping @Sendable ([Object]) -> Bool
    ) async throws -> [Object] {
        let informer = Informer(objects, logger: Self.logger)
        let found = try await withThrowingTaskGroup(of: [Object]?.self) { group in
            group.addTask {
                try await informer.run()
                return nil
            }
            group.addTask {
                try await informer.waitUntilSynced()
                let now = informer.store.objects
                if isSo(now) { return now }
                for await _ in informer.changes {
                    let now = informer.store.objects
                    if isSo(now) { return now }
                }
                return nil
            }
            group.addTask {
                try await Task.sleep(for: .seconds(120))
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        guard let found else {
            let last = try await objects.list().items.map(\.jsonText).joined(separator: "\n")
            throw SandboxCluster.NotSo(last: last, calls: [])
        }
        return found
    }

    @discardableResult
    func wait(
        forSet name: String,
        until isSo: @escaping @Sendable (KruiseSandboxSetStatus) -> Bool
    ) async throws -> KruiseSandboxSet {
        let all = try await wait(for: sets) { $0.contains { $0.metadata.name == name && $0.status.map(isSo) ?? false } }
        return all.first { $0.metadata.name == name } ?? KruiseSandboxSet()
    }

    @discardableResult
    func wait(
        forClaim name: String,
        until isSo: @escaping @Sendable (KruiseSandboxClaimStatus) -> Bool
    ) async throws -> KruiseSandboxClaim {
        let all = try await wait(for: claims) {
            $0.contains { $0.metadata.name == name && $0.status.map(isSo) ?? false }
        }
        return all.first { $0.metadata.name == name } ?? KruiseSandboxClaim()
    }

    /// Waits until a claim is at its end.
    @discardableResult
    func waitForEnd(of name: String) async throws -> KruiseSandboxClaim {
        try await wait(forClaim: name) { $0.phase == .completed }
    }

    /// The sandboxes that are a claim's.
    func owned(by claim: KruiseSandboxClaim) async throws -> [KruiseSandbox] {
        try await sandboxes.list().items.filter { $0.isClaimed(by: claim.metadata.uid ?? "") && $0.isActive }
    }

    /// The reasons of the events of an object, as soon as one that is asked for is among them.
    func waitForEvent(_ reason: String, of name: String) async throws {
        let events: ResourceClient<Event> = client.resource(in: .named(namespace))
        try await wait(for: events) { $0.contains { $0.reason == reason && $0.regarding?.name == name } }
    }
}

extension KruiseSandboxClaim {
    /// The reason of its end.
    var end: String? { status?.conditions["Completed"]?.reason }
}

extension KruiseSandboxStatus {
    static func phase(_ phase: KruiseSandboxPhase, isReady: Bool = false) -> KruiseSandboxStatus {
        .with {
            $0.phase = phase
            $0.sandboxIp = "10.0.0.1"
            $0.conditions = [
                .with {
                    ($0.type, $0.status, $0.reason) = ("Ready", isReady ? "True" : "False", "PodReady")
                    $0.lastTransitionTime = Timestamp(seconds: 1)
                    $0.message = "played"
                }
            ]
        }
    }

    static var running: KruiseSandboxStatus { phase(.running, isReady: true) }
}
