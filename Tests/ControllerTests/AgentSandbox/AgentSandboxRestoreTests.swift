// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

/// Snapshots of a Sandbox that runs on, and other Sandboxes that start from them.
@Suite("A snapshot of a Sandbox of the AgentSandbox dialect")
struct AgentSandboxRestoreTests {
    @Test("is taken while it runs on, and other sandboxes start from it where it is given to them")
    func restore() async throws {
        try await AgentSandboxTests.onPaper { agents in
            try await agents.createPaper("box")
            try await agents.waitUntilReady("box")
            let pod = try await agents.cluster.pods.get("box")
            // Before there is a snapshot, and before it is ready.
            try await agents.createPaper("early") {
                $0.isSuspended = true
                $0.metadata.annotations["stasis.dev/restore-from"] = "kept"
            }
            try await agents.wait(for: "early", toSay: "SnapshotNotFound")
            try await agents.cluster.capture("box", as: "kept") { $0.spec.source = .agentSandbox("box") }
            let kept = try await agents.cluster.wait(forSnapshot: "kept") { $0.status?.phase == .succeed }
            let captured = try #require(kept.status?.containers.first)
            let image = "\(captured.imageUri)@\(captured.imageDigest ?? "")"
            #expect(try await agents.cluster.pods.get("box").metadata.uid == pod.metadata.uid)
            #expect(try await agents.sandboxes.get("box").isSuspended == false)
            try await agents.waitUntilResumed("early")
            #expect(try await agents.cluster.pods.get("early").spec.containers.first?.image == image)
            #expect(try await agents.isStatusUpstreams(of: "early"))

            // One that runs already has a filesystem of its own.
            try await agents.createPaper("late") { $0.metadata.annotations["stasis.dev/restore-from"] = "kept" }
            try await agents.wait(for: "late", toSay: "RestoreNotBegun")
            #expect(try await agents.sandboxes.get("late").image == "none")
            // One of another shape would start with less than was captured.
            try await agents.createPaper("other") {
                $0.isSuspended = true
                $0.metadata.annotations["stasis.dev/restore-from"] = "kept"
                let template: JSONValue = ["spec": ["containers": [["name": "another", "image": "none"]]]]
                $0.spec.podTemplate = RawJSON(template)
            }
            let other = try await agents.wait(for: "other", toSay: "ContainerNotFound")
            #expect(other.isSuspended && other.state == "Suspended" && other.suspend == "true")
            // Nothing of it is the new sandbox's to delete.
            try await agents.setSuspend(true, of: "early")
            let suspended = try await agents.waitUntilSuspended("early")
            #expect(suspended.metadata.annotations["stasis.dev/images"]?.contains(captured.imageDigest ?? "?") != true)
            try await agents.setSuspend(false, of: "early")
            try await agents.waitUntilResumed("early")
        }
    }

    @Test("is refused by a controller that does not work on the dialect, and for a sandbox that is suspended")
    func refused() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.capture("box", as: "kept") { $0.spec.source = .agentSandbox("box") }
            let refused = try await cluster.wait(forSnapshot: "kept") { $0.status?.phase == .failed }
            #expect(refused.status?.conditions["Failed"]?.reason == "SourceNotSupported")
        }
        try await AgentSandboxTests.onPaper { agents in
            try await agents.createPaper("box") { $0.isSuspended = true }
            try await agents.wait(for: "box") { $0.status?.conditions.isTrue("Suspended") == true }
            try await agents.cluster.capture("box", as: "kept") { $0.spec.source = .agentSandbox("box") }
            let refused = try await agents.cluster.wait(forSnapshot: "kept") { $0.status?.phase == .failed }
            #expect(refused.status?.conditions["Failed"]?.reason == "SourcePodNotFound")
        }
    }
}
