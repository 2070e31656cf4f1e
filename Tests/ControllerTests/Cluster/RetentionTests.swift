// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import Logging
import OCIRegistry
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

/// Which images of pauses stay in the registry.
@Suite("The images of a BatchSandbox's pauses")
struct RetentionTests {
    @Test("are deleted but for the last ones, and for those that something else refers to", .timeLimit(.minutes(15)))
    func lastOnes() async throws {
        let configure: @Sendable (inout SandboxControllerSettings) -> Void = { $0.retention.generations = 2 }
        try await SandboxCluster.run(configuring: configure, capturing: { _ in }) { cluster in
            let names = ["plain", "shared"]
            var images: [String: [ArtifactSummary]] = [:]
            for name in names { try await cluster.create(name) }
            try await cluster.testbed.withNamespace { elsewhere in
                for round in 1...4 {
                    for name in names {
                        try await cluster.wait(for: name) { $0.status?.phase == .succeed && $0.status?.ready == 1 }
                        try await cluster.shell("echo \(round) >> /rounds", in: "\(name)-0")
                        try await cluster.setPause(true, of: name)
                    }
                    for name in names {
                        let paused = try await cluster.wait(for: name) { $0.status?.phase == .paused }
                        images[name, default: []].append(try #require(paused.status?.artifact))
                    }
                    let shared = try #require(images["shared"]?.last)
                    // The first one runs in a namespace that the controller does not watch, the second one is to run one day.
                    if round == 1 { try await Self.start(shared, in: elsewhere) }
                    if round == 2 { try await Self.refer(to: shared, in: cluster) }
                    if round < 4 { for name in names { try await cluster.setPause(false, of: name) } }
                }
                try await cluster.wait(for: "plain") { $0.images.entries.count == 2 }
                let shared = try await cluster.wait(for: "shared") {
                    $0.images.entries.count { $0.holder != nil } == 2
                }
                #expect(
                    shared.images.entries.map(\.holder) == [
                        "Pod \(elsewhere.name)/copy", "BatchSandbox \(cluster.namespace)/child", nil, nil,
                    ]
                )
                #expect(try await Self.stored(images["plain"]) == [false, false, true, true])
                #expect(try await Self.stored(images["shared"]) == [true, true, true, true])
                for reason in ["ImagesDeleted", "ImagesRetained"] { try await cluster.waitForEvent(reason) }
            }
            // What is left has layers that came with what is gone.
            try await cluster.setPause(false, of: "plain")
            try await cluster.wait(for: "plain") { $0.status?.phase == .succeed && $0.status?.ready == 1 }
            #expect(try await cluster.shell("cat /rounds", in: "plain-0") == "1\n2\n3\n4\n")
        }
    }

    @Test(
        "stay in a registry that deletes none, which is told once and keeps nothing waiting",
        .timeLimit(.minutes(10))
    )
    func refusingRegistry() async throws {
        let testbed = try KubernetesTestbed.find()
        try await DockerRegistry.run(address: testbed.hostAddress, deletes: false) { registry in
            let configure: @Sendable (inout SandboxControllerSettings) -> Void = {
                $0.snapshotDeletePolicy = .delete
            }
            try await SandboxCluster.run(
                registry: "\(registry.authority)/sandboxes",
                configuring: configure,
                capturing: { _ in }
            ) { cluster in
                try await cluster.create("box")
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                try await cluster.setPause(true, of: "box")
                let paused = try await cluster.waitForPause(of: "box")
                let artifact = try #require(paused.status?.artifact, "\(paused.status?.conditions ?? [])")
                _ = try await cluster.sandboxes.delete("box")
                try await cluster.waitUntilGone(sandbox: "box")
                let told = try await cluster.waitForEvent("ImagesNotDeleted")
                #expect(told.contains("DeletionRefused: The registry does not delete images"))
                let events = try await cluster.kubectl("get", "events")
                #expect(events.split(separator: "\n").count { $0.contains("ImagesNotDeleted") } == 1)
                #expect(try await Self.stored([artifact]) == [true])
            }
        }
    }

    @Test("go with their sandbox if that is asked for, but not with the snapshot of a pause")
    func deletedSandbox() async throws {
        let configure: @Sendable (inout SandboxControllerSettings) -> Void = {
            $0.snapshotDeletePolicy = .delete
            $0.retention = RetentionPolicy(generations: 2, retryAfter: 1)
        }
        try await SandboxCluster.run(configuring: configure) { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            var digests: [String] = []
            for round in 1...3 {
                try await cluster.setPause(true, of: "box")
                let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                digests.append(try #require(paused.status?.artifact?.imageDigest))
                guard round < 3 else { break }
                try await cluster.setPause(false, of: "box")
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                try await cluster.waitUntilGone("box-pause")
            }
            try await cluster.wait(for: "box") { $0.images.entries.count == 2 }
            #expect(Set(cluster.provider.deleted.flatMap(\.parts).map(\.digest)) == [digests[0]])
            // It goes when they are gone, which can take some tries.
            cluster.provider.change {
                $0.deletionFailure = SnapshotFailure("Unreachable", "no answer", isRetryable: true)
            }
            _ = try await cluster.sandboxes.delete("box")
            let deleting = try await cluster.wait(for: "box") { $0.images.entries.contains { $0.attempts > 0 } }
            #expect(deleting.metadata.finalizers == ["stasis.dev/sandbox-cleanup"])
            cluster.provider.change { $0.deletionFailure = nil }
            try await cluster.waitUntilGone(sandbox: "box")
            #expect(Set(cluster.provider.deleted.flatMap(\.parts).map(\.digest)) == Set(digests))
        }
    }

    // MARK: - Steps

    /// Runs an image in a pod of another namespace.
    private static func start(_ image: ArtifactSummary, in namespace: TestNamespace) async throws {
        let container: JSONValue = [
            "name": "main", "image": .string(image.byDigest), "command": ["/bin/sh", "-c", "sleep 100000"],
        ]
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "copy"],
            "spec": ["containers": [container], "terminationGracePeriodSeconds": 0],
        ]
        try await namespace.apply(pod.jsonText)
        try await namespace.wait(for: "Ready", of: "pod/copy")
    }

    /// Creates a sandbox whose template names an image by its tag, and that has no pods.
    private static func refer(to image: ArtifactSummary, in cluster: SandboxCluster) async throws {
        _ = try await cluster.sandboxes.create(
            .with {
                $0.metadata.name = "child"
                $0.spec.replicas = 0
                let container: JSONValue = ["name": "main", "image": .string(image.imageUri)]
                $0.spec.template = RawJSON(["spec": ["containers": [container]]])
            }
        )
    }

    /// Whether the registry has the manifests of images.
    private static func stored(_ images: [ArtifactSummary]?) async throws -> [Bool] {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var found: [Bool] = []
        for image in images ?? [] {
            let reference = try ImageReference(parsing: image.imageUri)
            var registries = RegistryConfiguration()
            registries.plainHTTP.hosts = [reference.domain]
            let isThere = try await withRegistryClient(registries, logger: logger) { client in
                do {
                    _ = try await client.repository(reference).manifest(.digest(try Digest(parsing: image.imageDigest)))
                    return true
                } catch let error as RegistryError where error.isNotFound {
                    return false
                }
            }
            found.append(isThere)
        }
        return found
    }
}

extension ArtifactSummary {
    /// The image as a pod names it.
    fileprivate var byDigest: String {
        // Without its tag: the last colon comes after the port's.
        "\(imageUri[..<(imageUri.lastIndex(of: ":") ?? imageUri.endIndex)])@\(imageDigest)"
    }
}

extension BatchSandbox {
    /// The images that its controller remembers.
    var images: ArtifactHistory {
        let text = metadata.annotations[OpenSandbox.Annotation.images] ?? ""
        return (try? JSONDecoder().decode(ArtifactHistory.self, from: Data(text.utf8))) ?? ArtifactHistory()
    }
}

extension SandboxCluster {
    /// Waits until something is told of an object.
    @discardableResult
    func waitForEvent(_ reason: String) async throws -> String {
        try await testbed.firstLine(
            of: ["--namespace", namespace, "get", "events", "--watch"],
            where: { $0.contains(reason) }
        )
    }
}
