// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import PrometheusMetrics
import SandboxModels
import TestSupport
import Testing

/// What is passed although something speaks against it.
@Suite("An image that nobody who is trusted has signed")
struct ProvenanceWarningTests {
    @Test("is started where the policy is only to warn, and that is told and counted", .timeLimit(.minutes(10)))
    func warning() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.setPause(true, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            let counted = "stasis_unproven_images_total"
            #expect(cluster.metrics.text().contains("\(counted) 0\n"))
            cluster.provider.change { $0.verifyRemarks = ["the image x cannot be believed: nobody has signed it"] }
            // Under the name of the request in which it was asked for.
            let wish = try await RequestID.$current.withValue(RequestID("resume-17")) {
                RequestedWish.annotations(pause: false, of: try await cluster.sandboxes.get("box").metadata)
            }
            try await cluster.edit("box", ["metadata": ["annotations": .object(wish)], "spec": ["pause": false]])
            try await cluster.waitForEvent("ProvenanceNotVerified")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.status?.ready == 1 }
            #expect(cluster.metrics.text().contains("\(counted) 1\n"))
            let events = try await cluster.client.resource(CoreEvent.self, in: .named(cluster.namespace)).list().items
            let told = try #require(events.first { $0.reason == "ProvenanceNotVerified" })
            #expect(told.type == "Warning" && told.involvedObject.name == "box")
            #expect(told.message?.contains("nobody has signed it") == true)
            #expect(told.metadata.annotations[OpenSandbox.Annotation.requestID] == "resume-17")
        }
    }
}
