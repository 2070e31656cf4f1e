// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension ImageLayoutRepository {
    /// Removes what writers that have failed or died left in the folder: temporary files, and blobs that they had stored
    /// and for which no manifest came. What others have put there stays, and so does what is being written now.
    ///
    /// - Throws: `RegistryError` if the folder cannot be read or changed.
    public func removeUnfinished() async throws {
        try await BlockingIO.run {
            let abandoned = try files.removeLeftovers()
            guard !abandoned.isEmpty else { return }
            try files.updateIndex(
                { (_) throws(RegistryError) in },
                afterwards: { (index) throws(RegistryError) in
                    let needed = try neededBlobs(of: index.entries.map(\.digest))
                    for (digest, claim) in abandoned {
                        if !needed.contains(digest) { try files.remove(digest) }
                        claim.remove()
                    }
                }
            )
        }
    }
}
