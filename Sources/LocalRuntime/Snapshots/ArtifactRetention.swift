// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SandboxModels
import SnapshotEngine
import SnapshotProvider

/// Deletes stored images, but none that something still refers to: `ArtifactReferences` says which those are.
actor ArtifactRetention {
    private let sandboxes: SandboxStore
    private let snapshots: SnapshotStore
    private let provider: RootfsProvider
    private let images: ImagePuller
    /// How many are creating a sandbox from an image by its digest, before there is a row that refers to it.
    private var pins: [String: Int] = [:]

    /// Every reference is in the stores or pinned.
    init(sandboxes: SandboxStore, snapshots: SnapshotStore, provider: RootfsProvider, images: ImagePuller) {
        self.sandboxes = sandboxes
        self.snapshots = snapshots
        self.provider = provider
        self.images = images
    }

    /// Keeps an image from being deleted until `unpin`.
    func pin(_ digest: String) {
        pins[digest, default: 0] += 1
    }

    /// Takes back one `pin`.
    func unpin(_ digest: String) {
        pins[digest] = pins[digest].flatMap { $0 > 1 ? $0 - 1 : nil }
    }

    /// Deletes an artifact that its owner needs no more, except for what others still refer to. Idempotent.
    ///
    /// - Parameter owner: The sandbox or snapshot whose own references do not count.
    /// - Throws: `SnapshotFailure` if the store did not delete it; what the database threw. Ask again.
    func release(_ artifact: Artifact, of owner: ArtifactReferences.Holder) async throws {
        let verdict = try await references().verdict(on: artifact, givenUpBy: owner)
        if let needed = verdict.retain { try await snapshots.retain(needed) }
        if let free = verdict.delete { try await delete(free) }
    }

    /// Deletes what was retained and is referred to no more.
    ///
    /// - Throws: As `release` does.
    func sweep() async throws {
        let retained = try await snapshots.retained()
        guard !retained.isEmpty else { return }
        let references = try await references()
        for row in retained where references.verdict(on: row.artifact).retain == nil {
            try await delete(row.artifact)
            try await snapshots.forget(row)
        }
    }

    /// Deletes what nothing refers to, from this machine and from the store.
    private func delete(_ artifact: Artifact) async throws {
        for part in artifact.parts {
            guard let location = try? part.restoreLocation() else { continue }
            try await images.remove(location.description)
        }
        if case .failed(let failure) = await provider.delete(artifact) { throw failure }
    }

    /// Everything that refers to an image. Pins are asked for first: whoever has one takes it back only when there is a
    /// row, which is then read below.
    private func references() async throws -> ArtifactReferences {
        var references = ArtifactReferences()
        references.add(pins.keys, by: .creation("pinned"))
        for row in try await sandboxes.all() { references.add(row.recorded, createdFrom: row.image) }
        for row in try await snapshots.all() {
            if let artifact = row.artifact { references.add(artifact, of: row.id, row.status.state) }
        }
        return references
    }
}
