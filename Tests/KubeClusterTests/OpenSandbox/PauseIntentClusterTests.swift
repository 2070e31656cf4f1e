// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// What a real API server counts as a new generation is read as what it is.
struct PauseIntentClusterTests {
    @Test func generationsAreReadAsWhatTheyAre() async throws {
        try await Cluster.runWithOpenSandbox { client, namespace in
            let sandboxes = client.resource(BatchSandbox.self, in: .named(namespace))
            let created = try await sandboxes.create(
                .with {
                    $0.metadata.name = "one"
                    $0.metadata.finalizers = ["stasis.dev/test"]
                }
            )
            var intent = created.pauseIntent(after: nil)
            func patched(_ document: JSONValue, _ subresource: Subresource? = nil) async throws -> BatchSandbox {
                let sandbox = try await sandboxes.patch("one", .merge(MergePatch(document)), subresource: subresource)
                intent = sandbox.pauseIntent(after: intent)
                return sandbox
            }
            // The server's pause, and its retry: null, then true.
            _ = try await patched(["spec": ["pause": true]])
            #expect(intent.wantsPaused && intent.statements == 2 && intent.generation == 2)
            _ = try await sandboxes.patch("one", .merge(MergePatch(["spec": ["pause": .null]])))
            let bridged = try await patched(["spec": ["pause": true]])
            #expect(bridged.metadata.generation == 4 && intent.wantsPaused && intent.statements == 3)
            // What is said again, and what is no spec, is no generation.
            _ = try await patched(["spec": ["pause": true]])
            _ = try await patched(["metadata": ["labels": ["a": "b"], "annotations": ["c": "d"]]])
            let counts = try JSONValue(encoding: BatchSandboxStatus.with { $0.ready = 1 })
            let told = try await patched(["status": counts], .status)
            #expect(told.metadata.generation == 4 && told.status?.ready == 1 && intent.statements == 3)
            // A renewal is one, and an edit.
            let renewed = try await patched(["spec": ["expireTime": "2036-11-21T00:40:42.936841+00:00"]])
            #expect(renewed.metadata.generation == 5 && intent.statements == 3 && intent.generation == 5)
            #expect(renewed.spec.expireTime?.text == "2036-11-21T00:40:42.936841+00:00")
            // A status that comes with a spec is not written, and the other way round.
            let both = try await patched(["status": ["ready": 7]])
            #expect(both.status?.ready == 1)
            // A deletion that waits is a generation, too.
            _ = try await sandboxes.delete("one")
            let leaving = try await sandboxes.get("one")
            #expect(leaving.metadata.generation == 6)
            #expect(leaving.lifecycleIntent(intent).wish == .deleted)
            _ = try await patched(["metadata": ["finalizers": .null]])
        }
    }
}
