// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@testable import KruiseRuntime

/// What clients are told of a sandbox.
@Suite struct SandboxStatusTests {
    private typealias Reason = KruiseSandboxCondition.Reason

    private func state(_ object: KruiseSandbox) -> SandboxStatus.State { object.sandbox.status.state }

    @Test func phases() {
        #expect(state(.made(in: nil)) == .pending)
        #expect(state(.made(in: .pending)) == .pending)
        #expect(state(.made(in: .running)) == .running)
        #expect(state(.made(in: .resuming)) == .resuming)
        #expect(state(.made(in: .succeeded)) == .terminated)
        #expect(state(.made(in: .failed)) == .failed)
        #expect(state(.made(in: .terminating)) == .stopping)
        #expect(state(.made { $0.metadata.deletionTimestamp = Timestamp(seconds: 1) }) == .stopping)
    }

    /// A wish counts before its controller has begun.
    @Test func wishes() {
        #expect(state(.made { $0.spec.paused = true }) == .pausing)
        let pausing = KruiseSandbox.made(in: .paused) {
            $0.spec.paused = true
            $0.tell(.paused, "False", Reason.checkpointCreating)
        }
        #expect(state(pausing) == .pausing)
        var paused = pausing
        paused.tell(.paused, "True", Reason.snapshotPauseSucceed)
        #expect(state(paused) == .paused)
        paused.spec.paused = false
        #expect(state(paused) == .resuming)
    }

    /// A pause that did not come about is told where the sandbox is running again, until it is asked for once more.
    @Test func failures() {
        var failed = KruiseSandbox.made {
            $0.spec.paused = true
            $0.tell(.paused, "False", Reason.checkpointFailed, "the registry is full")
        }
        #expect(state(failed) == .running)
        #expect(failed.sandbox.status.reason == "PAUSE_FAILED")
        #expect(failed.sandbox.status.message == "CheckpointFailed: the registry is full")
        failed.metadata.generation = 2
        #expect(state(failed) == .pausing)

        let stuck = KruiseSandbox.made(in: .paused) {
            $0.tell(.paused, "True", Reason.snapshotPauseSucceed)
            $0.tell(.resumed, "False", "ArtifactLost", "no such image")
        }
        #expect(state(stuck) == .paused)
        #expect(stuck.sandbox.status.message == "ArtifactLost: no such image")
    }

    @Test func startFailures() throws {
        let refused = KruiseSandbox.made(in: .pending) {
            $0.tell(.ready, "False", Reason.podCreateFailed, "exceeded quota")
        }
        let error = #expect(throws: SandboxError.self) { try CreationOutcome.isReady(refused, id: "x") }
        #expect(error?.code == .startFailed)
        #expect(error?.message.contains("exceeded quota") == true)
        #expect(try !CreationOutcome.isReady(.made(in: .pending), id: "x"))
        #expect(try CreationOutcome.isReady(.made(), id: "x"))
    }

    @Test func told() {
        let object = KruiseSandbox.made {
            $0.metadata.annotations = [
                "user": "a b", "agents.kruise.io/owner": "me", "stasis.dev/record": "{}",
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "agents.kruise.io/claim-timestamp": "2026-01-02T03:04:05Z",
                "stasis.dev/request":
                    #"{"template":"t","leastAfterResume":300,"extensions":{"a":"b"},"tellsAddress":true}"#,
            ]
            $0.metadata.labels = ["tier": "gold", "agents.kruise.io/sandbox-claimed": "true"]
            $0.status?.podInfo = .with { $0.podIP = "10.1.2.3" }
            $0.spec.pauseTime = SpelledTime("2026-01-02T03:09:05Z")
            $0.spec.shutdownTime = SpelledTime("2026-01-02T04:09:05Z")
            $0.spec.template = try? RawJSON(
                #"{"spec":{"containers":[{"name":"c","image":"i","command":["a"],"args":["b"],"#
                    + #""resources":{"requests":{"cpu":"1","memory":"64Mi"},"limits":{"cpu":"2"}}}]}}"#
            )
        }
        let sandbox = object.sandbox
        #expect(sandbox.id == "team--box")
        #expect(
            sandbox.spec.metadata == [
                "user": "a b", "tier": "gold", "e2b.agents.kruise.io/sandbox-resource": "team/box",
                "e2b.agents.kruise.io/sandbox-ip": "10.1.2.3",
            ]
        )
        #expect(sandbox.spec.owner == "me" && sandbox.spec.template == "t" && sandbox.spec.team == "team")
        #expect(sandbox.spec.image == "i" && sandbox.spec.entrypoint == ["a", "b"])
        #expect(sandbox.spec.resourceLimits == ["cpu": "2", "memory": "64Mi"])
        #expect(sandbox.spec.extensions == ["a": "b"])
        #expect(sandbox.spec.timeout == TimeoutPolicy(.pause, leastAfterResume: 300))
        #expect(sandbox.createdAt == Timestamp("2026-01-02T03:04:05Z")?.date)
        #expect(sandbox.pausesAt == Timestamp("2026-01-02T03:09:05Z")?.date)
        #expect(sandbox.isOver(at: Timestamp("2026-01-02T04:09:05Z")?.date ?? .distantPast))

        var labelled = object
        labelled.metadata.labels["agents.kruise.io/sandbox-id"] = "k1abc"
        #expect(labelled.sandboxID == "k1abc")
        labelled.metadata.ownerReferences = [
            .with {
                ($0.apiVersion, $0.kind, $0.name, $0.uid, $0.controller) = (
                    "agents.kruise.io/v1alpha1", "SandboxSet", "s", "u", true
                )
            }
        ]
        #expect(!labelled.isTaken)
    }
}
