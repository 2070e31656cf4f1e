// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

extension RegistryRepository {
    /// Opens a blob by GET. A connection that breaks on the way is replaced by one that goes on from there.
    public func blob(_ descriptor: Descriptor) async throws -> BlobBody {
        let request = try blobRequest("read the blob", .GET, descriptor.digest)
        let response = try await transport.send(request)
        let source = RegistryBlobSource(
            request: request,
            first: response,
            size: descriptor.size,
            transport: transport
        )
        return BlobBody(descriptor, subject: request.subject, source: source)
    }

    /// Asks for a blob by HEAD.
    public func blobSize(_ digest: Digest) async throws -> Int64? {
        var request = try blobRequest("look for the blob", .HEAD, digest)
        request.accepts = [200, 404]
        let response = try await transport.send(request)
        await transport.drain(response)
        guard response.status == .ok else { return nil }
        guard let size = response.headers.first(name: "Content-Length").flatMap({ Int64($0) }) else {
            throw request.fault(.unexpectedAnswer, "\(reference.domain) did not say its size")
        }
        return size
    }

    /// Asks the registry to take a blob from another of its repositories.
    ///
    /// - Returns: false if the registry cannot, or may not with our login.
    public func mountBlob(_ digest: Digest, from repository: String) async throws -> Bool {
        var request = try request(
            "mount from \(repository) the blob",
            "@\(digest)",
            .POST,
            "blobs/uploads/?mount=\(digest)&from=\(repository)",
            scopes: [.push(reference.repository), .pull(repository)]
        )
        request.accepts = [201, 202]
        let response: HTTPClientResponse
        do {
            response = try await transport.send(request)
        } catch let error as RegistryError
            where [.unauthorized, .forbidden, .notFound, .unexpectedAnswer].contains(error.kind)
        {
            // What cannot be mounted can be copied; if it is the login that is wrong, copying will say so.
            return false
        }
        await transport.drain(response)
        if response.status == .created { return true }
        // The registry has begun an upload instead, which nobody is going to use.
        if let session = try? uploadSession(response, to: request) {
            await UploadExchange(repository: self).abandon(session)
        }
        return false
    }

    /// Begins an upload by POST.
    public func startUpload() async throws -> any BlobUpload {
        let (session, minimum) = try await startSession()
        return RegistryUpload(
            repository: self,
            session: session,
            chunkSize: max(transport.configuration.uploadChunkSize, minimum, 1)
        )
    }

    /// A new upload session's address, and how long chunks must be there but for the last one.
    func startSession() async throws -> (session: WebAddress, minimum: Int) {
        var request = try request(
            "start an upload to",
            "",
            .POST,
            "blobs/uploads/",
            scopes: [.push(reference.repository)]
        )
        request.accepts = [202]
        let response = try await transport.send(request)
        await transport.drain(response)
        let minimum = response.headers.first(name: "OCI-Chunk-Min-Length").flatMap { Int($0) } ?? 0
        // Chunks are held in memory.
        guard minimum <= Self.longestChunk else {
            throw request.fault(.unexpectedAnswer, "\(reference.domain) wants chunks of \(minimum) bytes")
        }
        return (try uploadSession(response, to: request), minimum)
    }

    /// The longest chunk that is held in memory because a registry wants it, in bytes.
    private static let longestChunk = 128 << 20

    /// Where an upload goes on, as an answer says.
    func uploadSession(
        _ response: HTTPClientResponse,
        to request: RegistryRequest
    ) throws(RegistryError) -> WebAddress {
        guard let location = response.headers.first(name: "Location"), let url = request.url.resolving(location) else {
            throw request.fault(
                .unexpectedAnswer,
                "\(reference.domain) did not say where the upload goes on",
                status: Int(response.status.code)
            )
        }
        try transport.checkSecurity(of: url, for: request)
        return url
    }

    private func blobRequest(
        _ operation: String,
        _ method: HTTPMethod,
        _ digest: Digest
    ) throws(RegistryError) -> RegistryRequest {
        try request(operation, "@\(digest)", method, "blobs/\(digest)", scopes: [.pull(reference.repository)])
    }
}
