// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import SnapshotEngine
import TestSupport
import Testing

@Suite("containerd's content store")
struct ContainerdContentTests {
    /// Parts with a fixed content, as many as are asked for.
    private struct Parts: AsyncSequence, AsyncIteratorProtocol, Sendable {
        struct Broken: Error {}

        var left: Int
        var part: ByteBuffer
        var breaksAfter: Int?

        mutating func next() async throws -> ByteBuffer? {
            if let limit = breaksAfter {
                guard limit > 0 else { throw Broken() }
                breaksAfter = limit - 1
            }
            guard left > 0 else { return nil }
            left -= 1
            return part
        }

        func makeAsyncIterator() -> Parts { self }
    }

    private static let helloDigest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

    private func hello() -> Parts {
        Parts(left: 1, part: ByteBuffer(string: "hello"))
    }

    @Test("2,000 calls and 200 MB go over one connection without a failure")
    func load() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await daemon.withClient { client in
            for _ in 0..<2000 {
                _ = try await client.version()
            }
            let body = Parts(left: 400, part: ByteBuffer(repeating: 7, count: 500_000))
            try await client.withLease { client in
                let digest = try await client.writeContent(
                    reference: "load",
                    expectedDigest: nil,
                    expectedSize: 200_000_000,
                    body: body
                )
                let size = try await client.withContent(digest) { bytes in
                    var size = 0
                    for try await part in bytes {
                        size += part.readableBytes
                    }
                    return size
                }
                #expect(size == 200_000_000)
                try await client.deleteContent(digest)
            }
        }
    }

    @Test("Content is written with labels, read in part, found again and not written twice")
    func writeAndRead() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await daemon.withClient { client in
            try await client.withLease { client in
                let digest = try await client.writeContent(
                    reference: "hello",
                    expectedDigest: Self.helloDigest,
                    expectedSize: 5,
                    labels: ["a": "1"],
                    body: hello()
                )
                #expect(digest == Self.helloDigest)
                #expect(try await client.contentInfo(digest).labels["a"] == "1")
                let middle = try await client.withContent(digest, offset: 1, size: 3) { bytes in
                    try await bytes.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
                }
                #expect(String(buffer: middle) == "ell")

                // A body that must not be read: the blob is there.
                let again = try await client.writeContent(
                    reference: "hello-again",
                    expectedDigest: Self.helloDigest,
                    expectedSize: 5,
                    labels: ["b": "2"],
                    body: hello()
                )
                #expect(again == Self.helloDigest)
                #expect(try await client.contentInfo(digest).labels["b"] == "2")
                try await client.deleteContent(digest)
            }
        }
    }

    @Test("A wrong digest or size is refused and leaves nothing")
    func mismatch() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await daemon.withClient { client in
            try await client.withLease { client in
                let wrong = "sha256:\(String(repeating: "1", count: 64))"
                let error = await #expect(throws: ContainerdError.self) {
                    try await client.writeContent(
                        reference: "wrong-digest",
                        expectedDigest: wrong,
                        expectedSize: 5,
                        body: hello()
                    )
                }
                #expect(error?.code == .failedPrecondition)
                await #expect(throws: ContainerdError.self) {
                    try await client.writeContent(
                        reference: "wrong-size",
                        expectedDigest: nil,
                        expectedSize: 6,
                        body: hello()
                    )
                }
                let uploads = try await client.uploads().map(\.reference)
                #expect(uploads.filter { $0.hasPrefix("wrong") } == [])
            }
        }
    }

    @Test("A body that breaks throws its own error and leaves nothing; the next upload of that name succeeds")
    func brokenBody() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await daemon.withClient { client in
            try await client.withLease { client in
                let part = ByteBuffer(repeating: 1, count: 100_000)
                await #expect(throws: Parts.Broken.self) {
                    try await client.writeContent(
                        reference: "broken",
                        expectedDigest: nil,
                        expectedSize: nil,
                        body: Parts(left: 10, part: part, breaksAfter: 3)
                    )
                }
                #expect(try await client.uploads().contains { $0.reference == "broken" } == false)
                let digest = try await client.writeContent(
                    reference: "broken",
                    expectedDigest: nil,
                    expectedSize: 1_000_000,
                    body: Parts(left: 10, part: part)
                )
                #expect(try await client.contentInfo(digest).size == 1_000_000)
                try await client.deleteContent(digest)
            }
        }
    }

    @Test("Reading stops when the reader has enough, and a limit is kept")
    func partialRead() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await daemon.withClient { client in
            try await client.withLease { client in
                let digest = try await client.writeContent(
                    reference: "partial",
                    expectedDigest: nil,
                    expectedSize: nil,
                    body: Parts(left: 20, part: ByteBuffer(repeating: 3, count: 1 << 20))
                )
                let first = try await client.withContent(digest) { bytes in
                    var iterator = bytes.makeAsyncIterator()
                    return try await iterator.next()?.readableBytes ?? 0
                }
                #expect(first > 0)
                let error = await #expect(throws: ContainerdError.self) {
                    try await client.content(digest, limit: 1 << 20)
                }
                #expect(error?.code == .failedPrecondition)
                try await client.deleteContent(digest)
            }
        }
    }
}
