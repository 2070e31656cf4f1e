// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// The bytes of a blob, verified as they are read.
///
/// It can be read once. The reader's pace is kept: bytes are fetched as it asks for them. Reading to the end throws
/// `RegistryError` of kind `sizeMismatch` or `digestMismatch` if the bytes are not those of the descriptor; so nothing
/// that was read may be relied on before the end has been reached.
public struct BlobBody: AsyncSequence, Sendable {
    /// A piece of the blob, of any size but zero.
    public typealias Element = ByteBuffer

    /// What the bytes must be.
    public let descriptor: Descriptor
    private let subject: String
    private let source: any AsyncSequence<ByteBuffer, any Error> & Sendable

    /// Verifies the bytes of a source.
    ///
    /// - Parameters:
    ///   - subject: what the blob is, for errors: `registry.example/app@sha256:...`.
    ///   - source: the bytes. Used once.
    public init(
        _ descriptor: Descriptor,
        subject: String,
        source: any AsyncSequence<ByteBuffer, any Error> & Sendable
    ) {
        self.descriptor = descriptor
        self.subject = subject
        self.source = source
    }

    /// Starts reading.
    public func makeAsyncIterator() -> Iterator {
        Iterator(descriptor, subject: subject, source: source.makeAsyncIterator())
    }

    /// Reads and verifies.
    public struct Iterator: AsyncIteratorProtocol {
        private let descriptor: Descriptor
        private let subject: String
        private var source: any AsyncIteratorProtocol<ByteBuffer, any Error>
        private var digester: Digester
        private var isFinished = false

        fileprivate init(
            _ descriptor: Descriptor,
            subject: String,
            source: any AsyncIteratorProtocol<ByteBuffer, any Error>
        ) {
            self.descriptor = descriptor
            self.subject = subject
            self.source = source
            self.digester = Digester(descriptor.digest.algorithm)
        }

        /// The next piece; `nil` after the last one, once all of them have been verified.
        public mutating func next() async throws -> ByteBuffer? {
            guard !isFinished else { return nil }
            while let piece = try await source.next() {
                guard piece.readableBytes > 0 else { continue }
                digester.update(piece)
                guard digester.count <= descriptor.size else {
                    isFinished = true
                    throw fault(.sizeMismatch, "it has more than the \(descriptor.size) bytes that it should have")
                }
                return piece
            }
            isFinished = true
            guard digester.count == descriptor.size else {
                throw fault(.sizeMismatch, "it ended after \(digester.count) of \(descriptor.size) bytes")
            }
            let digest = digester.finalize()
            guard digest == descriptor.digest else {
                throw fault(.digestMismatch, "its bytes have the digest \(digest)")
            }
            return nil
        }

        private func fault(_ kind: RegistryError.Kind, _ reason: String) -> RegistryError {
            RegistryError(
                kind,
                operation: "read the blob",
                subject: subject,
                reason: reason,
                advice: "try again; if that does not help, the copy there is damaged: push the image again"
            )
        }
    }
}
