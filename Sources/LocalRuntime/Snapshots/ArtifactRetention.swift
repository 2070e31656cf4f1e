// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SandboxModels
import SnapshotEngine
import SnapshotProvider

/// Deletes stored images, but none that something still refers to.
///
/// An artifact has one owner: the sandbox that was paused into it, or the snapshot that it was made for. Others may start
/// from it: a sandbox that was created from the snapshot needs its image to be captured or started again. When the owner
/// gives an artifact up, what others refer to is remembered and deleted when the last of them is gone.
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
    func release(_ artifact: Artifact, of owner: String) async throws {
        let needed = try await references(besides: owner)
        let (free, spared) = artifact.split { needed.contains($0.digest) }
        if let spared { try await snapshots.retain(spared) }
        if let free { try await delete(free) }
    }

    /// Deletes what was spared and is referred to no more.
    ///
    /// - Throws: As `release` does.
    func sweep() async throws {
        let retained = try await snapshots.retained()
        guard !retained.isEmpty else { return }
        let needed = try await references(besides: nil)
        for row in retained {
            guard row.artifact.parts.allSatisfy({ !needed.contains($0.digest) }) else { continue }
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

    /// The digests of all images that anything but `owner` may start from or be captured upon.
    private func references(besides owner: String?) async throws -> Set<String> {
        var digests: Set<String> = []
        for row in try await sandboxes.all() where row.id != owner { digests.formUnion(row.references) }
        for row in try await snapshots.all() where row.id != owner && row.status.state != .deleting {
            digests.formUnion(row.artifact?.parts.map(\.digest) ?? [])
        }
        // Asked last: who pins does so before anything else, and unpins when there is a row.
        return digests.union(pins.keys)
    }
}

extension SandboxRow {
    /// The digests of the images that the sandbox may start from or be captured upon.
    var references: Set<String> {
        var digests = Set(recorded.artifact?.parts.map(\.digest) ?? [])
        switch recorded.phase {
        case .sealing(_, let artifact), .releasing(_, let artifact), .thawing(_, _, let artifact?):
            digests.formUnion(artifact.parts.map(\.digest))
        default: break
        }
        if let at = image.lastIndex(of: "@") { digests.insert(String(image[image.index(after: at)...])) }
        return digests
    }
}

extension Artifact {
    /// The artifact with the parts that are not spared, and the one with those that are; nil without parts.
    func split(_ isSpared: (Part) -> Bool) -> (free: Artifact?, spared: Artifact?) {
        var (free, spared) = (self, self)
        free.parts.removeAll(where: isSpared)
        spared.parts.removeAll { !isSpared($0) }
        return (free.parts.isEmpty ? nil : free, spared.parts.isEmpty ? nil : spared)
    }
}
