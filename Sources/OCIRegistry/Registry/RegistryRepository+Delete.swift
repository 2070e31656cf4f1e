// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOHTTP1

extension RegistryRepository {
    /// Deletes a manifest and every tag that names it. Its blobs go when the registry collects its garbage.
    public func deleteManifest(_ digest: Digest) async throws -> Deletion {
        var request = try request(
            "delete the manifest",
            "@\(digest)",
            .DELETE,
            "manifests/\(digest)",
            scopes: [.delete(reference.repository)]
        )
        request.accepts = [200, 202, 404, 405]
        let response = try await transport.send(request)
        await transport.drain(response)
        switch response.status {
        case .notFound: return .absent
        case .methodNotAllowed: return .unsupported
        default: return .deleted
        }
    }
}
