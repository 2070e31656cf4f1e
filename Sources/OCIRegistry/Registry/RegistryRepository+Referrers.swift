// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOHTTP1

/// Lists of what refers to a manifest, kept by us where a registry does not keep them: an index under the tag
/// `sha256-<hex>` (distribution specification 1.1, "referrers tag schema").
extension RegistryRepository {
    /// How often a list is written again when others write it at the same time.
    private static let fallbackAttempts = 5

    /// The tag of the list.
    static func fallbackTag(of digest: Digest) -> ManifestReference {
        .tag("\(digest.algorithm.rawValue.prefix(32))-\(digest.hex.prefix(64))")
    }

    /// The list; `nil` if there is none.
    func fallbackReferrers(of digest: Digest) async throws -> ImageIndex? { try await fallbackList(of: digest)?.index }

    /// The list, and the digest of the manifest that it is.
    private func fallbackList(of digest: Digest) async throws -> (digest: Digest, index: ImageIndex)? {
        let content: ManifestContent
        do {
            content = try await manifest(Self.fallbackTag(of: digest))
        } catch let error as RegistryError where error.isNotFound {
            return nil
        }
        // Somebody's image may have that name; it is no list of ours then.
        return content.mediaType.isIndex ? (content.digest, try content.imageIndex()) : nil
    }

    /// Makes a manifest that was just put appear among those that refer to its subject, if it has one and the registry
    /// has not said that it does this itself.
    func listAsReferrer(_ bytes: [UInt8], _ descriptor: Descriptor, answer: HTTPHeaders) async throws {
        guard !answer.contains(name: "OCI-Subject"), let outline = ReferrerOutline(bytes), let subject = outline.subject
        else { return }
        let entry = outline.entry(descriptor)
        try await changeFallback(of: subject.digest) { index in
            guard !index.manifests.contains(where: { $0.digest == entry.digest }) else { return false }
            index.manifests.append(entry)
            return true
        }
    }

    /// Takes a manifest that was deleted out of the list of its subject, if we keep it. A list that nothing is in any more goes, and
    /// so does each that was written anew: no tag names it, and nobody would find it again.
    func unlistAsReferrer(_ digest: Digest, of subject: Digest) async throws {
        try await transport.referrerTurns.taking("\(name)@\(subject)") {
            for _ in 0..<Self.fallbackAttempts {
                guard let (old, found) = try await fallbackList(of: subject) else { return }
                var index = found
                guard index.manifests.contains(where: { $0.digest == digest }) else { return }
                index.manifests.removeAll { $0.digest == digest }
                if index.manifests.isEmpty, try await deleteManifest(old) != .unsupported { continue }
                try await putFallback(index, of: subject)
                // Whoever keeps us from it keeps what it is about as well.
                _ = try? await deleteManifest(old)
            }
            guard let index = try await fallbackReferrers(of: subject) else { return }
            guard index.manifests.contains(where: { $0.digest == digest }) else { return }
            throw listDoesNotStay(subject)
        }
    }

    /// Reads the list, changes it and writes it, until it is seen to be as it should: nothing locks it, and another program
    /// that writes at the same time may undo the change.
    ///
    /// - Parameter change: returns whether there was something to change.
    private func changeFallback(of digest: Digest, _ change: (inout ImageIndex) -> Bool) async throws {
        try await transport.referrerTurns.taking("\(name)@\(digest)") {
            try await changeFallbackAlone(of: digest, change)
        }
    }

    private func changeFallbackAlone(of digest: Digest, _ change: (inout ImageIndex) -> Bool) async throws {
        for _ in 0..<Self.fallbackAttempts {
            var index = try await fallbackReferrers(of: digest) ?? ImageIndex(manifests: [])
            guard change(&index) else { return }
            do {
                try await putFallback(index, of: digest)
            } catch let error as RegistryError
                where error.answers.contains(where: { $0.code == "MANIFEST_BLOB_UNKNOWN" })
            {
                // docker-registry forgets a manifest for a moment while somebody puts it once more.
                continue
            }
        }
        var index = try await fallbackReferrers(of: digest) ?? ImageIndex(manifests: [])
        guard change(&index) else { return }
        throw listDoesNotStay(digest)
    }

    private func putFallback(_ index: ImageIndex, of digest: Digest) async throws {
        let bytes = try ImageDocument.encode(index)
        try await putManifest(bytes, mediaType: .ociIndex, as: Self.fallbackTag(of: digest))
    }

    private func listDoesNotStay(_ digest: Digest) -> RegistryError {
        RegistryError(
            .unexpectedAnswer,
            operation: "list what refers to",
            subject: "\(name)@\(digest)",
            reason: "others write the list at the same time, and it does not stay as it was written",
            advice: "try again"
        )
    }
}
