// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine
import SnapshotProvider
import SnapshotStore
import TestSupport
import Testing

/// A sandbox whose program never stops writing, captured again and again.
@Suite("A sandbox that writes all the time")
struct OneInstantTests {
    private static let captures = 195
    private static let commits = 5

    @Test("is captured as one instant, each time, and runs on")
    func everyImageIsOneInstant() async throws {
        let start = ContinuousClock.now
        let daemon = try await ContainerdDaemon.shared()
        let image = try await BusyboxImage.shared()
        let name = "writer-\(UInt32.random(in: 0 ... .max))"
        let folder = "\(daemon.folder)/\(name)"
        try await RecordWriter.make(in: folder)
        // So much beside it that there is something to copy before the freeze.
        let script = "dd if=/dev/zero of=/filler bs=1M count=17; mkdir /data; exec /writer/writer /data"
        let labels = [
            "io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": "team",
            "io.kubernetes.pod.uid": "uid-\(name)", "io.cri-containerd.kind": "container",
            "io.kubernetes.container.name": "main",
        ]
        try await DockerRegistry.run { registry in
            try await TestContainer.with(
                daemon,
                arguments: ["sh", "-ec", script],
                labels: labels,
                mounts: ["/writer": folder]
            ) { container in
                let ready = "/proc/\(container.pid)/root/data/ready"
                try await CommitterPod.eventually { FileManager.default.fileExists(atPath: ready) }
                let base = "oci:\(image.layout)@\(image.manifestDigest)"
                var references: [String] = []
                for number in 0..<Self.commits {
                    references.append("\(registry.authority)/team/\(name):commit-\(number)")
                    let ending = try await CommitterProgram(daemon: daemon)
                        .run("commit", name, "team", "main:\(references[number])", "--base", "main=\(base)")
                    #expect(ending.exitStatus == 0, "\(ending.errors)")
                }
                references += try await capture(container, of: base, daemon, to: "\(registry.authority)/team/\(name)")
                #expect(!container.isFrozen)
                let captured = ContinuousClock.now - start
                let numbers = try await RecordWriter.explain(references)
                #expect(numbers.count == Self.captures + Self.commits)
                #expect(
                    zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 },
                    "it wrote nothing between two captures"
                )
                print(
                    "one instant: \(numbers.count) captures during \(numbers.last ?? 0) operations, "
                        + "\(captured.components.seconds) s, explained after \((ContinuousClock.now - start).components.seconds) s"
                )
            }
        }
    }

    /// Captures in this process.
    ///
    /// - Returns: The images.
    private func capture(
        _ container: TestContainer,
        of base: String,
        _ daemon: ContainerdDaemon,
        to repository: String
    ) async throws -> [String] {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try await withRegistryClient(RegistryConfiguration(), logger: logger) { registries in
            try await daemon.withClient { containerd in
                try await HolderClient.withClient(command: .built, containerd: containerd, logger: logger) { holders in
                    let checkpoint = Checkpoint(
                        capture: RootfsCapture(
                            containerd: containerd,
                            repositories: ImageRepositories(registries: registries),
                            consistency: .live,
                            logger: logger
                        ),
                        holders: holders,
                        owner: "tests",
                        longestFreeze: .seconds(60)
                    )
                    var references: [String] = []
                    var depths: Set<Int?> = []
                    for number in 0..<Self.captures {
                        let request = request(container, of: base, to: "\(repository):capture-\(number)", uid: number)
                        let artifact = try await checkpoint.run(
                            request,
                            freezing: [container.id],
                            meter: CaptureMeter()
                        )
                        references.append(request.source.containers[0].target)
                        depths.insert(artifact.parts.first?.layers)
                    }
                    // Everything was copied in two layers, on the one of the image.
                    #expect(depths == [3])
                    return references
                }
            }
        }
    }

    private func request(_ container: TestContainer, of base: String, to target: String, uid: Int) -> SnapshotRequest {
        SnapshotRequest(
            uid: "\(container.id)-\(uid)",
            source: SnapshotSource(
                sandbox: container.id,
                namespace: "team",
                pod: container.id,
                podUID: container.id,
                node: "here",
                containers: [SnapshotContainer(name: "main", id: container.id, image: base, target: target)]
            ),
            afterwards: .keepRunning
        )
    }
}
