// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

import struct Foundation.Date

/// Reads what repositories have, image by image.
///
/// Registries tell tags and nothing else: an image that has lost its tags is found by nobody but the registry's own garbage
/// collection.
public struct InventoryReader: Sendable {
    /// How many tags and images are asked for at a time.
    private static let width = 4
    /// How many tags are asked for in one request.
    private static let pageSize = 500

    /// Creates a reader.
    public init() {}

    /// Reads everything.
    ///
    /// - Throws: `RegistryError`: with a part missing, it could not be said what an image shares with others.
    public func read(_ repositories: [any ImageRepository]) async throws -> RegistryInventory {
        var images: [InventoryImage] = []
        for repository in repositories { images += try await self.images(of: repository) }
        return RegistryInventory(images)
    }

    private func images(of repository: any ImageRepository) async throws -> [InventoryImage] {
        let tags = try await allTags(of: repository)
        let named = try await Self.mapped(tags) { tag -> (String, Descriptor)? in
            // It may have gone meanwhile.
            try await repository.resolve(.tag(tag)).map { (tag, $0) }
        }
        let byDigest = Dictionary(grouping: named.compactMap { $0 }, by: \.1.digest)
        let images = try await Self.mapped(Array(byDigest.keys)) { digest in
            try await image(digest, tags: (byDigest[digest] ?? []).map(\.0).sorted(), in: repository)
        }
        return images.compactMap { $0 }.sorted { ($0.tags.first ?? "") < ($1.tags.first ?? "") }
    }

    private func allTags(of repository: any ImageRepository) async throws -> [String] {
        var tags: [String] = []
        while true {
            let page = try await repository.tags(after: tags.last, limit: Self.pageSize)
            // Registries that know no pages send the same again.
            guard let last = page.last, last != tags.last else { return tags }
            tags += page
            if page.count < Self.pageSize { return tags }
        }
    }

    private func image(
        _ digest: Digest,
        tags: [String],
        in repository: any ImageRepository
    ) async throws -> InventoryImage? {
        do {
            let content = try await repository.manifest(.digest(digest))
            if content.mediaType.isIndex, tags.allSatisfy(\.isReferrersTag) { return nil }
            var image = InventoryImage(
                repository: repository.name,
                digest: digest,
                mediaType: content.mediaType,
                tags: tags
            )
            // With what is said to refer to it left out: that is a matter of its own.
            let options = ImageCopyOptions(includesReferrers: false)
            let plan = try await ImageCopy(from: repository, to: repository, options: options).plan(.digest(digest))
            image.content = plan.manifests.map(\.descriptor) + plan.blobs
            image.referrers = try await repository.referrers(of: digest, artifactType: nil)
            guard !content.mediaType.isIndex else { return image }
            let manifest = try content.imageManifest()
            guard manifest.config.mediaType.isConfig else { return image }
            let bytes = try await repository.blobData(manifest.config, limit: ManifestContent.sizeLimit)
            let config: ImageConfig = try ImageDocument.decode(from: bytes, subject: "the configuration of \(digest)")
            image.created = config.created.flatMap { Date(timestamp: $0) }
            image.origin = InventoryImage.Origin(labels: config.config.labels ?? [:], layers: manifest.layers.count)
            return image
        } catch let error as ImageCopyError where Self.isDamage(error.error) {
            return try await unreadable(digest, tags: tags, in: repository)
        } catch let error as ImageCopyError {
            throw error.error
        } catch let error as RegistryError where Self.isDamage(error) {
            return try await unreadable(digest, tags: tags, in: repository)
        }
    }

    /// Whether an image is not what it should be, or not all there.
    private static func isDamage(_ error: RegistryError) -> Bool {
        [.malformedDocument, .tooLarge, .digestMismatch, .sizeMismatch, .notFound].contains(error.kind)
    }

    /// What cannot be read is nobody's snapshot, so it stays and keeps nothing else from being listed. An index that lacks some of
    /// its images holds those that are there. `nil` if it has gone.
    private func unreadable(
        _ digest: Digest,
        tags: [String],
        in repository: any ImageRepository
    ) async throws -> InventoryImage? {
        guard let found = try await repository.resolve(.digest(digest)) else { return nil }
        let index = try? await repository.manifest(.digest(digest)).imageIndex()
        return InventoryImage(
            repository: repository.name,
            digest: digest,
            mediaType: found.mediaType,
            tags: tags,
            content: [found] + (index?.manifests ?? [])
        )
    }

    /// Does something with all items, a few at a time, and keeps their order.
    private static func mapped<Item: Sendable, Value: Sendable>(
        _ items: [Item],
        _ body: @escaping @Sendable (Item) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            var values: [(Int, Value)] = []
            for (index, item) in items.enumerated() {
                if index >= width, let value = try await group.next() { values.append(value) }
                group.addTask { (index, try await body(item)) }
            }
            for try await value in group { values.append(value) }
            return values.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
