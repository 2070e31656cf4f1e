// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// Deletes images that nothing needs, one after the other, each only after everybody was asked again.
public struct Pruner: Sendable {
    /// What became of one image.
    public enum Outcome: Sendable, Hashable, CustomStringConvertible {
        /// It is gone, and so is what referred to it.
        case deleted(manifests: Int)
        /// Somebody else has deleted it.
        case absent
        /// Since it was listed, something has come to need it.
        case kept(String)

        /// A few words.
        public var description: String {
            switch self {
            case .deleted(let manifests):
                "deleted" + (manifests > 1 ? ", with \(manifests - 1) that referred to it" : "")
            case .absent: "was gone already"
            case .kept(let reason): "kept: \(reason)"
            }
        }
    }

    /// The registry deletes nothing.
    public struct Unsupported: Error, Sendable, CustomStringConvertible {
        /// The repository.
        public var repository: String

        /// One line.
        public var description: String {
            "\(repository) deletes nothing (405): allow it there, for docker-registry by storage.delete.enabled"
        }
    }

    private let installations: [any Installation]
    private let repositories: [String: any ImageRepository]
    private let record: PruneRecord

    /// Prepares to delete; nothing is asked yet.
    ///
    /// - Parameters:
    ///   - repositories: where images are deleted, those that were listed.
    ///   - installations: whose records count.
    ///   - record: where is written down what is deleted, before it is.
    public init(_ repositories: [any ImageRepository], installations: [any Installation], record: PruneRecord) {
        self.repositories = Dictionary(repositories.map { ($0.name, $0) }) { first, _ in first }
        self.installations = installations
        self.record = record
    }

    /// Deletes what a plan says may go.
    ///
    /// - Parameter tell: told of each image what became of it.
    /// - Throws: `InstallationError` or `RegistryError` from the image on that could not be decided or deleted: nothing further
    ///   is deleted then. `Unsupported`.
    public func delete(
        _ plan: PrunePlan,
        tell: (InventoryImage, Outcome) -> Void = { _, _ in }
    ) async throws {
        // What has a name and stays is nobody's companion.
        let staying = Set(plan.items.filter { $0.reason != nil }.map(\.image.digest))
        for image in plan.reclaimable {
            try Task.checkCancellation()
            tell(image, try await delete(image, staying: staying))
        }
    }

    private func delete(_ image: InventoryImage, staying: Set<Digest>) async throws -> Outcome {
        guard let repository = repositories[image.repository] else { return .absent }
        let plan: ImageCopyPlan
        do {
            plan = try await ImageCopy(from: repository, to: repository).plan(.digest(image.digest))
        } catch let error as ImageCopyError {
            if error.error.isNotFound, try await repository.resolve(.digest(image.digest)) == nil { return .absent }
            throw error.error
        }
        let manifests = plan.manifests
        if let other = manifests.first(where: { staying.contains($0.digest) }) {
            return .kept("\(other.digest), which stays, is about it")
        }
        // The last look is the one that counts: what is recorded after it names an image that is captured after it.
        let tags = try await currentTags(of: image, in: repository)
        try await record.add(manifests, of: image, tags: tags)
        let references = try await installations.references(to: [image.repository])
        if let holder = references.holder(of: image) { return .kept("referred to by \(holder)") }
        for manifest in manifests {
            if let holder = references.holder(of: manifest.digest) { return .kept("referred to by \(holder)") }
        }
        for manifest in manifests {
            guard try await repository.deleteManifest(manifest.digest) != .unsupported else {
                throw Unsupported(repository: repository.name)
            }
            try await deleteEmptyList(of: manifest.digest, in: repository)
        }
        return .deleted(manifests: manifests.count)
    }

    /// The names that it still has: others may have been moved to another image.
    private func currentTags(of image: InventoryImage, in repository: any ImageRepository) async throws -> [String] {
        var tags: [String] = []
        for tag in image.tags where try await repository.resolve(.tag(tag))?.digest == image.digest { tags.append(tag) }
        return tags
    }

    /// Where a registry does not list referrers itself, their list outlives them.
    private func deleteEmptyList(of digest: Digest, in repository: any ImageRepository) async throws {
        guard repository is RegistryRepository else { return }
        let tag = ManifestReference.tag("\(digest.algorithm.rawValue)-\(digest.hex.prefix(64))")
        guard let list = try await repository.resolve(tag), list.mediaType.isIndex else { return }
        guard try await repository.manifest(.digest(list.digest)).imageIndex().manifests.isEmpty else { return }
        _ = try await repository.deleteManifest(list.digest)
    }
}
