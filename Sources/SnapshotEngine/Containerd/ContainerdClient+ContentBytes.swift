// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import GRPCCore
public import NIOCore
import SwiftProtobuf
import Synchronization

import struct Foundation.Data

/// The bytes of a blob as they arrive. It can be read once, and only while `withContent` runs.
public struct ContentBytes: AsyncSequence, Sendable {
    /// The parts, none of them empty.
    public typealias Element = ByteBuffer

    let messages: RPCAsyncSequence<Containerd_Services_Content_V1_ReadContentResponse, any Error>
    let client: ContainerdClient
    let digest: String

    /// Reads.
    public struct AsyncIterator: AsyncIteratorProtocol {
        var messages: RPCAsyncSequence<Containerd_Services_Content_V1_ReadContentResponse, any Error>.AsyncIterator
        let client: ContainerdClient
        let digest: String

        /// The next part; nil at the end.
        public mutating func next() async throws -> ByteBuffer? {
            do {
                while let message = try await messages.next() {
                    guard !message.data.isEmpty else { continue }
                    return ByteBuffer(bytes: message.data)
                }
                return nil
            } catch let error as RPCError {
                if Task.isCancelled {
                    throw CancellationError()
                }
                throw ContainerdError(
                    error,
                    operation: "Content.Read",
                    subject: "content \(digest)",
                    socket: client.socket
                )
            }
        }
    }

    /// Begins to read.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(messages: messages.makeAsyncIterator(), client: client, digest: digest)
    }
}

/// The content store: bytes, in and out, streamed with back-pressure.
extension ContainerdClient {
    /// Messages larger than this are split: containerd takes 16 MiB, but smaller ones keep memory low.
    private static let largestPart = 1 << 20

    /// Reads a blob, or a part of it.
    ///
    /// - Parameters:
    ///   - digest: Which one.
    ///   - offset: Where to begin, in bytes.
    ///   - size: How many bytes; 0 for all that follow.
    ///   - body: Reads the bytes; what it leaves is not transferred. containerd itself does not check the digest.
    public func withContent<Result: Sendable>(
        _ digest: String,
        offset: Int64 = 0,
        size: Int64 = 0,
        _ body: @escaping @Sendable (ContentBytes) async throws -> Result
    ) async throws -> Result {
        try await call("Content.Read", "content \(digest)") {
            var request = Containerd_Services_Content_V1_ReadContentRequest()
            request.digest = digest
            request.offset = offset
            request.size = size
            return try await contentService.read(request, metadata: metadata) { response in
                try await body(ContentBytes(messages: response.messages, client: self, digest: digest))
            }
        }
    }

    /// All bytes of a small blob.
    ///
    /// - Parameters:
    ///   - digest: Which one.
    ///   - limit: The size in bytes above which this throws, such as 4 MiB for a manifest.
    public func content(_ digest: String, limit: Int = 4 << 20) async throws -> ByteBuffer {
        try await withContent(digest) { bytes in
            var all = ByteBuffer()
            for try await part in bytes {
                guard all.readableBytes + part.readableBytes <= limit else {
                    throw ContainerdError(
                        .failedPrecondition,
                        operation: "Content.Read",
                        subject: "content \(digest)",
                        message: "it is larger than the \(limit) bytes expected"
                    )
                }
                all.writeImmutableBuffer(part)
            }
            return all
        }
    }

    /// Writes a blob. Nothing is written if containerd has it already; its labels are set all the same.
    ///
    /// An upload of the same reference that broke off earlier is begun again from its start. A failed one is given up, so
    /// that nothing of it stays.
    ///
    /// - Parameters:
    ///   - reference: The upload's name; of two uploads with one name at a time, the second throws `locked`.
    ///   - expectedDigest: The digest that the bytes have to have; nil if only containerd is to compute it.
    ///   - expectedSize: The size in bytes that they have to have; nil if it is not known.
    ///   - labels: Labels of the blob.
    ///   - body: The bytes.
    /// - Returns: The blob's digest.
    @discardableResult
    public func writeContent<Body: AsyncSequence & Sendable>(
        reference: String,
        expectedDigest: String?,
        expectedSize: Int64?,
        labels: [String: String] = [:],
        body: Body
    ) async throws -> String where Body.Element == ByteBuffer {
        do {
            return try await upload(
                reference: reference,
                expectedDigest: expectedDigest,
                expectedSize: expectedSize,
                labels: labels,
                body: body
            )
        } catch let error as ContainerdError where error.isAlreadyExists {
            guard let expectedDigest else { throw error }
            if !labels.isEmpty {
                try await setContentLabels(labels, of: expectedDigest)
            }
            return expectedDigest
        } catch {
            // Not when it is somebody else's upload.
            if (error as? ContainerdError)?.code != .locked {
                await uncancelled {
                    // If nothing had begun there is nothing to give up; otherwise garbage collection comes by.
                    try? await abortUpload(reference)
                }
            }
            throw error
        }
    }

    private func upload<Body: AsyncSequence & Sendable>(
        reference: String,
        expectedDigest: String?,
        expectedSize: Int64?,
        labels: [String: String],
        body: Body
    ) async throws -> String where Body.Element == ByteBuffer {
        // gRPC turns what the producer throws into a cancelled call; the caller wants to know the reason.
        let producerError = Mutex<(any Error)?>(nil)
        do {
            return try await call("Content.Write", "upload \(reference)") {
                try await contentService.write(
                    metadata: metadata,
                    requestProducer: { writer in
                        do {
                            var message = Containerd_Services_Content_V1_WriteContentRequest()
                            message.ref = reference
                            message.expected = expectedDigest ?? ""
                            message.total = expectedSize ?? 0
                            // Opens the upload before the first byte is produced: often the blob exists.
                            message.action = .stat
                            try await writer.write(message)
                            message.action = .write
                            for try await part in body {
                                var rest = part
                                while let slice = rest.readSlice(length: min(rest.readableBytes, Self.largestPart)),
                                    slice.readableBytes > 0
                                {
                                    message.data = Data(slice.readableBytesView)
                                    try await writer.write(message)
                                    message.offset += Int64(slice.readableBytes)
                                }
                            }
                            message.action = .commit
                            message.data = Data()
                            message.labels = labels
                            try await writer.write(message)
                        } catch {
                            producerError.withLock { $0 = error }
                            throw error
                        }
                    },
                    onResponse: { response in
                        var digest = ""
                        for try await message in response.messages where message.action == .commit {
                            digest = message.digest
                        }
                        return digest
                    }
                )
            }
        } catch let error as ContainerdError {
            // The producer's own failure, unless it is only the echo of the stream that containerd has ended.
            let cause = producerError.withLock { $0 }
            if let cause, !(cause is RPCError), !(cause is CancellationError) {
                throw cause
            }
            throw error
        }
    }
}
