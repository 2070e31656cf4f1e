// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// A repository of a registry, spoken to by the OCI distribution specification.
public struct RegistryRepository: ImageRepository {
    /// The registry and the repository; its tag and digest say nothing here.
    public let reference: ImageReference
    let transport: RegistryTransport

    /// `registry.example/team/app`.
    public var name: String { reference.name }

    /// Asks for a manifest's descriptor by HEAD.
    public func resolve(_ reference: ManifestReference) async throws -> Descriptor? {
        var request = try manifestRequest("resolve", .HEAD, reference)
        request.accepts = [200, 404]
        let response = try await transport.send(request)
        await transport.drain(response)
        guard response.status == .ok else { return nil }
        let written = response.headers.first(name: "Docker-Content-Digest")
        guard let digest = written.flatMap({ try? Digest(parsing: $0) }),
            let size = response.headers.first(name: "Content-Length").flatMap({ Int64($0) }),
            let type = response.headers.first(name: "Content-Type").map({ MediaType($0) }),
            type.isManifest || type.isIndex
        else {
            // Some registries leave out of HEAD what they say to GET.
            return try await manifest(reference).descriptor
        }
        if case .digest(let wanted) = reference, wanted != digest {
            throw request.fault(.digestMismatch, "\(self.reference.domain) answered with the digest \(digest)")
        }
        return Descriptor(mediaType: type, digest: digest, size: size)
    }

    /// Fetches a manifest by GET.
    public func manifest(_ reference: ManifestReference) async throws -> ManifestContent {
        let request = try manifestRequest("get the manifest of", .GET, reference)
        let response = try await transport.send(request)
        let body = try await transport.body(of: response, to: request, limit: ManifestContent.sizeLimit)
        let bytes = Array(body.readableBytesView)
        let announced = response.headers.first(name: "Docker-Content-Digest").flatMap { try? Digest(parsing: $0) }
        let wanted: Digest? = if case .digest(let digest) = reference { digest } else { announced }
        let actual = Digest.of(bytes, algorithm: wanted?.algorithm ?? .sha256)
        guard wanted == nil || wanted == actual else {
            throw request.fault(
                .digestMismatch,
                "\(self.reference.domain) sent \(bytes.count) bytes with the digest \(actual)",
                advice: "try again; if that does not help, the copy there is damaged: push the image again"
            )
        }
        let header = response.headers.first(name: "Content-Type").map { MediaType($0) }
        let mediaType: MediaType
        if let header, header.isManifest || header.isIndex {
            mediaType = header
        } else {
            mediaType = ManifestContent.mediaType(of: bytes) ?? header ?? MediaType("application/octet-stream")
        }
        return ManifestContent(bytes: bytes, mediaType: mediaType, digest: actual)
    }

    /// Writes a manifest by PUT. One that was damaged on its way, as the registry's answer shows, is sent again, so that
    /// its name does not stay with the damaged one.
    @discardableResult
    public func putManifest(
        _ bytes: [UInt8],
        mediaType: MediaType,
        as reference: ManifestReference
    ) async throws -> Descriptor {
        var request = try manifestRequest("put the manifest", .PUT, reference)
        request.headers = ["Content-Type": mediaType.rawValue]
        request.body = ByteBuffer(bytes: bytes)
        request.accepts = [200, 201, 202]
        request.scopes = [.push(self.reference.repository)]
        let wanted: Digest? = if case .digest(let digest) = reference { digest } else { nil }
        let digest = Digest.of(bytes, algorithm: wanted?.algorithm ?? .sha256)
        if let wanted, wanted != digest {
            throw request.fault(.digestMismatch, "its bytes have the digest \(digest)")
        }
        let descriptor = Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
        var attempt = 1
        while true {
            let response = try await transport.send(request)
            await transport.drain(response)
            let confirmed = response.headers.first(name: "Docker-Content-Digest").flatMap { try? Digest(parsing: $0) }
            // A registry may confirm by another algorithm; only the same one can be compared.
            guard let confirmed, confirmed.algorithm == digest.algorithm, confirmed != digest else {
                try await listAsReferrer(bytes, descriptor, answer: response.headers)
                return descriptor
            }
            let fault = request.fault(
                .digestMismatch,
                "its bytes have the digest \(digest) and \(self.reference.domain) confirmed \(confirmed)"
            )
            guard attempt < transport.configuration.retry.attempts else { throw fault }
            try await transport.pause(after: TransientFailure(error: fault), attempt: attempt)
            attempt += 1
        }
    }

    /// Asks whether the registry is there and speaks the distribution protocol, and shows it our login if it wants one.
    ///
    /// - Throws: `RegistryError`.
    public func ping() async throws {
        var request = try request("reach the registry of", "", .GET, "", scopes: [])
        guard let url = request.url.resolving("/v2/") else { return }
        request.url = url
        await transport.drain(try await transport.send(request))
    }

    // MARK: Requests

    /// A request for something of this repository.
    ///
    /// - Parameter path: what follows the repository's name, without a leading slash.
    func request(
        _ operation: String,
        _ suffix: String,
        _ method: HTTPMethod,
        _ path: String,
        scopes: [AccessScope]
    ) throws(RegistryError) -> RegistryRequest {
        let scheme = transport.configuration.plainHTTP.allows(reference.endpoint) ? "http" : "https"
        guard let url = WebAddress("\(scheme)://\(reference.endpoint)/v2/\(reference.repository)/\(path)") else {
            throw RegistryError(
                .invalidReference,
                operation: operation,
                subject: name + suffix,
                reason: "'\(reference.endpoint)' cannot be part of a web address"
            )
        }
        return RegistryRequest(
            domain: reference.domain,
            repository: reference.repository,
            operation: operation,
            subject: name + suffix,
            method: method,
            url: url,
            scopes: scopes,
            origin: url
        )
    }

    private func manifestRequest(
        _ operation: String,
        _ method: HTTPMethod,
        _ manifest: ManifestReference
    ) throws(RegistryError) -> RegistryRequest {
        if case .tag(let tag) = manifest { _ = try reference.tagged(tag) }
        var request = try request(
            operation,
            manifest.suffix,
            method,
            "manifests/\(manifest)",
            scopes: [.pull(reference.repository)]
        )
        for type in MediaType.manifestTypes { request.headers.add(name: "Accept", value: type.rawValue) }
        return request
    }
}
