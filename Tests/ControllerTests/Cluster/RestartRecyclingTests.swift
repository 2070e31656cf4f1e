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
        .with {
            $0.metadata.name = "pool"
            $0.metadata.annotations[OpenSandbox.Annotation.restartConfig] = config
        }
    }

    @Test("has other containers but for those that are spared, once for each release", .timeLimit(.minutes(10)))
    func restart() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            let clock = Clock()
            let recycling = RestartRecycling(client: cluster.client, now: { clock.now }, logger: Self.logger)
            let (ended, telling) = AsyncStream<ObjectKey>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await recycling.run { telling.yield($0) } }
                group.addTask { try await Self.follow(cluster, recycling, clock, ended) }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    @Test("comes back to its pool, each time as it was made", .timeLimit(.minutes(10)))
    func comesBack() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.createPool("p", pool: 1...1, recycling: .restart)
            // Of one name, so that what is written down of the first could be taken for the second's.
            for time in 0..<3 {
                // The pool is chosen as soon as it is there.
                try await cluster.createPooled("box", of: "*")
                let pod = try #require(try await cluster.waitForPods(1, of: "box").first)
                let left = try await cluster.shell("ls / | grep -c left-behind || true", in: pod)
                #expect(left.trimmingCharacters(in: .whitespacesAndNewlines) == "0")
                #expect(try await cluster.pods.get(pod).restarts(of: "main") == time)
                guard time < 2 else { break }
                try await cluster.shell("echo secret > /left-behind", in: pod)
                try await cluster.delete(sandbox: "box")
            }
            #expect(try await cluster.pods.list().items.count == 1)
            let events = try await cluster.kubectl("get", "events", "--output=jsonpath={.items[*].reason}")
            #expect(!events.contains("PoolNotFound"), "a pool is chosen, and none is called *")
        }
    }

    /// - Parameter ended: The pools of which a command has ended.
    private static func follow(
        _ cluster: SandboxCluster,
        _ recycling: RestartRecycling,
        _ clock: Clock,
        _ ended: AsyncStream<ObjectKey>
    ) async throws {
        var commands = ended.makeAsyncIterator()
        let release = PodRelease(sandbox: "box", uid: "uid-1")
        let sparing = pool(#"{"blacklist":["spared"],"retryInterval":"60s","maxRetries":1}"#)
        _ = try await cluster.pods.create(twoContainers(image: cluster.image))
        let first = try await wait(for: cluster) { $0.isRunning("main") && $0.isRunning("spared") }
        try await cluster.shell("echo secret > /left-behind", in: "pod", container: "main")
        #expect(try await begin(recycling, release, sparing, in: cluster) == .waiting(after: .seconds(60)))
        // What was seen before it was written down is of no use.
        #expect(try await recycling.step(first, of: release, in: sparing) == .waiting(after: nil))
        let restarted = try await wait(for: cluster) {
            $0.isRunning("main") && $0.id(of: "main") != first.id(of: "main")
        }
        // Nobody gets it before the command has ended.
        #expect(await commands.next() == ObjectKey(name: "pool"))
        #expect(restarted.id(of: "spared") == first.id(of: "spared"))
        let record = try #require(RestartRecord(of: restarted))
        #expect(record.id == "box" && record.retryCount == 1)
        #expect(record.containers == ["main": try #require(first.id(of: "main"))])
        #expect(try await recycling.step(restarted, of: release, in: sparing) == .done)
        // Asked again, also much later, nothing is written and nothing is run.
        clock.advance(by: 10_000)
        #expect(try await recycling.step(restarted, of: release, in: sparing) == .done)
        let same = try await cluster.pods.get("pod")
        #expect(RestartRecord(of: same) == record)
        #expect(same.restarts(of: "main") == 1)
        let left = try await cluster.shell("ls / | grep -c left-behind || true", in: "pod", container: "main")
        #expect(left.trimmingCharacters(in: .whitespacesAndNewlines) == "0")

        // A sandbox of the same name is another one. Its command has no effect, so that it is given up.
        let other = PodRelease(sandbox: "box", uid: "uid-2")
        let harmless = pool(
            #"{"blacklist":["spared"],"retryInterval":"60s","maxRetries":1,"restartCommand":["false"]}"#
        )
        #expect(try await begin(recycling, other, harmless, in: cluster) == .waiting(after: .seconds(60)))
        let tried = try await wait(for: cluster) { RestartRecord(of: $0)?.containers != record.containers }
        #expect(RestartRecord(of: tried)?.containers == ["main": try #require(same.id(of: "main"))])
        #expect(await commands.next() != nil)
        clock.advance(by: 60)
        #expect(
            try await recycling.step(tried, of: other, in: harmless)
                == .delete(reason: "main did not start again in 1 attempts")
        )
        #expect(try await cluster.pods.get("pod").restarts(of: "main") == 1)
        _ = try await cluster.pods.delete("pod")
    }

    /// The first step that the kubelet does not get in the way of by telling something of the pod at the same moment.
    private static func begin(
        _ recycling: RestartRecycling,
        _ release: PodRelease,
        _ pool: Pool,
        in cluster: SandboxCluster
    ) async throws -> RecycleStep {
        while true {
            let step = try await recycling.step(try await cluster.pods.get("pod"), of: release, in: pool)
            if step != .waiting(after: nil) { return step }
        }
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
