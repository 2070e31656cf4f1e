// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

@testable import ClusterRuntime

/// What clients are told of snapshots, and what can be started from them.
@Suite struct SnapshotTests {
    private static func made(
        _ phase: SandboxSnapshotPhase?,
        _ containers: [(name: String, digest: String?)] = [],
        _ configure: (inout SandboxSnapshot) -> Void = { _ in }
    ) -> SandboxSnapshot {
        .with {
            $0.metadata.name = "osb-snap-0"
            $0.metadata.labels = [OpenSandbox.Label.snapshotID: "s", OpenSandbox.Label.sourceSandboxID: "x"]
            $0.metadata.annotations[OpenSandbox.Annotation.snapshotName] = "mine"
            $0.metadata.creationTimestamp = Timestamp(seconds: 5)
            $0.status = .with {
                $0.phase = phase
                $0.containers = containers.map { container in
                    .with {
                        $0.containerName = container.name
                        $0.imageUri = "reg:5000/x-\(container.name):snap-1"
                        $0.imageDigest = container.digest
                        $0.size = 9
                    }
                }
            }
            configure(&$0)
        }
    }

    @Test func states() {
        func state(_ snapshot: SandboxSnapshot) -> SnapshotStatus.State { Snapshot(snapshot).status.state }
        #expect(state(Self.made(nil)) == .creating)
        #expect(state(Self.made(.pending)) == .creating)
        #expect(state(Self.made(.committing)) == .creating)
        #expect(state(Self.made(.succeed)) == .ready)
        #expect(state(Self.made(.failed)) == .failed)
        #expect(state(Self.made(.succeed) { $0.metadata.deletionTimestamp = Timestamp(seconds: 6) }) == .deleting)
    }

    @Test func whatIsTold() {
        let ready = Snapshot(Self.made(.succeed, [("sandbox", "sha256:aa")]))
        #expect(ready.id == "s" && ready.sandboxID == "x" && ready.name == "mine")
        #expect(ready.artifact?.parts.first?.digest == "sha256:aa")
        #expect(ready.artifact?.parts.first?.size == 9)
        let failed = Snapshot(
            Self.made(.failed) {
                $0.status?.conditions = [
                    .with {
                        $0.type = "Failed"
                        $0.status = "True"
                        $0.reason = "CommitJobFailed"
                        $0.message = "The push was refused."
                    }
                ]
            }
        )
        #expect(failed.status.reason == "CommitJobFailed")
        #expect(failed.status.message == "The push was refused.")
        let capturing = Snapshot(
            Self.made(.committing) {
                $0.status?.progress = .with {
                    $0.stage = "uploading"
                    $0.bytesRead = 10
                    $0.summary = "uploading 10 B"
                }
            }
        )
        #expect(capturing.status.message == "uploading 10 B")
        #expect(capturing.status.progress?.bytesRead == 10)
    }

    @Test func restoring() throws {
        let one = Self.made(.succeed, [("main", "sha256:aa")])
        #expect(try RestorableImage(one, id: "s").pinned == "reg:5000/x-main@sha256:aa")
        let two = Self.made(.succeed, [("egress", "sha256:bb"), ("sandbox", "sha256:aa")])
        #expect(try RestorableImage(two, id: "s").pinned == "reg:5000/x-sandbox@sha256:aa")
        func code(_ snapshot: SandboxSnapshot) -> SandboxError.Code? {
            do {
                _ = try RestorableImage(snapshot, id: "s")
                return nil
            } catch { return error.code }
        }
        #expect(code(Self.made(.succeed, [("a", "sha256:bb"), ("b", "sha256:aa")])) == .snapshotNotRestorable)
        #expect(code(Self.made(.succeed, [("a", nil)])) == .snapshotNotRestorable)
        #expect(code(Self.made(.committing)) == .snapshotNotReady)
        #expect(code(Self.made(.failed)) == .snapshotNotReady)
    }

    @Test func repositories() {
        #expect(RestorableImage.repository(of: "reg:5000/a/b:1") == "reg:5000/a/b")
        #expect(RestorableImage.repository(of: "reg:5000/a/b") == "reg:5000/a/b")
        #expect(RestorableImage.repository(of: "a@sha256:00") == "a")
    }
}
