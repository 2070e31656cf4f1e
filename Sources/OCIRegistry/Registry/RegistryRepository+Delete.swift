// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOHTTP1

extension RegistryRepository {
    /// Deletes a manifest and every tag that names it. Its blobs go when the registry collects its garbage.
    public func deleteManifest(_ digest: Digest) async throws -> Deletion {
        let subject = try await subject(of: digest)
        let outcome = try await delete("delete the manifest", "@\(digest)", "manifests/\(digest)")
        if let subject, outcome == .deleted { try await unlistAsReferrer(digest, of: subject) }
        return outcome
    }

    /// Deletes a tag and nothing else. Many registries cannot.
    public func deleteTag(_ tag: String) async throws -> Deletion {
        _ = try reference.tagged(tag)
        // docker-registry takes the tag for a digest, and says that it is a bad one.
        return try await delete("delete the tag", ":\(tag)", "manifests/\(tag)", unsupported: ["DIGEST_INVALID"])
    }

    /// Deletes a blob, whether a manifest needs it or not.
    public func deleteBlob(_ digest: Digest) async throws -> Deletion {
        try await delete("delete the blob", "@\(digest)", "blobs/\(digest)")
    }

    /// - Parameter unsupported: the codes of errors that say that the registry cannot do it, besides the usual one.
    private func delete(
        _ operation: String,
        _ suffix: String,
        _ path: String,
        unsupported: Set<String> = []
    ) async throws -> Deletion {
        var request = try request(operation, suffix, .DELETE, path, scopes: [.delete(reference.repository)])
        request.accepts = [200, 202, 204, 404, 405]
        let response: HTTPClientResponse
        do {
            response = try await transport.send(request)
        } catch let error as RegistryError
            where error.status == 400
            && error.answers.contains(where: { $0.code == "UNSUPPORTED" || unsupported.contains($0.code) })
        {
            return .unsupported
        }
        await transport.drain(response)
        switch response.status {
        case .notFound: return .absent
        case .methodNotAllowed: return .unsupported
        default: return .deleted
        }
    }

    /// What a manifest says to be about. One that cannot be read is about nothing: it can still be deleted.
    private func subject(of digest: Digest) async throws -> Digest? {
        do {
            return ReferrerOutline(try await manifest(.digest(digest)).bytes)?.subject?.digest
        } catch is RegistryError {
            return nil
        }
    }
}
