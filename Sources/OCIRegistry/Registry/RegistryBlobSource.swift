// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// The bytes of a registry's blob. When the connection breaks it asks for the rest by `Range`.
struct RegistryBlobSource: AsyncSequence, Sendable {
    let request: RegistryRequest
    /// The answer to the request, not read yet.
    let first: HTTPClientResponse
    let size: Int64
    let transport: RegistryTransport

    func makeAsyncIterator() -> Iterator { Iterator(source: self) }

    struct Iterator: AsyncIteratorProtocol {
        private let source: RegistryBlobSource
        private var body: HTTPClientResponse.Body.AsyncIterator
        private var received: Int64 = 0
        /// Broken connections in a row without a byte between them.
        private var failures = 0

        init(source: RegistryBlobSource) {
            self.source = source
            self.body = source.first.body.makeAsyncIterator()
        }

        mutating func next() async throws -> ByteBuffer? {
            while true {
                do {
                    guard let piece = try await body.next() else { return nil }
                    received += Int64(piece.readableBytes)
                    if piece.readableBytes > 0 { failures = 0 }
                    return piece
                } catch {
                    try await resume(after: error)
                }
            }
        }

        private mutating func resume(after error: any Error) async throws {
            let (request, transport) = (source.request, source.transport)
            guard let failure = transport.failure(error, of: request) as? TransientFailure else {
                throw transport.failure(error, of: request)
            }
            failures += 1
            let retry = transport.configuration.retry
            guard failures < retry.attempts, received < source.size else { throw failure.error }
            try await retry.sleep(retry.delay(after: failures, retryAfter: nil))
            var rest = request
            rest.headers.replaceOrAdd(name: "Range", value: "bytes=\(received)-")
            rest.accepts = received == 0 ? [200, 206] : [206]
            let response = try await transport.send(rest)
            if response.status == .partialContent {
                // A server that gives another range than it was asked for would damage the blob silently until its end.
                let range = response.headers.first(name: "Content-Range") ?? ""
                guard range.hasPrefix("bytes \(received)-") else {
                    throw request.fault(
                        .unexpectedAnswer,
                        "it was asked for the bytes from \(received) and sent '\(range)'"
                    )
                }
            }
            body = response.body.makeAsyncIterator()
        }
    }
}
