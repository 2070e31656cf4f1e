// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// How far a checkpoint is, and what is told of that.
struct KruiseCheckpointStageTests {
    private static let plan = KruiseCheckpointPlan.with {
        $0.contents = [.filesystem]
        $0.missing = [.memory]
    }

    @Test func followsItsSnapshot() {
        #expect(KruiseCheckpointStage(nil) == .waiting(nil))
        var snapshot = SandboxSnapshotStatus()
        #expect(KruiseCheckpointStage(snapshot) == .waiting(nil))
        snapshot.phase = .pending
        snapshot.progress = .with {
            $0.stage = "waiting"
            $0.summary = "waiting: the sandbox is starting"
        }
        #expect(KruiseCheckpointStage(snapshot) == .waiting("waiting: the sandbox is starting"))
        snapshot.phase = .committing
        #expect(KruiseCheckpointStage(snapshot) == .creating(snapshot.progress))
        snapshot.phase = .failed
        snapshot.conditions["Failed"] = .with {
            $0.type = "Failed"
            $0.reason = "RegistryUnreachable"
            $0.message = "No."
        }
        #expect(KruiseCheckpointStage(snapshot) == .failed(Problem("RegistryUnreachable", "No.")))
        snapshot.phase = SandboxSnapshotPhase(rawValue: "Thinking")
        #expect(KruiseCheckpointStage(snapshot) == .creating(snapshot.progress))
    }

    @Test func sumsUpWhatWasCaptured() throws {
        let snapshot = SandboxSnapshotStatus.with {
            $0.phase = .succeed
            $0.frozenMilliseconds = 42
            $0.completionTime = Timestamp(seconds: 5)
            $0.containers = [("a", 7), ("b", 8)].map { name, size in
                .with {
                    $0.containerName = name
                    $0.imageUri = "r/web-\(name):snap"
                    $0.imageDigest = "sha256:\(name)"
                    $0.size = size
                }
            }
        }
        guard case .captured(let summary?) = KruiseCheckpointStage(snapshot) else {
            Issue.record("it is not captured")
            return
        }
        #expect(summary.imageUri == "r/web-a:snap" && summary.imageDigest == "sha256:a" && summary.size == 15)
        #expect(summary.frozenMilliseconds == 42 && summary.completionTime == Timestamp(seconds: 5))
    }

    @Test func tellsItsEndOnce() {
        var status = KruiseCheckpointStatus()
        status.tell(.waiting("waiting: x"), named: "cp", Self.plan, now: Timestamp(seconds: 1))
        #expect(status.phase == .pending && status.message == "waiting: x" && status.completionTime == nil)
        status.tell(.creating(.with { $0.stage = "copying" }), named: "cp", Self.plan, now: Timestamp(seconds: 2))
        #expect(status.phase == .creating && status.message == nil && status.progress?.stage == "copying")
        #expect(status.checkpointId == nil)
        status.tell(.captured(nil), named: "cp", Self.plan, now: Timestamp(seconds: 3))
        #expect(status.phase == .succeeded && status.checkpointId == "cp" && status.progress == nil)
        #expect(status.completionTime == Timestamp(seconds: 3))
        #expect(status.conditions.map(\.type).sorted() == ["Degraded", "Ready"])
        #expect(status.conditions["Degraded"]?.reason == "MemoryNotCaptured")
        #expect(status.message?.contains("memory was not captured") == true)
        let end = status
        for stage in [KruiseCheckpointStage.failed(Problem("A", "b")), .creating(nil), .captured(nil), .waiting(nil)] {
            status.tell(stage, named: "cp", nil, now: Timestamp(seconds: 9))
            #expect(status == end)
        }
    }

    @Test func aFailureSaysWhy() {
        var status = KruiseCheckpointStatus()
        status.tell(.failed(Problem("SandboxNotFound", "There is none.")), named: "cp", nil, now: Timestamp(seconds: 3))
        #expect(status.phase == .failed && status.message == "There is none." && status.checkpointId == nil)
        #expect(status.completionTime == Timestamp(seconds: 3))
        #expect(status.conditions.map(\.type) == ["Failed"] && status.conditions["Failed"]?.reason == "SandboxNotFound")
    }

    /// An empty string, or an image without a name, makes API servers refuse the whole status.
    @Test func tellsNothingThatIsEmpty() {
        var status = KruiseCheckpointStatus()
        status.tell(.failed(Problem("JobFailed", "")), named: "cp", nil, now: Timestamp(seconds: 3))
        #expect(
            status.message == "JobFailed; no more is known." && status.conditions["Failed"]?.message == status.message
        )
        status = KruiseCheckpointStatus()
        status.tell(.captured(ArtifactSummary()), named: "cp", nil, now: Timestamp(seconds: 3))
        #expect(status.artifact == nil && status.phase == .succeeded)
    }

    @Test func tellsOfALifetimeThatIsNone() {
        var status = KruiseCheckpointStatus()
        status.tell(.unreadable("soon"), now: Timestamp(seconds: 3))
        #expect(status.conditions["LifetimeIgnored"]?.message?.contains("'soon'") == true)
        status.tell(.never, now: Timestamp(seconds: 4))
        #expect(status.conditions == [])
    }

    /// A copy of a checkpoint is not captured as that was.
    @Test func aPlanIsOfOneCheckpoint() throws {
        var checkpoint = KruiseCheckpoint()
        checkpoint.metadata.uid = "one"
        #expect(try checkpoint.plan() == nil)
        var plan = Self.plan
        plan.uid = "one"
        plan.template.template = try RawJSON(#"{"spec":{"containers":[{"name":"a","x":1e3}]}}"#)
        plan.unknownFields["later"] = try RawJSON("true")
        checkpoint.metadata.annotations[Kruise.Annotation.checkpointPlan] = plan.jsonText
        #expect(try checkpoint.plan() == plan)
        checkpoint.metadata.uid = "two"
        #expect(try checkpoint.plan() == nil)
        checkpoint.metadata.annotations[Kruise.Annotation.checkpointPlan] = "{"
        #expect(throws: JSONError.self) { try checkpoint.plan() }
    }
}
