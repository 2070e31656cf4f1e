// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import SandboxModels
import Testing

/// What the state machine decides is told in upstream's words.
struct BatchSandboxStatusTests {
    private let noon = Timestamp(seconds: 43200)
    private let later = Timestamp(seconds: 43300)

    private func decided(_ kinds: SandboxModels.Condition.Kind..., reason: String = "Why") -> [SandboxModels.Condition]
    {
        SandboxModels.Condition.Kind.allCases.map {
            .init($0, kinds.contains($0) ? .yes : .no, reason: reason, message: kinds.contains($0) ? "m" : "")
        }
    }

    @Test func everyPhaseHasItsWord() {
        let words = Phase.Name.allCases.map { BatchSandboxPhase($0)?.rawValue ?? "-" }
        #expect(
            words == [
                "Pending", "Succeed", "Pausing", "Pausing", "Pausing", "Pausing", "Paused", "Resuming", "Failed", "-",
                "-",
            ]
        )
        var status = BatchSandboxStatus()
        status.tell(.paused, [], now: noon)
        status.tell(.deleting, [], now: later)
        #expect(status.phase == .paused)
    }

    @Test func onlyWhatIsTrueIsThere() {
        var status = BatchSandboxStatus()
        status.conditions = [.with { $0.type = "Foreign" }]
        status.tell(.running, decided(.ready), now: noon)
        #expect(status.conditions.map(\.type) == ["Foreign", "Ready"])
        #expect(status.conditions[1].reason == "PodsReady" && status.conditions[1].lastTransitionTime == noon)
        status.tell(.running, decided(.ready), now: later)
        #expect(status.conditions[1].lastTransitionTime == noon)
        status.tell(.pausing, decided(.progressing), now: later)
        #expect(status.conditions.map(\.type) == ["Foreign", "Progressing"])
        #expect(status.conditions[1].reason == "PauseInProgress" && status.conditions[1].lastTransitionTime == later)
        status.tell(.running, decided(.ready, .pauseFailed, reason: "RegistryUnreachable"), now: later)
        #expect(status.conditions["PauseFailed"]?.reason == "RegistryUnreachable")
        #expect(status.conditions["PauseFailed"]?.message == "m")
        status.tell(.failed, decided(.failed, .resumeFailed, reason: "ComputeLost"), now: later)
        #expect(status.conditions.map(\.type) == ["Foreign", "ResumeFailed", "PodFailed"])
    }

    /// Upstream's schema refuses a status with a condition that it does not know.
    @Test func whatAnOldSchemaRefusesIsLeftOut() {
        var status = BatchSandboxStatus()
        status.tell(.paused, decided(.paused, .cleaningUp), isBaseline: true, now: noon)
        #expect(status.conditions.map(\.type) == ["Paused"])
        status.tell(.paused, decided(.paused, .cleaningUp), now: noon)
        #expect(status.conditions.map(\.type) == ["Paused", "CleaningUp"])
    }

    @Test func anArtifactIsToldOfEveryContainer() {
        let artifact = Artifact(
            provider: "oci-rootfs",
            parts: [
                .init(
                    container: "a",
                    reference: "r/a:t",
                    digest: "sha256:aa",
                    size: 10,
                    layers: 3,
                    baseDigest: "sha256:00"
                ),
                .init(container: "b", reference: "r/b:t", digest: "sha256:bb", size: 20),
            ],
            platform: "linux/amd64",
            statistics: .init(frozenMilliseconds: 120, bytesRead: 5, bytesWritten: 4)
        )
        var status = SandboxSnapshotStatus.with {
            $0.containers = [
                .with {
                    $0.containerName = "b"
                    $0.imageUri = "r/b:t"
                    $0.unknownFields["x"] = RawJSON(1)
                }
            ]
            $0.progress = CaptureProgress()
        }
        status.tell(artifact)
        #expect(status.containers.map(\.containerName) == ["b", "a"])
        #expect(status.containers.map(\.imageDigest) == ["sha256:bb", "sha256:aa"])
        #expect(status.containers[0].unknownFields["x"] != nil && status.containers[1].layers == 3)
        #expect(status.frozenMilliseconds == 120 && status.progress == nil && status.platform == "linux/amd64")
        let summary = ArtifactSummary(artifact, completionTime: noon)
        #expect(summary?.size == 30 && summary?.imageDigest == "sha256:aa" && summary?.frozenMilliseconds == 120)
    }

    @Test(arguments: [
        ("freezing", nil, nil, nil, "freezing"),
        ("copying", 45 << 20, 10, 100 << 20, "copying 45% of 100 MiB"),
        ("copying", 200, 10, 100, "copying 100% of 100 B"),
        ("copying", -1, 10, 1_288_490_189, "copying 0% of 1.2 GiB"),
        ("uploading", nil, 39_321_600, nil, "uploading 37.5 MiB"),
        ("uploading", 5, 0, 0, "uploading"),
        ("uploading", 5, Int.max, 0, "uploading 8388608 TiB"),
    ])
    func progressIsToldInAFewWords(_ stage: String, _ read: Int?, _ written: Int?, _ total: Int?, _ expected: String) {
        let progress = CaptureProgress.with {
            $0.stage = stage
            $0.bytesRead = read
            $0.bytesWritten = written
            $0.bytesTotal = total
        }
        #expect(progress.summarized().summary == expected)
    }
}
