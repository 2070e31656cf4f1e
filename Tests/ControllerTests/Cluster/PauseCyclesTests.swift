// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import OCIRegistry
import SandboxModels
import TestSupport
import Testing

/// Pauses one after the other, and many at once.
@Suite("Many pauses")
struct PauseCyclesTests {
    @Test(
        "of one sandbox keep every change, and leave nothing behind, neither in the cluster nor on the node",
        .timeLimit(.minutes(20))
    )
    func cycles() async throws {
        let cycles = 20
        try await SandboxCluster.run(capturing: { _ in }) { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.shell("echo kept > /marker", in: "box-0")
            var traces = NodeTraces(of: cluster)
            // The UIDs of captures begin with the sandbox's.
            traces.note(try #require(try await cluster.sandboxes.get("box").metadata.uid))
            for cycle in 1...cycles {
                let changes = "echo \(cycle) >> /log; rm -f /only-\(cycle - 1); echo \(cycle) > /only-\(cycle)"
                try await cluster.shell(changes, in: "box-0")
                try await cluster.expectPause(of: "box")
                try await traces.noteContainers()
                try await cluster.expectResume(of: "box")
                try await traces.noteContainers()
            }
            let log = try await cluster.shell("cat /log; ls / | grep only-", in: "box-0")
            #expect(log == (1...cycles).map { "\($0)\n" }.joined() + "only-\(cycles)\n")

            let artifact = try #require(try await cluster.sandboxes.get("box").status?.artifact)
            let (base, image) = (try await layers(of: cluster.image, cluster), try await layers(of: artifact, cluster))
            #expect(image > base && image <= base + 16, "\(image) layers upon \(base)")
            #expect(try await cluster.jobsEver() == Array(repeating: "box-pause-commit", count: cycles))
            try await cluster.waitUntilNothingIsLeft(of: "box")
            try await cluster.waitUntilGone("box-pause")
            #expect(try await cluster.freezes(of: "box").isEmpty)

            // A pod has a container of its own besides that of the sandbox, and a commit has two more.
            #expect(traces.containers.count >= 2 * (cycles + 1), "the end of each pod was seen to")
            #expect(try await !traces.leftovers().isEmpty, "it runs, and that is seen")
            try await traces.expectNothing { try await cluster.delete(sandbox: "box") }
        }
    }

    @Test("of many sandboxes at once come about, and each one has its own files", .timeLimit(.minutes(20)))
    func many() async throws {
        let names = (1...30).map { "box-\($0)" }
        try await SandboxCluster.run(capturing: { _ in }) { cluster in
            try await forAll(names) { name in
                try await cluster.create(name)
                try await cluster.wait(for: name) { $0.status?.phase == .succeed }
                try await cluster.shell("echo \(name) > /name", in: "\(name)-0")
            }
            try await forAll(names) { name in
                try await cluster.setPause(true, of: name)
                let paused = try await cluster.waitForPause(of: name)
                #expect(paused.status?.phase == .paused, "\(paused.jsonText)")
            }
            #expect(try await cluster.pods.list().items.allSatisfy { !$0.metadata.name.hasSuffix("-0") })
            try await forAll(names) { name in
                try await cluster.setPause(false, of: name)
                try await cluster.wait(for: name) { $0.status?.phase == .succeed }
                #expect(try await cluster.shell("cat /name", in: "\(name)-0") == "\(name)\n")
                try await cluster.waitUntilNothingIsLeft(of: name)
            }
            #expect(try await cluster.jobsEver().sorted() == names.map { "\($0)-pause-commit" }.sorted())
        }
    }

    private func forAll(_ names: [String], _ body: @escaping @Sendable (String) async throws -> Void) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for name in names { group.addTask { try await body(name) } }
        }
    }

    private func layers(of artifact: ArtifactSummary, _ cluster: SandboxCluster) async throws -> Int {
        try await layers(of: "\(artifact.imageUri)@\(artifact.imageDigest)", cluster)
    }

    private func layers(of image: String, _ cluster: SandboxCluster) async throws -> Int {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let registry = RegistryConfiguration.PlainHTTP(hosts: [cluster.testbed.registry])
        return try await withRegistryClient(RegistryConfiguration(plainHTTP: registry), logger: logger) { client in
            let reference = try ImageReference(parsing: image)
            return try await client.repository(reference).image(reference.manifestReference).manifest.layers.count
        }
    }
}
