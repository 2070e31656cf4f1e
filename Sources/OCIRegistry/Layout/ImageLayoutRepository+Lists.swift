// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension ImageLayoutRepository {
    /// The names in `index.json`, in the order of the alphabet.
    public func tags(after last: String?, limit: Int) async throws -> [String] {
        let tags = try await BlockingIO.run { try files.readIndex().entries }
            .compactMap { $0.annotations?[LayoutIndex.referenceName] }
        return Array(Set(tags).filter { last == nil || $0 > last ?? "" }.sorted().prefix(max(limit, 0)))
    }

    /// The manifests in `index.json` that say to be about another one.
    public func referrers(of digest: Digest, artifactType: String?) async throws -> [Descriptor] {
        try await BlockingIO.run {
            var seen: Set<Digest> = []
            var found: [Descriptor] = []
            for entry in try files.readIndex().entries where seen.insert(entry.digest).inserted {
                guard let file = try files.openBlob(entry.digest),
                    let outline = ReferrerOutline(try file.readAll(limit: ManifestContent.sizeLimit)),
                    outline.subject?.digest == digest
                else { continue }
                found.append(
                    outline.entry(Descriptor(mediaType: entry.mediaType, digest: entry.digest, size: entry.size))
                )
            }
            return artifactType.map { type in found.filter { $0.artifactType == type } } ?? found
        }
    }

    /// Takes a name away. The manifest stays, listed without a name if it had no other.
    public func deleteTag(_ tag: String) async throws -> Deletion {
        try await BlockingIO.run {
            guard try files.readIndex().entry(tag: tag) != nil else { return .absent }
            var isDeleted = false
            try files.updateIndex { (index) throws(RegistryError) in isDeleted = try index.remove(tag: tag) }
            return isDeleted ? .deleted : .absent
        }
    }
}
