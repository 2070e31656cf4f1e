// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import struct Foundation.Date
import class Foundation.FileManager
import struct Foundation.URL
import struct Foundation.UUID

@testable import LocalRuntime

@Suite struct SnapshotStoreTests {
    static let now = Date(timeIntervalSince1970: 1_767_225_600)

    static func artifact(_ digests: String...) -> Artifact {
        let parts = digests.map { digest in
            Artifact.Part(container: digest, reference: "registry.example/s:1", digest: "sha256:\(digest)", size: 7)
        }
        return Artifact(provider: "oci-rootfs", parts: parts, platform: "linux/amd64")
    }

    static func row(_ id: String, _ state: SnapshotStatus.State, artifact: Artifact? = nil) -> SnapshotRow {
        SnapshotRow(
            id: id,
            sandboxID: "s",
            name: "base",
            status: SnapshotStatus(state: state, reason: "why", message: "because", lastTransitionAt: now),
            createdAt: now,
            artifact: artifact,
            unfinished: "oci:/store:\(id)"
        )
    }

    /// Runs a test on the path of a database in a folder of its own.
    private func withDatabase(_ test: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(component: "stasis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await test(folder.appending(component: "sandboxes.sqlite").path)
    }

    @Test func everythingIsThereAfterARestart() async throws {
        try await withDatabase { path in
            var row = Self.row("one", .creating)
            let other = Self.row("other", .failed)
            let spared = Self.artifact("c", "d")
            do {
                let store = try SandboxStore(path: path)
                try await store.snapshots.insert(row)
                try await store.snapshots.insert(other)
                row.artifact = Self.artifact("a")
                row.unfinished = nil
                row.enter(.ready, SnapshotReason.ready, at: Self.now.addingTimeInterval(1))
                try await store.snapshots.update(row)
                // Twice the same is one.
                try await store.snapshots.retain(spared)
                try await store.snapshots.retain(spared)
                try store.close()
            }
            let store = try SandboxStore(path: path)
            #expect(Set(try await store.snapshots.all()) == [row, other])
            let retained = try await store.snapshots.retained()
            #expect(retained.map(\.artifact) == [spared])
            for row in retained { try await store.snapshots.forget(row) }
            #expect(try await store.snapshots.retained().isEmpty)
            try await store.snapshots.remove("other")
            #expect(try await store.snapshots.all() == [row])
            try store.close()
        }
    }

    @Test func onlyAReadySnapshotShowsAnArtifact() {
        #expect(Self.row("one", .ready, artifact: Self.artifact("a")).snapshot.artifact != nil)
        #expect(Self.row("one", .deleting, artifact: Self.artifact("a")).snapshot.artifact == nil)
    }
}
