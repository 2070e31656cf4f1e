// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import Synchronization
import Testing

@testable import Controller

/// A real pod, its kubelet, and commands in it.
@Suite("A pod that is recycled by restarting its containers")
struct RestartRecyclingTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A clock that is set by hand.
    private final class Clock: Sendable {
        private let date = Mutex(Date(timeIntervalSince1970: 1_790_000_000))
        var now: Date { date.withLock { $0 } }
        func advance(by seconds: Double) { date.withLock { $0 += seconds } }
    }

    private static func pool(_ config: String) -> Pool {
        .with { $0.metadata.annotations[OpenSandbox.Annotation.restartConfig] = config }
    }

    @Test("has other containers but for those that are spared, once for each release", .timeLimit(.minutes(10)))
    func restart() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            let sandboxes = Informer(cluster.sandboxes, logger: Self.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await sandboxes.run() }
                group.addTask {
                    try await sandboxes.waitUntilSynced()
                    try await Self.follow(cluster, sandboxes)
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    private static func follow(_ cluster: SandboxCluster, _ sandboxes: Informer<BatchSandbox>) async throws {
        let clock = Clock()
        let recycling = RestartRecycling(
            sandboxes: sandboxes,
            client: cluster.client,
            logger: logger,
            now: { clock.now }
        )
        let key = ObjectKey(namespace: cluster.namespace, name: "box")
        let sparing = pool(#"{"blacklist":["spared"],"retryInterval":"60s","maxRetries":1}"#)
        _ = try await cluster.pods.create(twoContainers(image: cluster.image))
        let unknown = try await wait(for: cluster) { $0.metadata.uid != nil }
        #expect(
            try await recycling.step(unknown, of: key, in: sparing)
                == .delete(reason: "the sandbox that had it is gone")
        )
        try await createSandbox(in: cluster, sandboxes)
        let first = try await wait(for: cluster) { $0.isRunning("main") && $0.isRunning("spared") }
        try await cluster.shell("echo secret > /left-behind", in: "pod", container: "main")
        #expect(try await begin(recycling, key, sparing, in: cluster) == .waiting(after: .seconds(60)))
        // What was seen before it was written down is of no use.
        #expect(try await recycling.step(first, of: key, in: sparing) == .waiting(after: nil))
        let restarted = try await wait(for: cluster) {
            $0.isRunning("main") && $0.id(of: "main") != first.id(of: "main")
        }
        #expect(restarted.id(of: "spared") == first.id(of: "spared"))
        let record = try #require(RestartRecord(of: restarted))
        #expect(record.id == "box" && record.retryCount == 1)
        #expect(record.containers == ["main": try #require(first.id(of: "main"))])
        #expect(try await recycling.step(restarted, of: key, in: sparing) == .done)
        // Asked again, also much later, nothing is written and nothing is run.
        clock.advance(by: 10_000)
        #expect(try await recycling.step(restarted, of: key, in: sparing) == .done)
        let same = try await cluster.pods.get("pod")
        #expect(RestartRecord(of: same) == record)
        #expect(same.restarts(of: "main") == 1)
        let left = try await cluster.shell("ls / | grep -c left-behind || true", in: "pod", container: "main")
        #expect(left.trimmingCharacters(in: .whitespacesAndNewlines) == "0")

        // A sandbox of the same name is another one. Its command has no effect, so that it is given up.
        _ = try await cluster.sandboxes.delete("box")
        try await createSandbox(in: cluster, sandboxes)
        let harmless = pool(
            #"{"blacklist":["spared"],"retryInterval":"60s","maxRetries":1,"restartCommand":["false"]}"#
        )
        #expect(try await begin(recycling, key, harmless, in: cluster) == .waiting(after: .seconds(60)))
        let tried = try await wait(for: cluster) { RestartRecord(of: $0)?.containers != record.containers }
        #expect(RestartRecord(of: tried)?.containers == ["main": try #require(same.id(of: "main"))])
        clock.advance(by: 60)
        #expect(
            try await recycling.step(tried, of: key, in: harmless)
                == .delete(reason: "main did not start again in 1 attempts")
        )
        #expect(try await cluster.pods.get("pod").restarts(of: "main") == 1)
        _ = try await cluster.pods.delete("pod")
    }

    /// The first step that the kubelet does not get in the way of by telling something of the pod at the same moment.
    private static func begin(
        _ recycling: RestartRecycling,
        _ sandbox: ObjectKey,
        _ pool: Pool,
        in cluster: SandboxCluster
    ) async throws -> RecycleStep {
        while true {
            let step = try await recycling.step(try await cluster.pods.get("pod"), of: sandbox, in: pool)
            if step != .waiting(after: nil) { return step }
        }
    }

    /// Makes a sandbox of the name, and returns when it is known.
    private static func createSandbox(in cluster: SandboxCluster, _ sandboxes: Informer<BatchSandbox>) async throws {
        let created = try await cluster.sandboxes.create(
            .with {
                $0.metadata.name = "box"
                $0.spec.poolRef = "pool"
            }
        )
        for await change in sandboxes.changes where change.object.metadata.uid == created.metadata.uid { return }
    }

    private static func twoContainers(image: String) -> Pod {
        .with {
            $0.metadata.name = "pod"
            $0.spec.terminationGracePeriodSeconds = 1
            // A new namespace has no tokens yet.
            $0.spec.automountServiceAccountToken = false
            $0.spec.containers = ["main", "spared"].map { name in
                .with {
                    $0.name = name
                    $0.image = image
                    $0.command = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]
                }
            }
        }
    }

    private static func wait(
        for cluster: SandboxCluster,
        until isSo: @escaping @Sendable (Pod) -> Bool
    ) async throws -> Pod {
        try await cluster.wait(in: cluster.pods, for: "pod") { change in isSo(change.object) ? change.object : nil }
    }
}

extension Pod {
    private func status(of container: String) -> ContainerStatus? {
        status?.containerStatuses.first { $0.name == container }
    }

    fileprivate func isRunning(_ container: String) -> Bool { status(of: container)?.state?.running != nil }
    fileprivate func id(of container: String) -> String? { status(of: container)?.containerID }
    fileprivate func restarts(of container: String) -> Int? { status(of: container)?.restartCount }
}
