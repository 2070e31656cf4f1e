// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// The body of an answer that opens no WebSocket, or its beginning.
struct RefusalBody {
    /// How many bytes are kept.
    private static let limit = 64 << 10

    private let length: Int?
    private let isChunked: Bool
    private var received: [UInt8] = []

    init(_ headers: HTTPHeaders) {
        isChunked = headers[canonicalForm: "Transfer-Encoding"].contains { $0.lowercased() == "chunked" }
        length = isChunked ? nil : headers.first(name: "Content-Length").flatMap { Int($0) }.map { max(0, $0) }
    }

    mutating func add(_ bytes: ByteBuffer) { received += bytes.readableBytesView.prefix(Self.limit) }

    /// Whether there is enough.
    var isComplete: Bool {
        if received.count >= Self.limit { return true }
        return isChunked ? chunks.isLast : length.map { received.count >= $0 } ?? false
    }

    /// What there is.
    var bytes: [UInt8] { Array((isChunked ? chunks.bytes : received).prefix(min(length ?? Self.limit, Self.limit))) }

    private var chunks: (bytes: [UInt8], isLast: Bool) {
        var rest = received[...]
        var bytes: [UInt8] = []
        while let end = rest.firstRange(of: Array("\r\n".utf8)) {
            let size = rest[..<end.lowerBound].prefix { $0 != UInt8(ascii: ";") }
            guard let count = Int(String(decoding: size, as: UTF8.self), radix: 16), count > 0 else {
                return (bytes, true)
            }
            rest = rest[end.upperBound...]
            bytes += rest.prefix(count)
            rest = rest.dropFirst(min(count, rest.count)).dropFirst(2)
        }
        return (bytes, false)
    }
}
