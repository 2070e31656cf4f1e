// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import SandboxModels

import struct Foundation.Data
import class Foundation.JSONDecoder
import struct Foundation.URL

/// Another server of sandboxes, as a client speaks with it.
struct PeerServer: Sendable {
    typealias Method = HTTPMethod

    /// Its address, without `/v1`.
    var url: String
    /// What it is sent as the key.
    var key: String?
    /// A file with the authorities to trust besides the system's.
    var authoritiesFile: String?

    /// The longest answer that is read.
    private static let maximumAnswer = 4 << 20
    /// The header in which the key is sent.
    private static let keyHeader = "OPEN-SANDBOX-API-KEY"

    /// What a server has answered.
    struct Answer: Sendable {
        var status: Int
        var body: Data

        /// The body as a type; nil if it is something else.
        func json<Value: Decodable>(_ type: Value.Type) -> Value? { try? JSONDecoder().decode(type, from: body) }

        /// The code of an error.
        var code: String? {
            struct Told: Decodable { var code: String? }
            return json(Told.self)?.code
        }

        /// What an error says.
        var told: String {
            struct Told: Decodable { var message: String? }
            guard let message = json(Told.self)?.message else { return "\(status)" }
            return "\(status): \(message.prefix(500))"
        }
    }

    /// Sends a request.
    ///
    /// - Throws: If there was no answer, so that nobody knows what came of it.
    func send(
        _ method: HTTPMethod,
        _ path: String,
        body: Data? = nil,
        idempotencyKey: String? = nil,
        timeout: TimeAmount = .seconds(30)
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        if let key { request.headers.add(name: Self.keyHeader, value: key) }
        if let name = RequestID.current { request.headers.add(name: "X-Request-ID", value: name.text) }
        if let idempotencyKey { request.headers.add(name: "Idempotency-Key", value: idempotencyKey) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        var settings = HTTPClient.Configuration(redirectConfiguration: .disallow)
        settings.timeout.connect = .seconds(10)
        settings.httpVersion = .http1Only
        if let authoritiesFile {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(authoritiesFile))]
            settings.tlsConfiguration = tls
        }
        // Connections of its own: moves are rare, and nothing is sent again by itself.
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        do {
            let response = try await client.execute(request, timeout: timeout)
            let bytes = try await response.body.collect(upTo: Self.maximumAnswer)
            try? await client.shutdown()
            return Answer(status: Int(response.status.code), body: Data(bytes.readableBytesView))
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// Why there was no answer, for people.
    func told(_ error: any Error) -> String {
        let reason = (error as? HTTPClientError)?.shortDescription ?? "\(error)"
        return "\(url) does not answer (\(reason.prefix(300)))"
    }
}

extension PeerServer {
    /// The server that a configuration names.
    ///
    /// - Throws: If the file with its key cannot be read.
    init(_ target: ServerConfiguration.Moving.Target) throws {
        var key = target.key
        if let file = target.keyFile {
            key = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self).trimmed
        }
        self.init(url: target.url, key: key, authoritiesFile: target.authoritiesFile)
    }
}
