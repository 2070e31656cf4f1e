// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// What an API server answers.
struct KubeAnswer: Sendable {
    let head: AnswerHead
    let body: AnswerBody

    init(head: AnswerHead, body: AnswerBody) {
        self.head = head
        self.body = body
    }

    /// One that came through a proxy.
    init(_ response: HTTPClientResponse) {
        var fields = ByteBuffer()
        for (name, value) in response.headers { fields.writeString("\(name): \(value)\r\n") }
        head = AnswerHead(code: Int(response.status.code), fields: fields)
        body = .library(response.body)
    }
}

/// The body of an answer. It can be gone through once.
enum AnswerBody: AsyncSequence, Sendable {
    /// It is all there.
    case whole(ByteBuffer)
    /// It is read as it is asked for.
    case stream(AnswerStream)
    case library(HTTPClientResponse.Body)

    /// Goes through the bytes.
    enum Iterator: AsyncIteratorProtocol {
        case whole(ByteBuffer?)
        case stream(AnswerStream)
        case library(HTTPClientResponse.Body.AsyncIterator)

        /// The next bytes; `nil` at the end.
        mutating func next() async throws -> ByteBuffer? {
            switch self {
            case .whole(let bytes):
                self = .whole(nil)
                return bytes
            case .stream(let stream): return try await stream.next()
            case .library(var iterator):
                defer { self = .library(iterator) }
                return try await iterator.next()
            }
        }
    }

    /// Begins.
    func makeAsyncIterator() -> Iterator {
        switch self {
        case .whole(let bytes): .whole(bytes)
        case .stream(let stream): .stream(stream)
        case .library(let body): .library(body.makeAsyncIterator())
        }
    }

    /// All of it.
    ///
    /// - Throws: `NIOTooManyBytesError` if that is more than so many bytes.
    func collect(upTo limit: Int) async throws -> ByteBuffer {
        switch self {
        case .whole(let bytes):
            guard bytes.readableBytes <= limit else { throw NIOTooManyBytesError(maxBytes: limit) }
            return bytes
        case .stream(let stream):
            var all = ByteBuffer()
            while let bytes = try await stream.next() {
                guard all.readableBytes + bytes.readableBytes <= limit else {
                    throw NIOTooManyBytesError(maxBytes: limit)
                }
                all.writeImmutableBuffer(bytes)
            }
            return all
        case .library(let body): return try await body.collect(upTo: limit)
        }
    }
}
