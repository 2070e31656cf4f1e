// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider
import Testing

@testable import Controller

@Suite("A Job that recovers a freeze")
struct RecoveryJobTests {
    private let request = CommitJobExample.request(
        .holdFrozen(until: CommitJobExample.deadline),
        containers: ["main", "side"]
    )

    private func job(_ purpose: RecoveryJob.Purpose) -> RecoveryJob {
        let commit = CommitJobExample.job(request) { $0.pushSecret = "push" }
        return RecoveryJob(purpose: purpose, request: request, snapshot: commit.snapshot, settings: commit.settings)
    }

    private func outcome(_ code: Int, _ message: String? = nil) -> RecoveryOutcome {
        RecoveryOutcome(NodeJobEnd(exitCode: code, message: message))
    }

    @Test("It has upstream's name and arguments, and no credentials")
    func manifest() throws {
        let manifest = job(.unpause).job.manifest
        #expect(manifest.metadata.name == "box-pause-unpause")
        let container = try #require(manifest.spec.template.spec.containers.first)
        #expect(container.args == ["unpause", "box-0", "boxes", "main", "side"])
        #expect(container.env.contains { $0.name == "STASIS_POD_UID" && $0.value == "6a1b" })
        #expect(!manifest.spec.template.spec.volumes.contains { $0.secret != nil })
        #expect(manifest.spec.template.spec.nodeName == "node-a")
        // It speaks with containerd, and reads nothing.
        #expect(container.securityContext?.capabilities?.add == [])
        #expect(manifest.spec.template.spec.volumes.map(\.name) == ["containerd-sock"])
        #expect(manifest.spec.template.spec.hostPID == nil)
        #expect(job(.release).job.manifest.metadata.name == "box-pause-release")
        #expect(job(.release).job.manifest.spec.template.spec.containers.first?.args == ["release", "4f0c-2"])
    }

    @Test("What has come of it")
    func outcomes() {
        #expect(outcome(0) == .done)
        #expect(outcome(2, #"{"error":{"reason":"ContainerGone","message":"no"}}"#) == .done)
        #expect(outcome(1, #"{"error":{"reason":"Sealed","message":"no"}}"#) == .sealed)
        #expect(
            outcome(3, #"{"error":{"reason":"ContainerdUnavailable","message":"refused"}}"#)
                == .failed(Problem("ContainerdUnavailable", "refused"))
        )
        guard case .failed(let problem) = outcome(137) else {
            Issue.record("a killed one has not done it")
            return
        }
        #expect(problem.reason == "RecoveryFailed" && problem.message.contains("137"))
    }
}
