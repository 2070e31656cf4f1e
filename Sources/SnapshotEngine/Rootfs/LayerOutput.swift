// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore

/// What happens to a layer's blocks, in order: the hash of the tar, the compression, the hash of the blob, the sink.
final class LayerOutput {
    private static let chunkSize = 1 << 20

    private let encoder: any GzipEncoder
    private let progress: LayerProgress
    private let sink: (ByteBuffer) throws -> Void
    private var diffID = SHA256()
    private var digest = SHA256()
    private var chunk: ByteBuffer
    private(set) var compressedSize: Int64 = 0

    init(encoder: any GzipEncoder, progress: LayerProgress, sink: @escaping (ByteBuffer) throws -> Void) {
        self.encoder = encoder
        self.progress = progress
        self.sink = sink
        chunk = ByteBufferAllocator().buffer(capacity: Self.chunkSize)
    }

    /// Takes the next block of the tar.
    func consume(_ block: UnsafeRawBufferPointer) throws {
        try progress.checkCancellation()
        diffID.update(bufferPointer: block)
        try encode(block, isLast: false)
    }

    /// Ends the stream. Nothing may follow.
    ///
    /// - Returns: The digests of the tar and of the blob.
    func finish() throws -> (diffID: String, digest: String) {
        try encode(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true)
        try handOver()
        return (Self.text(diffID.finalize()), Self.text(digest.finalize()))
    }

    private func encode(_ block: UnsafeRawBufferPointer, isLast: Bool) throws {
        var rest = block
        while isLast || !rest.isEmpty {
            if chunk.readableBytes == Self.chunkSize { try handOver() }
            let room = Self.chunkSize - chunk.readableBytes
            var step = GzipStep(consumed: 0, produced: 0, isFinished: false)
            try chunk.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { space in
                step = try encoder.encode(
                    rest,
                    into: UnsafeMutableRawBufferPointer(rebasing: space.prefix(room)),
                    isLast: isLast
                )
                return step.produced
            }
            if step.isFinished { return }
            guard step.consumed > 0 || step.produced > 0 else {
                throw RootfsError.compression("the encoder stopped before the end")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
        }
    }

    private func handOver() throws {
        let full = chunk
        guard full.readableBytes > 0 else { return }
        chunk = ByteBufferAllocator().buffer(capacity: Self.chunkSize)
        full.withUnsafeReadableBytes { digest.update(bufferPointer: $0) }
        compressedSize += Int64(full.readableBytes)
        progress.addWritten(full.readableBytes)
        try sink(full)
    }

    private static func text(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return "sha256:"
            + String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
