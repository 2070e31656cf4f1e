// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension ImageLayoutRepository {
    /// Deletes a manifest, every tag that names it, and those of its blobs that no other image of the layout has.
    ///
    /// A writer that has found one of these blobs and not yet stored its manifest is told so by `putManifest`, which
    /// looks for all blobs again under the same lock.
    public func deleteManifest(_ digest: Digest) async throws -> Deletion {
        try await BlockingIO.run {
            guard let file = try files.openBlob(digest) else { return .absent }
            // The manifest is the last to go: cut off before that, a repeated deletion still finds what belongs to it.
            let candidates = try Self.references(in: try file.readAll(limit: ManifestContent.sizeLimit)) + [digest]
            // From when the index does not list them any more, nobody would find them by their tag. A disk that has no
            // room for that is no reason to keep them.
            let claims = candidates.compactMap { try? files.claim($0) }
            try files.updateIndex(
                { (index) throws(RegistryError) in try index.remove(digest: digest) },
                afterwards: { (index) throws(RegistryError) in
                    let needed = try neededBlobs(of: index.entries.map(\.digest))
                    for candidate in candidates where !needed.contains(candidate) { try files.remove(candidate) }
                }
            )
            for claim in claims { claim.remove() }
            return .deleted
        }
    }

    /// The first blob that a manifest or an index needs and that is not there.
    func missingBlob(of bytes: [UInt8]) throws(RegistryError) -> Digest? {
        for digest in try Self.references(in: bytes) where try files.openBlob(digest) == nil { return digest }
        return nil
    }

    /// All blobs that some manifests need, themselves included.
    func neededBlobs(of manifests: [Digest]) throws(RegistryError) -> Set<Digest> {
        var needed: Set<Digest> = []
        var open = manifests
        while let digest = open.popLast() {
            guard needed.insert(digest).inserted, let file = try files.openBlob(digest) else { continue }
            let bytes = try file.readAll(limit: ManifestContent.sizeLimit)
            let references = try Self.references(in: bytes)
            if ManifestContent.mediaType(of: bytes)?.isIndex == true {
                open += references
            } else {
                needed.formUnion(references)
            }
        }
        return needed
    }

    /// What a manifest or an index names. Layers that must not be stored are not counted.
    static func references(in bytes: [UInt8]) throws(RegistryError) -> [Digest] {
        guard let type = ManifestContent.mediaType(of: bytes) else { return [] }
        if type.isIndex {
            return try ImageDocument.decode(ImageIndex.self, from: bytes, subject: "an index").manifests.map(\.digest)
        }
        return try ImageDocument.decode(ImageManifest.self, from: bytes, subject: "a manifest").blobs
            .filter { !$0.mediaType.isNondistributable }.map(\.digest)
    }
}
