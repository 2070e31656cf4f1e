// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import OCIRegistry
import PrometheusMetrics
import SandboxModels
import TestSupport
import Testing

/// What is known to go wrong is refused before anything is frozen, and told where people look.
@Suite("A pause that could not succeed, or would cost the sandbox its files")
struct PausePreflightTests {
    @Test("is refused with a condition, an Event and a metric", .timeLimit(.minutes(10)))
    func refusals() async throws {
        let testbed = try KubernetesTestbed.find()
        let deep = try await Self.pushDeepImage(to: testbed)
        try await SandboxCluster.run(capturing: { _ in }) { cluster in
            try await cluster.create("strict") {
                $0.spec.containers[0].livenessProbe = Self.probe(failureThreshold: 1, periodSeconds: 10)
            }
            try await cluster.create("deep") { $0.spec.containers[0].image = deep }
            for (name, reason) in [("strict", "LivenessProbeTooStrict"), ("deep", "TooManyLayers")] {
                try await cluster.wait(for: name) { $0.status?.phase == .succeed }
                let container = try await cluster.container(of: "\(name)-0")
                try await cluster.setPause(true, of: name)
                let failed = try await cluster.waitForPause(of: name)
                let condition = try #require(failed.status?.conditions["PauseFailed"])
                #expect(condition.reason == reason)
                #expect(failed.status?.phase == .succeed)
                let event = try await cluster.event("PauseFailed", about: name)
                #expect(event.contains(reason) && event.contains(condition.message ?? "none"), "\(event)")
                let metric = "stasis_sandbox_pause_failures_total{reason=\"\(reason)\"} 1\n"
                #expect(cluster.metrics.text().contains(metric))
                #expect(try await cluster.container(of: "\(name)-0").id == container.id)
            }
            // Nothing is made for what is known beforehand.
            #expect(try await !cluster.jobsEver().contains("strict-pause-commit"))
        }
    }

    @Test("is given up before a liveness probe kills what is frozen", .timeLimit(.minutes(10)))
    func probe() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run { cluster, proxy in
                let container = try await cluster.createCounting("box", in: folder) {
                    $0.spec.containers[0].livenessProbe = Self.probe(failureThreshold: 5, periodSeconds: 3)
                }
                proxy.holdOnce("PUT", containing: "/manifests/snap-")
                let failed = try await cluster.pause("box")
                let condition = try #require(failed.status?.conditions["PauseFailed"])
                #expect(condition.reason == "FreezeLost")
                #expect(condition.message?.contains("allows a freeze of 12 seconds") == true, "\(condition)")
                proxy.release()
                try await Counter(folder: folder).waitUntilItCounts()
                #expect(try await cluster.container(of: "box-0").id == container.id)
                let status = try await cluster.pods.get("box-0").status?.containerStatuses.first
                #expect(status?.restartCount == 0)
                // A freeze as long as they usually are is nothing to it.
                try await cluster.expectPause(of: "box")
                try await cluster.expectResume(of: "box")
            }
        }
    }

    private static func probe(failureThreshold: Int, periodSeconds: Int) -> Probe {
        .with {
            $0.exec = RawJSON(["command": ["/bin/true"]])
            $0.failureThreshold = failureThreshold
            $0.periodSeconds = periodSeconds
            // A loaded machine takes its time.
            $0.timeoutSeconds = 20
        }
    }

    /// Pushes the tests' image with so many empty layers that no snapshot fits on it.
    private static func pushDeepImage(to testbed: KubernetesTestbed) async throws -> String {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let configuration = RegistryConfiguration(plainHTTP: RegistryConfiguration.PlainHTTP(hosts: [testbed.registry]))
        return try await withRegistryClient(configuration, logger: logger) { client in
            let reference = try ImageReference(parsing: testbed.busybox)
            let repository = client.repository(reference)
            let image = try await repository.image(reference.manifestReference)
            // An archive without entries.
            let empty = try await repository.putBlob([UInt8](repeating: 0, count: 1024), mediaType: .ociLayer)
            var (config, manifest) = (image.config, image.manifest)
            let count = 126 - manifest.layers.count
            config.rootfs.diffIDs += repeatElement(empty.digest, count: count)
            config.history = []
            manifest.layers += repeatElement(empty, count: count)
            manifest.config = try await repository.putBlob(try ImageDocument.encode(config), mediaType: .ociConfig)
            let bytes = try ImageDocument.encode(manifest)
            let digest = Digest.sha256(of: bytes)
            _ = try await repository.putManifest(bytes, mediaType: .ociManifest, as: .digest(digest))
            return reference.at(digest).description
        }
    }
}
