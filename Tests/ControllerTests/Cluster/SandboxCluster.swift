// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import NIOCore
import PrometheusMetrics
import SandboxModels
import TestSupport

/// A namespace of the tests' cluster in which a controller works.
struct SandboxCluster: Sendable {
    let namespace: String
    let client: KubeClient
    let testbed: KubernetesTestbed
    let provider: InstantProvider
    /// Others that snapshots may choose.
    var others: [InstantProvider] = []
    /// How sandboxes are really captured; nil if `provider` is to pretend.
    var jobs: CommitJobSettings?
    /// Who decides about evictions from pools, besides the one that is built in.
    var evictionHandlers: [String: any EvictionHandler] = [:]
    /// How long pauses and resumes may take.
    var policy = SandboxControllerSettings().policy
    /// Where its controllers measure.
    let metrics = PrometheusRegistry()
    /// Where snapshots go.
    let registry: String
    let sandboxes: ResourceClient<BatchSandbox>
    let pods: ResourceClient<Pod>
    let snapshots: ResourceClient<SandboxSnapshot>
    /// The image that sandboxes are created from, by tag.
    let image: String
    let secrets: ResourceClient<Secret>
    /// What the controller is told besides.
    var configure: @Sendable (inout SandboxControllerSettings) -> Void = { _ in }

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` with a namespace of its own, in which a controller works.
    ///
    /// - Parameters:
    ///   - registry: Where snapshots go, as the controller is told; nil for where they can go.
    ///   - provider: Who captures.
    ///   - others: Others that snapshots may choose.
    ///   - evictionHandlers: Who decides about evictions from pools, by the name that these choose them by.
    ///   - configuring: What the controller is told besides.
    ///   - isControlled: Whether a controller works, or the body starts one itself.
    ///   - configure: Makes snapshots be taken by Jobs, as it says.
    static func run(
        registry: String? = nil,
        provider: InstantProvider = InstantProvider(),
        others: [InstantProvider] = [],
        evictionHandlers: [String: any EvictionHandler] = [:],
        configuring: @escaping @Sendable (inout SandboxControllerSettings) -> Void = { _ in },
        isControlled: Bool = true,
        capturing configure: ((inout CommitJobSettings) -> Void)? = nil,
        _ body: @escaping @Sendable (SandboxCluster) async throws -> Void
    ) async throws {
        let testbed = try KubernetesTestbed.find()
        var jobs: CommitJobSettings?
        if let configure {
            var settings = try await CommitJobSettings(of: testbed)
            configure(&settings)
            jobs = settings
        }
        let captures = jobs
        try await KubernetesTestbed.defineOpenSandbox()
        let configuration = try KubeClientConfiguration(Kubeconfig.load(files: [testbed.kubeconfig]))
        try await withKubeClient(configuration, logger: logger) { client in
            try await waitUntilServed(client)
            let name = "controller-test-\(UInt32.random(in: 0 ... .max))"
            let namespaces = client.resource(Namespace.self)
            _ = try await namespaces.create(.with { $0.metadata.name = name })
            let cluster = SandboxCluster(
                namespace: name,
                client: client,
                testbed: testbed,
                provider: provider,
                others: others,
                jobs: captures,
                evictionHandlers: evictionHandlers,
                registry: registry
                    ?? (captures == nil ? "registry.example/sandboxes" : "\(testbed.registry)/\(name)"),
                sandboxes: client.resource(in: .named(name)),
                pods: client.resource(in: .named(name)),
                snapshots: client.resource(in: .named(name)),
                image: testbed.busybox,
                secrets: client.resource(in: .named(name)),
                configure: configuring
            )
            do {
                if isControlled {
                    try await cluster.control(client) { try await body(cluster) }
                } else {
                    try await body(cluster)
                }
                try await cluster.letGo()
            } catch {
                try? await cluster.letGo()
                _ = try? await namespaces.delete(name)
                throw error
            }
            _ = try await namespaces.delete(name)
        }
    }

    /// Takes the finalizers away, of which no controller is there to do it any more.
    private func letGo() async throws {
        let change = MergePatch(["metadata": ["finalizers": .null]])
        for object in try await snapshots.list().items where !object.metadata.finalizers.isEmpty {
            _ = try await snapshots.patch(object.metadata.name, .merge(change))
        }
        for object in try await sandboxes.list().items where !object.metadata.finalizers.isEmpty {
            _ = try await sandboxes.patch(object.metadata.name, .merge(change))
        }
    }

    /// Runs `body` while a controller works.
    func control(
        _ client: KubeClient,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        var settings = SandboxControllerSettings()
        settings.registry = registry
        settings.pullSecret = jobs?.pullSecret
        settings.policy = policy
        configure(&settings)
        let recorder = EventRecorder(sandboxes: client, instance: "test", logger: Self.logger)
        let jobs = jobs.map { JobSnapshotProvider(client, in: .named(namespace), settings: $0, logger: Self.logger) }
        let controller = SandboxController(
            client,
            in: .named(namespace),
            providers: SnapshotProviders(jobs ?? provider, others: others),
            settings: settings,
            recorder: recorder,
            evictionHandlers: evictionHandlers,
            metrics: metrics,
            logger: Self.logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            group.addTask { try await recorder.run() }
            if let jobs {
                group.addTask {
                    try await jobs.follow { controller.look(at: $0) }
                }
            }
            group.addTask { try await body() }
            // The others go on for ever.
            try await group.next()
            group.cancelAll()
        }
    }

    /// Returns when the kinds are served: the API server says that they are established a moment before.
    private static func waitUntilServed(_ client: KubeClient) async throws {
        for attempt in 1... {
            do {
                _ = try await client.resource(BatchSandbox.self, in: .named("default")).list()
                _ = try await client.resource(SandboxSnapshot.self, in: .named("default")).list()
                return
            } catch let error as KubeError where error.statusCode == 404 && attempt < 1200 {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    // MARK: - What its owner does

    /// - Parameters:
    ///   - command: What its one container runs in a shell.
    ///   - folder: A folder of this machine that it sees as `/outside`; it is in no snapshot.
    ///   - change: Changes the template.
    ///   - finish: Changes the sandbox before it is created.
    @discardableResult
    func create(
        _ name: String,
        replicas: Int = 1,
        command: String = "trap 'exit 0' TERM; while :; do sleep 1; done",
        folder: String? = nil,
        _ change: (inout PodTemplateSpec) -> Void = { _ in },
        finally finish: (inout BatchSandbox) throws -> Void = { _ in }
    ) async throws -> BatchSandbox {
        var template = PodTemplateSpec.with {
            $0.spec.containers = [
                .with {
                    $0.name = "main"
                    $0.image = image
                    $0.command = ["/bin/sh", "-c", command]
                    if folder != nil {
                        $0.volumeMounts = [
                            .with {
                                $0.name = "outside"
                                $0.mountPath = "/outside"
                            }
                        ]
                    }
                }
            ]
            if let folder {
                $0.spec.volumes = [
                    .with {
                        $0.name = "outside"
                        $0.hostPath = .with { $0.path = folder }
                    }
                ]
            }
            $0.spec.terminationGracePeriodSeconds = 1
        }
        change(&template)
        var sandbox = BatchSandbox()
        sandbox.metadata.name = name
        sandbox.spec.replicas = replicas
        sandbox.spec.template = RawJSON(template)
        try finish(&sandbox)
        return try await sandboxes.create(sandbox)
    }

    /// Makes the Secret with which snapshots go to the registry that wants a login, or makes it anew.
    func setSecret(_ name: String, login: String) async throws {
        if try await secrets.find(name) != nil { _ = try await secrets.delete(name) }
        _ = try await secrets.create(
            .with {
                $0.metadata.name = name
                $0.type = "kubernetes.io/dockerconfigjson"
                $0.data = [".dockerconfigjson": Base64Bytes(login)]
            }
        )
    }

    /// Asks for a pause that has failed once more, as servers do it.
    func pauseAgain(_ name: String) async throws {
        try await edit(name, ["spec": ["pause": .null]])
        try await setPause(true, of: name)
    }

    /// Waits until a pause has ended, well or not.
    func waitForPause(of name: String) async throws -> BatchSandbox {
        try await wait(for: name) {
            $0.status?.phase == .paused || $0.status?.conditions.isTrue("PauseFailed") == true
        }
    }

    /// Runs kubectl in the namespace.
    func kubectl(_ arguments: String...) async throws -> String {
        try await testbed.kubectl(["--namespace", namespace] + arguments)
    }

    /// Asks for a snapshot of a sandbox.
    @discardableResult
    func capture(
        _ sandbox: String,
        as name: String,
        _ change: (inout SandboxSnapshot) -> Void = { _ in }
    ) async throws -> SandboxSnapshot {
        var snapshot = SandboxSnapshot()
        snapshot.metadata.name = name
        snapshot.spec.sandboxName = sandbox
        change(&snapshot)
        return try await snapshots.create(snapshot)
    }

    func setPause(_ pause: Bool, of name: String) async throws {
        try await edit(name, ["spec": ["pause": .bool(pause)]])
    }

    func edit(_ name: String, _ change: JSONValue) async throws {
        _ = try await sandboxes.patch(name, .merge(MergePatch(change)))
    }

    /// Runs a command in a pod, and returns what it has written.
    ///
    /// - Parameter container: Nil for the only one.
    @discardableResult
    func shell(_ command: String, in pod: String, container: String? = nil) async throws -> String {
        let result = try await pods.exec(in: pod, ["/bin/sh", "-c", command], container: container)
        let output = String(buffer: result.output)
        guard result.exit.code == 0 else {
            throw CommandFailed(command: command, output: output + String(buffer: result.error))
        }
        return output
    }

    /// A command did not do what it should.
    struct CommandFailed: Error {
        let command: String
        let output: String
    }

    /// Waits until a sandbox is as it should be.
    @discardableResult
    func wait(for name: String, until isSo: @escaping @Sendable (BatchSandbox) -> Bool) async throws -> BatchSandbox {
        try await wait(in: sandboxes, for: name) { change in
            if case .deleted = change { return nil }
            return isSo(change.object) ? change.object : nil
        }
    }

    /// Waits until a snapshot is as it should be.
    @discardableResult
    func wait(
        forSnapshot name: String,
        until isSo: @escaping @Sendable (SandboxSnapshot) -> Bool
    ) async throws -> SandboxSnapshot {
        try await wait(in: snapshots, for: name) { change in
            if case .deleted = change { return nil }
            return isSo(change.object) ? change.object : nil
        }
    }

    /// Waits until a snapshot is gone.
    func waitUntilGone(_ snapshot: String) async throws {
        try await waitUntilGone(in: snapshots, snapshot)
    }

    /// Waits until an object is gone.
    func waitUntilGone<Object: KubeResource>(in client: ResourceClient<Object>, _ name: String) async throws {
        _ = try await wait(in: client, for: name, orAbsent: Object()) { change in
            if case .deleted(let object, _) = change { return object }
            return nil
        }
    }

    /// Waits until a sandbox is gone.
    func waitUntilGone(sandbox: String) async throws {
        _ = try await wait(in: sandboxes, for: sandbox, orAbsent: BatchSandbox()) { change in
            if case .deleted(let object, _) = change { return object }
            return nil
        }
    }

    /// - Parameters:
    ///   - isName: Whether an object is meant; nil for that of the name.
    ///   - absent: What to return if there is none; nil to wait for it.
    func wait<Object: KubeResource>(
        in client: ResourceClient<Object>,
        for name: String,
        isName: (@Sendable (String) -> Bool)? = nil,
        orAbsent absent: Object? = nil,
        until isSo: @escaping @Sendable (Change<Object>) -> Object?
    ) async throws -> Object {
        try await withThrowingTaskGroup(of: Object?.self) { group in
            group.addTask {
                let informer = Informer(client, logger: Self.logger)
                return try await withThrowingTaskGroup(of: Object?.self) { group in
                    group.addTask {
                        try await informer.run()
                        return nil
                    }
                    group.addTask {
                        var changes = informer.changes.makeAsyncIterator()
                        try await informer.waitUntilSynced()
                        if let absent, informer.store[namespace, name] == nil { return absent }
                        while let change = await changes.next() {
                            let found = change.object.metadata.name
                            guard isName?(found) ?? (found == name) else { continue }
                            if let found = isSo(change) { return found }
                        }
                        return nil
                    }
                    defer { group.cancelAll() }
                    return try await group.next() ?? nil
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(240))
                return nil
            }
            defer { group.cancelAll() }
            guard let found = try await group.next() ?? nil else {
                throw NotSo(last: try await client.find(name)?.jsonText ?? "it is gone", calls: provider.calls)
            }
            return found
        }
    }

    /// A sandbox was not as it should have become.
    struct NotSo: Error {
        let last: String
        let calls: [String]
    }
}
