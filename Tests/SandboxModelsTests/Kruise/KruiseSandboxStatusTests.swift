// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

import struct Foundation.Date

@testable import SandboxModels

@Suite("What is told of a Sandbox of the Kruise dialect")
struct KruiseSandboxStatusTests {
    private static let capture = CaptureAttempt(uid: "box-1-2", number: 2, deadline: .distantFuture)
    private static let problem = Problem("TargetUnavailable", "Replica 0: no login")
    private static let artifact = Artifact(
        provider: "instant",
        parts: [
            .init(container: "main", reference: "registry.example/box-main:snap-gen2", digest: "sha256:7", size: 1)
        ],
        platform: "linux/amd64"
    )
    private static let pod = Pod.with {
        $0.metadata.uid = "u"
        $0.metadata.labels = ["app": "box"]
        $0.metadata.annotations = ["a": "b", "stasis.dev/member": "m"]
        $0.spec.nodeName = "node"
        $0.status = .with {
            $0.phase = "Running"
            $0.podIP = "10.0.0.1"
            $0.conditions["Ready"] = .with {
                $0.type = "Ready"
                $0.status = "True"
            }
        }
    }

    private func news(
        _ phase: Phase,
        _ stage: AggregateRecord.Stage = .running,
        _ change: (inout KruiseSandboxNews) -> Void = { _ in }
    ) -> KruiseSandboxNews {
        var record = AggregateRecord(identity: "box")
        var recorded = Recorded(identity: "box-1", now: .distantPast)
        recorded.phase = phase
        record.stage = stage
        record.members = [.init(index: 0, wish: .running, generation: 1, recorded: recorded)]
        var news = KruiseSandboxNews(record)
        change(&news)
        return news
    }

    private func told(_ news: KruiseSandboxNews, after status: KruiseSandboxStatus = .init()) -> KruiseSandboxStatus {
        var status = status
        status.tell(news, generation: 3, now: Timestamp(seconds: 7))
        return status
    }

    /// The conditions, each as `Type=Status/Reason`.
    private func conditions(_ status: KruiseSandboxStatus) -> [String] {
        status.conditions.map { "\($0.type)=\($0.status)/\($0.reason ?? "")" }
    }

    @Test("goes through upstream's phases, and is Paused from the beginning of a pause on")
    func phases() {
        #expect(told(news(.pending)).phase == .pending)
        #expect(told(news(.running)).phase == .running)
        let pausing = told(news(.pausing(Self.capture), .pausing))
        #expect(pausing.phase == .paused)
        #expect(conditions(pausing) == ["Ready=False/PodReady", "SandboxPaused=False/CheckpointCreating"])
        let sealing = told(news(.sealing(Self.capture, artifact: Self.artifact), .pausing), after: pausing)
        #expect(sealing.phase == .paused)
        #expect(conditions(sealing)[1] == "SandboxPaused=False/CheckpointSucceeded")
        let thawing = told(
            news(.thawing(Self.capture, because: Self.problem, artifact: nil), .undoing(because: Self.problem))
        )
        #expect(thawing.phase == .paused)
        #expect(conditions(thawing)[1] == "SandboxPaused=False/CheckpointFailed")
        let paused = told(
            news(.paused, .paused) { $0.record.members[0].recorded.artifact = Self.artifact },
            after: sealing
        )
        #expect(paused.phase == .paused)
        #expect(conditions(paused)[1] == "SandboxPaused=True/StopPauseSucceed")
        #expect(paused.artifact?.imageDigest == "sha256:7")
        #expect(told(news(.paused, .paused) { $0.endsPaused = true }).phase == .succeeded)
        let resuming = told(news(.resuming(afterFailure: nil)), after: paused)
        #expect(resuming.phase == .resuming)
        #expect(
            conditions(resuming).suffix(2) == ["SandboxPaused=True/StopPauseSucceed", "SandboxResumed=False/CreatePod"]
        )
        let resumed = told(
            news(.running) {
                $0.record.members[0].recorded.incarnation = 3
                $0.pod = Self.pod
            },
            after: resuming
        )
        #expect(conditions(resumed) == ["Ready=True/PodReady", "SandboxResumed=True/ResumePod"])
        #expect(told(news(.deleting, .deleting)).phase == .terminating)
    }

    @Test("a pause that failed is told of as long as it runs, with the reason and without counting replicas")
    func failedPause() {
        let status = told(
            news(.running) {
                $0.record.pauseFailure = Self.problem
                $0.pod = Self.pod
            }
        )
        #expect(status.phase == .running)
        #expect(conditions(status) == ["Ready=True/PodReady", "SandboxPaused=False/CheckpointFailed"])
        #expect(status.message == "TargetUnavailable: no login")
        #expect(status.conditions["SandboxPaused"]?.message == "TargetUnavailable: no login")
        // A new order is told of before it is begun.
        let again = told(news(.running) { $0.isPauseWaiting = true }, after: status)
        #expect(conditions(again)[1] == "SandboxPaused=False/Pending")
    }

    @Test("its pod's end is Succeeded or Failed, also when the pod is gone")
    func ended() {
        let well = Problem("PodEnded", "Pod box has ended.")
        #expect(told(news(.failed(well))).phase == .succeeded)
        #expect(told(news(.failed(Problem("Error", "with exit code 3")))).phase == .failed)
        let evicted = Pod.with { $0.status = .with { $0.phase = "Failed" } }
        #expect(told(news(.failed(well)) { $0.pod = evicted }).phase == .failed)
        let stuck = told(news(.failed(Problem("ImagePullBackOff", "no such image"))))
        #expect(conditions(stuck) == ["Ready=False/StartContainerFailed"])
        let refused = told(news(.failed(Problem("PodRefused", "no"))))
        #expect(conditions(refused) == ["Ready=False/PodCreateFailed"])
        let waiting = told(news(.pending) { $0.obstacle = Problem("TemplateNotFound", "there is none") })
        #expect(waiting.phase == .pending)
        #expect(conditions(waiting) == ["Ready=False/PodCreateFailed"])
        #expect(waiting.message == "TemplateNotFound: there is none")
    }

    @Test("what others gave to its last pod stays told while there is none, but not where that was")
    func podInfo() {
        let running = told(news(.running) { $0.pod = Self.pod })
        #expect(running.nodeName == "node" && running.sandboxIp == "10.0.0.1")
        #expect(running.podInfo?.annotations == ["a": "b"])
        #expect(running.podInfo?.podUID == "u")
        let paused = told(news(.paused, .paused), after: running)
        #expect(paused.nodeName == nil && paused.sandboxIp == nil)
        #expect(paused.podInfo?.labels == ["app": "box"])
        #expect(paused.podInfo?.podUID == nil && paused.podInfo?.podIP == nil)
    }

    @Test("conditions have all that their schema wants, keep their time, and leave those of others alone")
    func conditionsOfOthers() {
        var status = KruiseSandboxStatus()
        status.conditions["InplaceUpdate"] = .with {
            $0.type = "InplaceUpdate"
            $0.status = "True"
        }
        status = told(news(.running) { $0.pod = Self.pod }, after: status)
        status.tell(news(.running) { $0.pod = Self.pod }, generation: 4, now: Timestamp(seconds: 9))
        #expect(conditions(status) == ["InplaceUpdate=True/", "Ready=True/PodReady"])
        let ready = status.conditions["Ready"]
        #expect(ready?.lastTransitionTime == Timestamp(seconds: 7))
        #expect(ready?.observedGeneration == 4)
        // An API server refuses a condition without a message.
        for phase in [
            Phase.pending, .running, .paused, .resuming(afterFailure: nil), .pausing(Self.capture), .deleting,
        ] {
            for condition in told(news(phase)).conditions {
                #expect(condition.message?.isEmpty == false && condition.reason?.isEmpty == false, "\(condition)")
            }
        }
    }
}
