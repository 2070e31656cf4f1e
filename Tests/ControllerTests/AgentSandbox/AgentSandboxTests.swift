// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

/// Both controllers on a real cluster, with a provider that captures nothing and pods that no kubelet runs.
@Suite("A Sandbox of the AgentSandbox dialect")
struct AgentSandboxTests {
    typealias Agents = AgentSandboxCluster<AgentSandboxV1Beta1>

    /// Runs `body` where pods stand only in the API server.
    static func onPaper<Version: AgentSandboxVersion>(
        _ version: Version.Type,
        isControlled: Bool = true,
        _ body: @escaping @Sendable (AgentSandboxCluster<Version>) async throws -> Void
    ) async throws {
        let provider = InstantProvider()
        provider.change { $0.restoresDigests = true }
        try await AgentSandboxCluster<Version>.run(
            provider: provider,
            isControlled: isControlled
        ) { agents in
            try await agents.cluster.withHastyPods {
                try await agents.cluster.whilePodsAreReady { try await body(agents) }
            }
        }
    }

    /// The same in upstream's newest version.
    static func onPaper(_ body: @escaping @Sendable (Agents) async throws -> Void) async throws {
        try await onPaper(AgentSandboxV1Beta1.self, body)
    }

    @Test("of which nobody asks anything is not written to")
    func untouched() async throws {
        try await Self.onPaper { agents in
            try await agents.createPaper("other")
            try await agents.waitUntilReady("other")
            // One that is asked for something is seen to meanwhile.
            try await agents.createPaper("box") { $0.metadata.annotations["stasis.dev/suspend"] = "true" }
            try await agents.waitUntilSuspended("box")
            let other = try await agents.sandboxes.get("other")
            #expect(other.metadata.annotations.keys.filter { $0.hasPrefix("stasis.dev/") }.isEmpty)
            #expect(other.metadata.finalizers.isEmpty)
        }
    }

    @Test("is suspended with a snapshot, which its template names then, and resumed from it by either way of asking")
    func suspendAndResume() async throws {
        try await Self.onPaper { agents in
            let created = try await agents.createPaper("box")
            try await agents.waitUntilReady("box")
            let first = try await agents.cluster.pods.get("box")
            try await agents.setSuspend(true, of: "box")
            let suspended = try await agents.waitUntilSuspended("box")
            #expect(suspended.isSuspended)
            let image = try #require(suspended.image)
            #expect(image.contains("@sha256:"), "\(image)")
            #expect(suspended.originalImages == ["main": "none"])
            #expect(suspended.message == "It is saved as \(image).")
            #expect(try await agents.cluster.pods.find("box") == nil)
            // Where the pod goes at once, there may be nothing left to release.
            #expect(agents.cluster.provider.calls.filter { $0 != "release" } == ["capture", "seal", "forget"])
            let snapshot = try await agents.cluster.snapshots.get("box-pause")
            #expect(snapshot.status?.phase == .succeed)
            #expect(snapshot.spec.source?.apiVersion == "agents.x-k8s.io/v1beta1")

            try await agents.setSuspend(false, of: "box")
            let resumed = try await agents.waitUntilResumed("box")
            #expect(resumed.metadata.uid == created.metadata.uid)
            #expect(resumed.message == nil)
            let second = try await agents.cluster.pods.get("box")
            #expect(second.metadata.uid != first.metadata.uid)
            #expect(second.spec.containers.first?.image == image)
            try await agents.cluster.waitUntilGone("box-pause")

            // A second one, and upstream's clients resume it: they only set the mode.
            try await agents.setSuspend(true, of: "box")
            let again = try await agents.waitUntilSuspended("box")
            #expect(again.image != image && again.originalImages == ["main": "none"])
            try await agents.setSuspendedDirectly(false, of: "box")
            let direct = try await agents.waitUntilResumed("box")
            #expect(direct.suspend == "false")
            #expect(try await agents.cluster.pods.get("box").spec.containers.first?.image == again.image)
            #expect(try await agents.isStatusUpstreams(of: "box"))
            for reason in ["Suspending", "Suspended", "Resuming", "Resumed"] {
                try await agents.waitForEvent(reason, about: "box")
            }
            #expect(agents.cluster.provider.mistakes.isEmpty)
        }
    }

    @Test("is treated the same in upstream's older version")
    func olderVersion() async throws {
        try await Self.onPaper(AgentSandboxV1Alpha1.self) { agents in
            try await agents.createPaper("box")
            try await agents.waitUntilReady("box")
            try await agents.setSuspend(true, of: "box")
            let suspended = try await agents.waitUntilSuspended("box")
            #expect(suspended.spec.replicas == 0 && suspended.image?.contains("@sha256:") == true)
            try await agents.setSuspend(false, of: "box")
            try await agents.waitUntilResumed("box")
            #expect(try await agents.cluster.pods.get("box").spec.containers.first?.image == suspended.image)
            // Whichever version a snapshot names, it is of the same object.
            for version in ["v1alpha1", "v1beta1"] {
                try await agents.cluster.capture("box", as: version) { $0.spec.source = .agentSandbox("box", version) }
                try await agents.cluster.wait(forSnapshot: version) { $0.status?.phase == .succeed }
            }
        }
    }

    @Test("runs on when its suspension fails, says why, and is tried again when it is asked for again")
    func failure() async throws {
        try await Self.onPaper { agents in
            try await agents.createPaper("box")
            try await agents.waitUntilReady("box")
            let pod = try await agents.cluster.pods.get("box")
            agents.cluster.provider.change {
                $0.captureFailure = SnapshotFailure("TargetUnavailable", "registry.example refused the login")
            }
            try await agents.setSuspend(true, of: "box")
            let failed = try await agents.wait(for: "box", toSay: "TargetUnavailable")
            #expect(failed.state == "Running" && failed.suspend == "false" && !failed.isSuspended)
            #expect(failed.message == "TargetUnavailable: registry.example refused the login")
            let told = try await agents.cluster.wait(forSnapshot: "box-pause") { $0.status?.phase == .failed }
            #expect(told.status?.conditions["Failed"]?.reason == "TargetUnavailable")
            let event = try await agents.waitForEvent("SuspendFailed", about: "box")
            #expect(event.type == "Warning")
            // Neither did the seal succeed, nor the verification.
            agents.cluster.provider.change {
                $0.captureFailure = nil
                $0.verifyFailure = SnapshotFailure("NotVerified", "a blob is missing")
            }
            try await agents.setSuspend(true, of: "box")
            try await agents.wait(for: "box", toSay: "NotVerified")
            agents.cluster.provider.change {
                $0.verifyFailure = nil
                $0.sealFailure = SnapshotFailure("FreezeLost", "it was thawed")
            }
            try await agents.setSuspend(true, of: "box")
            let last = try await agents.wait(for: "box", toSay: "FreezeEnded")
            #expect(!last.isSuspended && last.image == "none")
            #expect(try await agents.cluster.pods.get("box").metadata.uid == pod.metadata.uid)
            agents.cluster.provider.change { $0.sealFailure = nil }
            try await agents.setSuspend(true, of: "box")
            try await agents.waitUntilSuspended("box")
        }
    }

    @Test("runs on when it is told to while it is captured")
    func cancelled() async throws {
        try await Self.onPaper { agents in
            try await agents.createPaper("box")
            try await agents.waitUntilReady("box")
            agents.cluster.provider.change { $0.isHeld = true }
            try await agents.setSuspend(true, of: "box")
            try await agents.cluster.wait(forSnapshot: "box-pause") { $0.status?.progress?.bytesRead != nil }
            #expect(try await agents.sandboxes.get("box").state == "Suspending")
            try await agents.setSuspend(false, of: "box")
            let running = try await agents.wait(for: "box", toSay: "PauseCancelled")
            #expect(!running.isSuspended && agents.cluster.provider.calls.contains("abandon"))
            agents.cluster.provider.change { $0.isHeld = false }
            try await agents.setSuspend(true, of: "box")
            try await agents.waitUntilSuspended("box")
        }
    }

    @Test("stays suspended when its snapshot is gone, however it is resumed, and comes back when that is there again")
    func artifactGone() async throws {
        try await Self.onPaper { agents in
            try await agents.createPaper("box")
            try await agents.waitUntilReady("box")
            try await agents.setSuspend(true, of: "box")
            try await agents.waitUntilSuspended("box")
            agents.cluster.provider.change {
                $0.verifyFailure = SnapshotFailure("NotVerified", "the registry has no such manifest")
            }
            try await agents.setSuspend(false, of: "box")
            let told = try await agents.wait(for: "box", toSay: "NotVerified")
            #expect(told.state == "Suspended" && told.suspend == "true" && told.isSuspended)
            try await agents.waitForEvent("ResumeFailed", about: "box")
            #expect(try await agents.cluster.pods.find("box") == nil)
            agents.cluster.provider.change { $0.verifyFailure = nil }
            try await agents.setSuspend(false, of: "box")
            try await agents.waitUntilResumed("box")
        }
    }

    @Test("is told of when somebody suspends it without a snapshot, and followed when it runs again")
    func suspendedDirectly() async throws {
        try await Self.onPaper { agents in
            // Whoever has this wants no other suspension.
            try await agents.createPaper("box") { $0.metadata.annotations["stasis.dev/suspend"] = "false" }
            try await agents.wait(for: "box") { $0.state == "Running" }
            try await agents.setSuspendedDirectly(true, of: "box")
            let lost = try await agents.wait(for: "box", toSay: "SuspendedWithoutSnapshot")
            #expect(lost.state == "SuspendedWithoutSnapshot")
            try await agents.waitForEvent("SuspendedWithoutSnapshot", about: "box")
            // It is too late for this.
            try await agents.setSuspend(true, of: "box")
            try await agents.wait(for: "box") { $0.suspend == "false" && $0.state == "SuspendedWithoutSnapshot" }
            #expect(agents.cluster.provider.calls.isEmpty)
            try await agents.setSuspendedDirectly(false, of: "box")
            try await agents.waitUntilResumed("box")
            // Its pod is lost, and upstream's controller makes another one.
            _ = try await agents.cluster.pods.delete("box")
            try await agents.waitUntilResumed("box")
            try await agents.setSuspend(true, of: "box")
            try await agents.wait(for: "box") { $0.state == "Suspended" || $0.suspend == "false" }
        }
    }

    @Test("with a pod of another name, as a warm pool gives it, is captured like another")
    func adopted() async throws {
        try await Self.onPaper { agents in
            try await agents.createPaper("claimed") { $0.isSuspended = true }
            let sandbox = try await agents.wait(for: "claimed") { $0.status?.conditions.isTrue("Suspended") == true }
            var pod = Pod()
            pod.metadata.name = "warm-7xk2p"
            pod.metadata.ownerReferences = [sandbox.controllerReference()]
            pod.spec = try #require(try sandbox.podTemplate()).spec
            let name: JSONValue = ["metadata": ["annotations": ["agents.x-k8s.io/pod-name": "warm-7xk2p"]]]
            // As if it had been there when the sandbox was claimed.
            try await agents.edit("claimed", name)
            try await agents.setSuspendedDirectly(false, of: "claimed")
            try await agents.waitUntilReady("claimed")
            _ = try await agents.cluster.pods.create(pod)
            _ = try await agents.cluster.pods.delete("claimed", DeleteOptions(gracePeriodSeconds: 0))
            try await agents.wait(for: "claimed") {
                $0.status?.conditions.isTrue("Ready") == true
                    && $0.status?.conditions["Ready"]?.reason == "DependenciesReady"
            }
            try await agents.cluster.capture("claimed", as: "kept") { $0.spec.source = .agentSandbox("claimed") }
            let kept = try await agents.cluster.wait(forSnapshot: "kept") { $0.status?.completionTime != nil }
            #expect(kept.status?.sourcePodName == "warm-7xk2p", "\(kept.status?.conditions ?? [])")
            try await agents.setSuspend(true, of: "claimed")
            let suspended = try await agents.waitUntilSuspended("claimed")
            #expect(suspended.metadata.annotations["agents.x-k8s.io/pod-name"] == nil)
            try await agents.setSuspend(false, of: "claimed")
            try await agents.waitUntilResumed("claimed")
            #expect(try await agents.cluster.pods.get("claimed").spec.containers.first?.image == suspended.image)
        }
    }

    @Test("goes with its pod and its capture when it is deleted while it is captured")
    func deleted() async throws {
        try await Self.onPaper { agents in
            try await agents.createPaper("box")
            try await agents.waitUntilReady("box")
            agents.cluster.provider.change { $0.isHeld = true }
            try await agents.setSuspend(true, of: "box")
            let pausing = try await agents.wait(for: "box") { $0.state == "Suspending" }
            #expect(pausing.metadata.finalizers == ["stasis.dev/sandbox-cleanup"])
            _ = try await agents.sandboxes.delete("box")
            try await agents.cluster.waitUntilGone(in: agents.sandboxes, "box")
            try await agents.cluster.waitUntilGone(in: agents.cluster.pods, "box")
            #expect(agents.cluster.provider.calls.last == "forget")
        }
    }
}

extension AgentSandboxCluster {
    /// Creates a sandbox whose pod stands only in the API server.
    @discardableResult
    func createPaper(_ name: String, _ change: (inout Sandbox) throws -> Void = { _ in }) async throws -> Sandbox {
        try await create(name) {
            $0.spec.podTemplate = RawJSON(Self.paperTemplate)
            try change(&$0)
        }
    }
}

extension SnapshotOrigin {
    /// A Sandbox of the AgentSandbox dialect.
    static func agentSandbox(_ name: String, _ version: String = "v1beta1") -> SnapshotOrigin {
        .with {
            $0.apiVersion = "agents.x-k8s.io/\(version)"
            $0.kind = "Sandbox"
            $0.name = name
        }
    }
}
