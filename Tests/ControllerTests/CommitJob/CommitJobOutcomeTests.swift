// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import SandboxModels
import SnapshotProvider
import Testing

@testable import Controller

@Suite("What has become of a commit Job")
struct CommitJobOutcomeTests {
    private let request = CommitJobExample.request(.keepRunning)
    private let now = Date(timeIntervalSince1970: 1000)
    private let digest = "sha256:" + String(repeating: "d", count: 64)

    private func outcome(
        of commit: ContainerState?,
        failed reason: String? = nil,
        age: Double = 0,
        request: SnapshotRequest? = nil,
        _ change: (inout Pod) -> Void = { _ in }
    ) -> CommitJobOutcome {
        var job = CommitJobExample.job(self.request).job(now: Date(timeIntervalSince1970: 0)).manifest
        if let reason {
            job.status = .with {
                $0.conditions = [
                    .with {
                        $0.type = "Failed"
                        $0.status = "True"
                        $0.reason = reason
                        $0.message = "Job was active longer than specified deadline"
                    }
                ]
            }
        }
        let pod = commit.map { state in
            Pod.with {
                $0.metadata.name = "box-pause-commit-x"
                $0.status = .with {
                    $0.startTime = Timestamp(now.addingTimeInterval(-age))
                    $0.containerStatuses = [
                        .with {
                            $0.name = "commit"
                            $0.state = state
                        }
                    ]
                }
            }
        }
        var changed = pod
        if var pod {
            change(&pod)
            changed = pod
        }
        return commitOutcome(job, changed, of: request ?? self.request)
    }

    private func commitOutcome(_ job: Job?, _ pod: Pod?, of request: SnapshotRequest) -> CommitJobOutcome {
        CommitJobOutcome(
            NodeJobOutcome(job: job, pod: pod, container: "commit", captureUID: request.uid, now: now),
            of: "box-pause-commit",
            for: request,
            provider: "oci-rootfs",
            platform: "linux/amd64"
        )
    }

    private func ended(_ code: Int, _ message: String?, reason: String? = nil) -> ContainerState {
        .with {
            $0.terminated = .with {
                $0.exitCode = code
                $0.message = message
                $0.reason = reason
            }
        }
    }

    private func waiting(_ reason: String, _ message: String? = nil) -> ContainerState {
        .with {
            $0.waiting = .with {
                $0.reason = reason
                $0.message = message
            }
        }
    }

    private func reason(_ outcome: CommitJobOutcome) -> String? {
        if case .failed(let problem) = outcome { problem.reason } else { nil }
    }

    @Test("No Job, or that of another capture, is none")
    func none() {
        #expect(commitOutcome(nil, nil, of: request) == .none)
        var other = request
        other.uid = "4f0c-3"
        #expect(outcome(of: nil, request: other) == .none)
    }

    @Test("It is on its way until its container ends")
    func active() {
        #expect(outcome(of: nil) == .active("Starting"))
        #expect(outcome(of: waiting("ContainerCreating")) == .active("Starting"))
        #expect(outcome(of: waiting("ErrImagePull", "pull QPS exceeded")) == .active("Starting"))
        #expect(outcome(of: waiting("ImagePullBackOff"), age: 59) == .active("Starting"))
        #expect(outcome(of: .with { $0.running = ContainerStateRunning() }) == .active("Committing"))
    }

    @Test("A result has a digest for each container")
    func result() throws {
        let message = """
            {"containers":[{"name":"main","image":"registry.example/boxes/box-main:snap-gen2","digest":"\(digest)",\
            "size":1234,"layers":3,"frozenMilliseconds":57,"base":"sha256:b"}]}

            """
        guard case .succeeded(let artifact) = outcome(of: ended(0, message)) else {
            Issue.record("\(outcome(of: ended(0, message)))")
            return
        }
        let part = try #require(artifact.parts.first)
        #expect(part.container == "main")
        #expect(part.digest == digest)
        #expect(part.size == 1234)
        #expect(part.layers == 3)
        #expect(part.baseDigest == "sha256:b")
        #expect(artifact.statistics?.frozenMilliseconds == 57)
        #expect(artifact.platform == "linux/amd64")
        // As soon as there is a result it counts, whatever Kubernetes says of the Job afterwards.
        #expect(outcome(of: ended(0, message), failed: "DeadlineExceeded") == .succeeded(artifact))
    }

    @Test(
        "Without a digest for each container there is no result",
        arguments: [
            nil, "", "nonsense", "{}", #"{"containers":[]}"#,
            #"{"containers":[{"name":"main","image":"i","digest":""}]}"#,
            #"{"containers":[{"name":"other","image":"i","digest":"sha256:1"}]}"#,
        ]
    )
    func noResult(message: String?) {
        #expect(reason(outcome(of: ended(0, message))) == "CommitResultMissing")
    }

    @Test("A failure tells the committer's own reason, if it left one")
    func failure() {
        let message = #"{"error":{"reason":"TargetUnavailable","message":"registry.example refused the login"}}"#
        #expect(
            outcome(of: ended(1, message))
                == .failed(Problem("TargetUnavailable", "registry.example refused the login"))
        )
        #expect(reason(outcome(of: ended(1, nil))) == "CommitterEnded")
        #expect(reason(outcome(of: ended(137, nil, reason: "OOMKilled"))) == "CommitterOutOfMemory")
    }

    @Test("A Job that Kubernetes gave up has failed, and so has one whose image cannot be had")
    func given() {
        #expect(reason(outcome(of: nil, failed: "DeadlineExceeded")) == "CommitJobFailed")
        // Its pod is seen later than the Job, and tells why: unless there is nothing more to come of it.
        let running = ContainerState.with { $0.running = ContainerStateRunning() }
        #expect(outcome(of: running, failed: "BackoffLimitExceeded") == .active("Committing"))
        for phase in ["Failed", "Succeeded"] {
            let seen = outcome(of: running, failed: "BackoffLimitExceeded") { $0.status?.phase = phase }
            #expect(reason(seen) == "CommitJobFailed")
        }
        // Only the pod tells that its node has no room for it.
        let refused = outcome(of: waiting("ContainerCreating"), failed: "BackoffLimitExceeded") {
            $0.status?.phase = "Failed"
            $0.status?.reason = "OutOfpods"
            $0.status?.message = "Pod Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110"
        }
        guard case .failed(let problem) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(problem.message.contains("OutOfpods") && problem.message.contains("capacity: 110"))
        #expect(problem.message.contains("make some there"))
        #expect(NodeJobOutcome.failed(reason: "OutOfcpu", message: nil).lacksRoom)
        #expect(!NodeJobOutcome.failed(reason: "DeadlineExceeded", message: nil).lacksRoom)
        #expect(!NodeJobOutcome.starting.lacksRoom)
        let leaving = outcome(of: running, failed: "DeadlineExceeded") {
            $0.metadata.deletionTimestamp = Timestamp(seconds: 1)
        }
        #expect(reason(leaving) == "CommitJobFailed")
        #expect(reason(outcome(of: waiting("ErrImagePull", "not found"))) == "CommitterNotStarted")
        #expect(reason(outcome(of: waiting("ImagePullBackOff"), age: 60)) == "CommitterNotStarted")
        #expect(reason(outcome(of: waiting("CreateContainerConfigError"))) == "CommitterNotStarted")
    }
}
