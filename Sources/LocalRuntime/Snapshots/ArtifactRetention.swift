// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Provenance
import SandboxModels
import SnapshotEngine
import SnapshotProvider
import SnapshotStore

/// Deletes stored images, but none that something still refers to: `ArtifactReferences` says which those are.
actor ArtifactRetention {
    private let sandboxes: SandboxStore
    private let snapshots: SnapshotStore
    private let provider: RootfsProvider
    private let images: ImagePuller
    private let repositories: ImageRepositories
    /// How many are creating a sandbox from an image by its digest, before there is a row that refers to it.
    private var pins: [String: Int] = [:]

    /// Every reference is in the stores or pinned.
    init(
        sandboxes: SandboxStore,
        snapshots: SnapshotStore,
        provider: RootfsProvider,
        images: ImagePuller,
        repositories: ImageRepositories
    ) {
        self.sandboxes = sandboxes
        self.snapshots = snapshots
        self.provider = provider
        self.images = images
        self.repositories = repositories
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

    /// Remembers an artifact that could not be deleted; `sweep` does it.
    ///
    /// - Throws: What the database threw.
    func postpone(_ artifact: Artifact) async throws {
        try await snapshots.retain(artifact)
    }

    /// Deletes what a capture has stored and nobody has recorded, now, or in a later `sweep` if the store does not do it.
    ///
    /// - Throws: What the database threw.
    func discard(_ image: UnrecordedImage) async throws {
        do {
            try await delete(image)
        } catch {
            try await snapshots.postpone(image)
        }
    }

    /// Deletes what was retained and is referred to no more, and what could not be deleted when it was to be.
    ///
    /// - Throws: As `release` does, after everything was tried.
    func sweep() async throws {
        var failure: (any Error)?
        for image in try await snapshots.postponed() {
            do {
                try await delete(image)
                try await snapshots.forget(image)
            } catch {
                failure = error
            }
        }
        let retained = try await snapshots.retained()
        let references = retained.isEmpty ? ArtifactReferences() : try await references()
        for row in retained where references.verdict(on: row.artifact).retain == nil {
            do {
                try await delete(row.artifact)
                try await snapshots.forget(row)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Deletes the image at the place of a capture, if it is that capture's and nothing refers to it. Whatever else is
    /// there is somebody else's.
    private func delete(_ unrecorded: UnrecordedImage) async throws {
        let location = try ImageLocation(parsing: unrecorded.target)
        guard let reference = location.manifestReference else { return }
        let repository = repositories.repository(of: location)
        do {
            let image = try await repository.image(reference)
            let labels = image.config.config.labels ?? [:]
            let digest = image.descriptor.digest
            let artifact = Artifact(
                provider: RootfsCapture.providerName,
                parts: [
                    Artifact.Part(
                        container: labels[SnapshotLabels.container] ?? "",
                        reference: unrecorded.target,
                        digest: digest.description,
                        size: image.descriptor.size
                    )
                ],
                platform: image.config.platform.description
            )
            if labels[SnapshotLabels.uid] == unrecorded.capture, labels[SnapshotLabels.sandbox] == unrecorded.sandbox,
                try await references().verdict(on: artifact).retain == nil
            {
                // The image goes last: cut off before that, it is found again with what is left beside it.
                try await ImageAttachments(to: image.descriptor, in: repository).remove()
                _ = try await repository.deleteManifest(digest)
            }
        } catch let error as RegistryError where error.isNotFound {
            // Nothing was stored.
        }
        try await (repository as? ImageLayoutRepository)?.removeUnfinished()
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
        references.add(try await sandboxes.moves.lentImages(), by: .creation("moved"))
        for row in try await snapshots.all() {
            if let artifact = row.artifact { references.add(artifact, of: row.id, row.status.state) }
        }
        return references
    }
}
