// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import OCIRegistry
import Synchronization
import TestSupport

/// A registry that has what a test puts into it, true or not, and knows the referrers API.
final class DoubtfulRegistry: Sendable {
    private struct State {
        var manifests: [String: (type: MediaType, bytes: [UInt8])] = [:]
        var blobs: [String: [UInt8]] = [:]
        var referrers: [String: [Descriptor]] = [:]
    }

    private let state = Mutex(State())

    /// Keeps a manifest under its digest, and under a tag.
    @discardableResult
    func keep(_ bytes: [UInt8], _ type: MediaType = .ociManifest, as tag: String? = nil) -> Descriptor {
        let descriptor = Descriptor(of: bytes, mediaType: type)
        state.withLock { state in
            state.manifests[descriptor.digest.description] = (type, bytes)
            if let tag { state.manifests[tag] = (type, bytes) }
        }
        return descriptor
    }

    /// Answers with bytes when a blob is asked for.
    func keep(_ bytes: [UInt8], asBlob digest: Digest) { state.withLock { $0.blobs[digest.description] = bytes } }

    /// Says what refers to a manifest.
    func list(_ referrers: [Descriptor], of digest: Digest) {
        state.withLock { $0.referrers[digest.description] = referrers }
    }

    /// Keeps an image of these blobs, the first of which is its config.
    func keep(_ blobs: [Descriptor], subject: Descriptor? = nil, as tag: String? = nil) throws -> Descriptor {
        let manifest = ImageManifest(config: blobs[0], layers: Array(blobs.dropFirst()), subject: subject)
        return keep(try ImageDocument.encode(manifest), as: tag)
    }

    /// Keeps a blob and says what it is.
    func keepBlob(_ bytes: [UInt8]) -> Descriptor {
        let descriptor = Descriptor(of: bytes, mediaType: .ociLayer)
        keep(bytes, asBlob: descriptor.digest)
        return descriptor
    }

    /// Runs `body` with a repository in it.
    func run(_ client: RegistryClient, _ body: (RegistryRepository) async throws -> Void) async throws {
        try await TestWebServer.run({ self.answer($0) }) { server in
            try await body(client.repository(try ImageReference(parsing: "\(server.authority)/app")))
        }
    }

    func answer(_ request: TestWebServer.Request) -> TestWebServer.Response {
        let last = String(request.target.split(separator: "/").last ?? "")
        return state.withLock { state in
            if request.target.contains("/manifests/"), let (type, bytes) = state.manifests[last] {
                return .init(.ok, ["Content-Type": type.rawValue], ByteBuffer(bytes: bytes))
            }
            if request.target.contains("/referrers/") {
                let index = ImageIndex(manifests: state.referrers[last] ?? [])
                let bytes = (try? ImageDocument.encode(index)) ?? []
                return .init(.ok, ["Content-Type": MediaType.ociIndex.rawValue], ByteBuffer(bytes: bytes))
            }
            if request.target.contains("/blobs/"), let bytes = state.blobs[last] {
                return .init(.ok, [:], ByteBuffer(bytes: bytes))
            }
            return .init(.notFound)
        }
    }
}
