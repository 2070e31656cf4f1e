// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import SandboxModels
import TestSupport
import Testing

/// Controllers that end at any of their writes, and controllers that all believe to be the only one.
@Suite("Pools, when controllers end or are too many")
struct PoolCrashTests {
    @Test(
        "A controller that ends at a write leaves nothing that the next one does not bring to the same end",
        .timeLimit(.minutes(15)),
        arguments: [false, true]
    )
    func crash(isAfter: Bool) async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            try await cluster.whilePodsAreReady {
                let steps = Steps()
                try await cluster.withSteps(steps) { stepped in
                    try await cluster.createPaperPool("p", pool: 4...4, recycling: .noop)
                    try await cluster.control(cluster.client) {
                        try await cluster.createPooled("old", of: "p", replicas: 2)
                        try await cluster.settle(["old": 2])
                    }
                    var step = 1
                    var isReached = true
                    while isReached {
                        // One goes, two come, and each gets what it wants.
                        let (old, new) = ("old", "new-\(step)")
                        _ = try await cluster.sandboxes.delete(step == 1 ? old : "new-\(step - 1)")
                        try await cluster.createPooled(new, of: "p", replicas: 2)
                        try await cluster.createPooled("small-\(step)", of: "p")
                        let wanted = [new: 2, "small-\(step)": 1]
                        isReached = try await cluster.control(
                            stepped,
                            until: (step: step, isAfter: isAfter),
                            of: steps
                        ) { try await cluster.settle(wanted) }
                        try await cluster.control(cluster.client) { try await cluster.settle(wanted) }
                        _ = try await cluster.sandboxes.delete("small-\(step)")
                        step += 1
                    }
                    #expect(step > 5, "\(step)")
                }
            }
        }
    }

    @Test("Several controllers at once give no pod away twice", .timeLimit(.minutes(10)))
    func rivals() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            try await cluster.whilePodsAreReady {
                try await cluster.createPaperPool("p", pool: 24...24, recycling: .noop)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<2 {
                        group.addTask {
                            try await Self.withClient(of: cluster) { client in
                                try await cluster.control(client) { try await Task.sleep(for: .seconds(3600)) }
                            }
                        }
                    }
                    group.addTask {
                        for round in 1...3 {
                            let names = (1...8).map { "box-\(round)-\($0)" }
                            try await withThrowingDiscardingTaskGroup { group in
                                for (index, name) in names.enumerated() {
                                    group.addTask {
                                        try await cluster.createPooled(name, of: "p", replicas: 1 + index % 4)
                                    }
                                }
                            }
                            let wanted = names.enumerated().map { ($1, 1 + $0 % 4) }
                            try await cluster.settle(Dictionary(uniqueKeysWithValues: wanted))
                            for name in names { _ = try await cluster.sandboxes.delete(name) }
                        }
                    }
                    try await group.next()
                    group.cancelAll()
                }
            }
        }
    }

    @Test("A sandbox whose annotations have no more room goes all the same", .timeLimit(.minutes(5)))
    func fullAnnotations() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.whilePodsAreReady {
                try await cluster.createPaperPool("p", pool: 1...1, recycling: .noop)
                try await cluster.createPooled("box", of: "p")
                _ = try await cluster.waitForPods(1, of: "box")
                let box = try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                // All together may have 256 KiB.
                let used = box.metadata.annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
                let rest = String(repeating: "x", count: 262_144 - used - "full".utf8.count)
                try await cluster.edit("box", ["metadata": ["annotations": ["full": .string(rest)]]])
                try await cluster.delete(sandbox: "box")
                try await cluster.wait(forPool: "p") { $0.allocated == 0 && $0.available == 1 }
            }
        }
    }

    @Test(
        "A sandbox that turns to another pool gives back what it had, and neither pool takes the other's",
        .timeLimit(.minutes(5))
    )
    func moves() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.whilePodsAreReady {
                for pool in ["a", "b"] { try await cluster.createPaperPool(pool, pool: 2...2, recycling: .noop) }
                try await cluster.createPooled("box", of: "a")
                let first = try await cluster.waitForPods(1, of: "box")
                try await cluster.edit("box", ["spec": ["poolRef": "b", "replicas": 2]])
                let second = try await cluster.wait(for: "box") {
                    $0.heldPods.count == 1 && $0.heldPods.allSatisfy { $0.hasPrefix("b-") }
                }
                try await cluster.wait(forPool: "a") { $0.allocated == 0 && $0.available == 2 }
                try await cluster.wait(forPool: "b") { $0.allocated == 1 && $0.available == 1 }
                let ever = try second.allocation("sandbox.opensandbox.io/alloc-status").pods
                #expect(ever == first + second.heldPods)
                #expect(second.metadata.finalizers.contains("pool.sandbox.opensandbox.io/pool-allocation"))
                try await cluster.delete(sandbox: "box")
                try await cluster.wait(forPool: "b") { $0.allocated == 0 && $0.available == 2 }
            }
        }
    }

    /// A client that waits for no turn: rivals write the same statuses again and again, each its own.
    private static func withClient(
        of cluster: SandboxCluster,
        _ body: @escaping @Sendable (KubeClient) async throws -> Void
    ) async throws {
        var configuration = try KubeClientConfiguration(Kubeconfig.load(files: [cluster.testbed.kubeconfig]))
        configuration.rateLimit = .unlimited
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await withKubeClient(configuration, logger: logger) { try await body($0) }
    }
}

extension SandboxCluster {
    /// Waits until sandboxes have as many pods as they want, with no pod twice at any time, and all others are gone.
    fileprivate func settle(_ wanted: [String: Int]) async throws {
        for (name, count) in wanted { _ = try await waitForPods(count, of: name) }
        for sandbox in try await sandboxes.list().items where wanted[sandbox.metadata.name] == nil {
            guard sandbox.metadata.deletionTimestamp != nil else { continue }
            try await waitUntilGone(sandbox: sandbox.metadata.name)
        }
        let held = try await allocations().values.flatMap(\.self)
        guard Set(held).count == held.count else { throw NotSo(last: "\(try await allocations())", calls: []) }
        let ever = try await sandboxes.list().items.filter { wanted[$0.metadata.name] != nil }
        for sandbox in ever {
            let pods = try sandbox.allocation("sandbox.opensandbox.io/alloc-status").pods
            guard pods.count == wanted[sandbox.metadata.name] else { throw NotSo(last: sandbox.jsonText, calls: []) }
        }
    }
}
