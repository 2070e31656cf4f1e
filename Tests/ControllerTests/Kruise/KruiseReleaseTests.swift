// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import TestSupport
import Testing

/// What becomes of a pod whose processes are all dead.
@Suite("A Sandbox of the Kruise dialect that is released")
struct KruiseReleaseTests {
    @Test("is released once: nobody is asked again about a pod whose object was taken away")
    func once() async throws {
        let provider = InstantProvider()
        try await KruiseCluster.run(provider: provider) { kruise in
            let names = (1...8).map { "box-\($0)" }
            for name in names { try await kruise.create(name) }
            for name in names { try await kruise.waitUntilReady(name) }
            for name in names { try await kruise.setPaused(true, of: name) }
            for name in names {
                let paused = try await kruise.waitUntilPaused(name)
                #expect(paused.status?.phase == .paused)
                // What was said to be gone is.
                #expect(try await kruise.cluster.pods.find(name) == nil)
            }
            #expect(provider.releases.count == names.count)
            #expect(provider.releases.values.allSatisfy { $0 == 1 }, "\(provider.releases)")
            #expect(provider.mistakes.isEmpty)
        }
    }

    @Test("is not paused before its pod is gone, which somebody's finalizer may keep")
    func keptByFinalizer() async throws {
        let provider = InstantProvider()
        try await KruiseCluster.run(provider: provider) { kruise in
            try await kruise.create("box")
            try await kruise.waitUntilReady("box")
            let keep: JSONValue = ["metadata": ["finalizers": ["example.com/keep"]]]
            _ = try await kruise.cluster.pods.patch("box", .merge(MergePatch(keep)))
            try await kruise.setPaused(true, of: "box")
            _ = try await kruise.cluster.wait(in: kruise.cluster.pods, for: "box") { change in
                change.object.metadata.deletionTimestamp == nil ? nil : change.object
            }
            let releasing = try await kruise.wait(for: "box") {
                $0.status?.conditions["SandboxPaused"]?.reason == "CheckpointSucceeded"
            }
            #expect(releasing.status?.conditions.isTrue("SandboxPaused") == false)
            _ = try await kruise.cluster.pods.patch(
                "box",
                .merge(MergePatch(["metadata": ["finalizers": .null]]))
            )
            try await kruise.waitUntilPaused("box")
            #expect(try await kruise.cluster.pods.find("box") == nil)
        }
    }
}
