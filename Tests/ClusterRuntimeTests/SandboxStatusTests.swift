// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@testable import ClusterRuntime

/// What clients are told of an object.
@Suite struct SandboxStatusTests {
    private static func told(_ object: BatchSandbox) -> String {
        let status = Sandbox(object).status
        return [status.state.rawValue, status.reason, status.message].compactMap { $0 }.joined(separator: "|")
    }

    @Test(
        arguments: [
            (BatchSandboxPhase.pending, "Pending|CREATING"), (.succeed, "Running|RUNNING"),
            (.pausing, "Pausing|PAUSING"),
            (.paused, "Paused|PAUSED"), (.resuming, "Resuming|RESUMING"), (.failed, "Failed|FAILED"),
        ] as [(BatchSandboxPhase, String)]
    )
    func phases(_ phase: BatchSandboxPhase, _ expected: String) {
        #expect(Self.told(.made(in: phase)) == expected)
    }

    @Test func failuresAreTold() {
        let paused = BatchSandbox.made(in: .paused) { $0.tell(.resumeFailed, "SnapshotNotFound", "It is gone.") }
        #expect(Self.told(paused) == "Paused|RESUME_FAILED|SnapshotNotFound: It is gone.")
        let running = BatchSandbox.made(in: .succeed) {
            $0.spec.pause = true
            $0.tell(.pauseFailed, "SnapshotFailed", "The registry is away.")
        }
        #expect(Self.told(running) == "Running|PAUSE_FAILED|SnapshotFailed: The registry is away.")
        let failed = BatchSandbox.made(in: .failed) { $0.tell(.podFailed, "ImagePullBackOff", "No such image.") }
        #expect(Self.told(failed) == "Failed|FAILED|ImagePullBackOff: No such image.")
        let task = BatchSandbox.made(in: .succeed) {
            $0.status?.taskFailed = 1
            $0.status?.taskLastErrorMessage = "exit 3"
        }
        #expect(Self.told(task) == "Failed|TASK_FAILED|exit 3")
    }

    @Test func deletionGoesBeforeEverything() {
        let object = BatchSandbox.made(in: .pausing) { $0.metadata.deletionTimestamp = Timestamp(seconds: 1) }
        #expect(Self.told(object) == "Stopping|DELETING")
    }

    @Test func whatWasAskedIsToldBeforeItHasBegun() {
        let pausing = BatchSandbox.made(in: .succeed) { $0.spec.pause = true }
        #expect(Self.told(pausing) == "Pausing|PAUSING|It was asked to pause.")
        let resuming = BatchSandbox.made(in: .paused) { $0.spec.pause = false }
        #expect(Self.told(resuming) == "Resuming|RESUMING|It was asked to resume.")
    }

    /// A wish that has failed is of the past, until it is stated anew; the edit of another field does not do that.
    @Test func restatedWishes() {
        func failed(_ edit: (inout BatchSandbox) -> Void) -> BatchSandbox {
            var object = BatchSandbox.made(in: .succeed) {
                $0.spec.pause = true
                $0.tell(.pauseFailed, "SnapshotFailed", "")
            }
            object.metadata.annotations[OpenSandbox.Annotation.intent] = object.pauseIntent(after: nil).jsonText
            edit(&object)
            return object
        }
        #expect(failed { _ in }.pendingWish == nil)
        let renewed = failed {
            $0.metadata.generation = 2
            $0.spec.expireTime = SpelledTime("2030-01-01T00:00:00Z")
        }
        #expect(renewed.pendingWish == nil)
        let restated = failed { $0.metadata.generation = 3 }
        #expect(restated.pendingWish == .pause)
    }

    /// Upstream's controller tells no phase at first.
    @Test func withoutPhase() {
        #expect(Self.told(.made()) == "Pending|BATCHSANDBOX_PENDING")
        #expect(Self.told(.made(address: "10.0.0.1")) == "Pending|POD_SCHEDULED")
        let ready = BatchSandbox.made(address: "10.0.0.1") { $0.status?.ready = 1 }
        #expect(Self.told(ready) == "Running|POD_READY_WITH_IP")
        let short = BatchSandbox.made { $0.tell(.poolAllocationPending, "NoCapacity", "All are taken.") }
        #expect(Self.told(short) == "Pending|POOL_ALLOCATION_PENDING|NoCapacity: All are taken.")
    }

    @Test func whatItIs() throws {
        let object = BatchSandbox.made(in: .paused) {
            $0.metadata.labels["team"] = "a"
            $0.metadata.labels[OpenSandbox.Label.manualCleanup] = "true"
            $0.spec.template = RawJSON(
                [
                    "spec": [
                        "containers": [
                            ["name": "proxy", "image": "p"],
                            [
                                "name": "sandbox", "image": "i:1",
                                "command": ["/opt/opensandbox/bootstrap.sh", "sleep", "9"],
                            ],
                        ]
                    ]
                ] as JSONValue
            )
            $0.status?.artifact = .with {
                $0.imageUri = "r/x:1"
                $0.imageDigest = "sha256:00"
                $0.size = 7
            }
        }
        let sandbox = Sandbox(object)
        #expect(sandbox.spec.image == "i:1")
        #expect(sandbox.spec.entrypoint == ["sleep", "9"])
        #expect(sandbox.spec.metadata == ["team": "a"])
        #expect(sandbox.artifact?.parts.first?.digest == "sha256:00")
        #expect(sandbox.artifact?.parts.first?.size == 7)
        #expect(sandbox.createdAt == Date(timeIntervalSince1970: 1_767_225_600))
        #expect(sandbox.revision == "uid-\(object.metadata.name)/1")
        // Made by hand, without the server's label.
        let byHand = BatchSandbox.made { $0.metadata.labels = [:] }
        #expect(Sandbox(byHand).id == byHand.metadata.name)
        #expect(Sandbox(byHand).spec.image == "unknown")
    }
}
