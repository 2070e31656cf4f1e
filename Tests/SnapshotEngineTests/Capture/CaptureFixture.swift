// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import OCIRegistry
import Provenance
import SandboxModels
import SnapshotProvider
import SnapshotStore
import Synchronization
import TestSupport
import Testing

@testable import SnapshotEngine

/// A provider on the tests' containerd, running, and what is needed to look at what it does.
struct CaptureFixture: Sendable {
    let daemon: ContainerdDaemon
    let client: ContainerdClient
    let repositories: ImageRepositories
    /// What the provider captures by.
    let capture: RootfsCapture
    let provider: RootfsProvider
    let holders: HolderClient
    let image: BusyboxImage
    /// A folder for the test's own files.
    let folder: String
    /// Ends the provider's `run` as the end of its process would, but for the thawing.
    let stop: @Sendable () -> Void
    private let changes: Changes

    /// Sets one up for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - attempts: How often a request to a registry is tried, after pauses from 10 ms on.
    ///   - key: What statements are signed with.
    ///   - provenance: What is demanded before a restore.
    static func with(
        attempts: Int = 2,
        key: SigningKey? = nil,
        provenance: ProvenancePolicy? = nil,
        _ body: @escaping @Sendable (CaptureFixture) async throws -> Void
    ) async throws {
        let daemon = try await ContainerdDaemon.shared()
        let image = try await BusyboxImage.shared()
        try await image.importInto(daemon)
        let folder = "\(daemon.folder)/capture-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var registry = RegistryConfiguration()
        registry.retry = RetryPolicy(attempts: attempts, firstDelay: .milliseconds(10))
        let changes = Changes()
        try await withRegistryClient(registry, logger: logger) { registries in
            try await daemon.withClient { client in
                try await HolderClient.withClient(command: .built, containerd: client, logger: logger) { holders in
                    let repositories = ImageRepositories(registries: registries)
                    let capture = RootfsCapture(
                        containerd: client,
                        repositories: repositories,
                        signer: key.map { SnapshotSigner($0) },
                        logger: logger
                    )
                    let provider = RootfsProvider(
                        capture: capture,
                        holders: holders,
                        provenance: provenance,
                        logger: logger
                    ) { _ in
                        changes.tell()
                    }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        let running = Task { await provider.run() }
                        defer { running.cancel() }
                        group.addTask { await running.value }
                        try await body(
                            CaptureFixture(
                                daemon: daemon,
                                client: client,
                                repositories: repositories,
                                capture: capture,
                                provider: provider,
                                holders: holders,
                                image: image,
                                folder: folder,
                                stop: { running.cancel() },
                                changes: changes
                            )
                        )
                    }
                }
            }
        }
    }

    /// A request to capture a container of the busybox image.
    func request(
        _ container: TestContainer,
        to target: String,
        image reference: String? = nil,
        seconds: Double = 300,
        keepRunning: Bool = false,
        execution: ContainerExecution? = nil
    ) -> SnapshotRequest {
        SnapshotRequest(
            uid: "capture-\(UInt64.random(in: 0 ... .max))",
            source: SnapshotSource(
                sandbox: "box",
                namespace: daemon.namespace,
                pod: "box-pod",
                podUID: "pod-uid",
                node: "here",
                containers: [
                    SnapshotContainer(
                        name: "main",
                        id: container.id,
                        image: reference ?? "oci:\(image.layout)@\(image.manifestDigest)",
                        target: target,
                        execution: execution
                    )
                ]
            ),
            afterwards: keepRunning ? .keepRunning : .holdFrozen(until: Date(timeIntervalSinceNow: seconds))
        )
    }

    /// Where a target's image is.
    func repository(_ target: String) throws -> any ImageRepository {
        repositories.repository(of: try ImageLocation(parsing: target))
    }

    /// Captures, and answers when that has succeeded or failed.
    func capture(_ request: SnapshotRequest) async throws -> Result<Artifact, SnapshotFailure> {
        while true {
            let seen = changes.count
            switch await provider.capture(request) {
            case .done(let artifact): return .success(artifact)
            case .failed(let failure): return .failure(failure)
            case .waiting: await changes.wait(beyond: seen)
            }
        }
    }

    /// Captures and says why that failed; then nothing is frozen and there is no tag.
    func failure(_ request: SnapshotRequest, of container: TestContainer) async throws -> SnapshotFailure {
        let outcome = try await capture(request)
        guard case .failure(let failure) = outcome else {
            await give(up: request)
            throw UnexpectedSuccess(outcome: "\(outcome)")
        }
        await provider.waitUntilOver(uid: request.uid)
        #expect(await provider.state(of: request.uid)?.hold == .thawed)
        #expect(!container.isFrozen)
        return failure
    }

    /// Gives a capture up and forgets it.
    func give(up request: SnapshotRequest) async {
        _ = await provider.abandon(request)
        await provider.waitUntilOver(uid: request.uid)
        _ = await provider.forget(request)
    }

    /// Runs a command in a container.
    @discardableResult
    func exec(_ container: TestContainer, _ script: String) async throws -> String {
        let id = "e\(UInt32.random(in: 0 ... .max))"
        return try await Command.run(
            "ctr",
            [
                "--address", daemon.socket, "--namespace", daemon.namespace, "tasks", "exec", "--exec-id", id,
                container.id, "sh", "-euc", script,
            ]
        )
    }

    /// The leases with freezes of the namespace that a test has made.
    func freezes(of request: SnapshotRequest) async throws -> [FreezeRecord] {
        try await FreezeRecovery(client: client).records().filter { $0.id == request.uid }
    }
}

/// A capture succeeded that should have failed.
struct UnexpectedSuccess: Error {
    let outcome: String
}

/// Counts changes, and lets tests wait for the next one.
private final class Changes: Sendable {
    private struct State {
        var count = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }

    func tell() {
        let waiters = state.withLock { state in
            state.count += 1
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait(beyond seen: Int) async {
        await withCheckedContinuation { continuation in
            let isPast = state.withLock { state in
                if state.count > seen { return true }
                state.waiters.append(continuation)
                return false
            }
            if isPast { continuation.resume() }
        }
    }
}
