// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A blob on its way into a registry: an upload session to which chunks are sent one after the other.
///
/// While one chunk is on its way the next one is filled, so at most two are in memory. A chunk is kept until the
/// registry has confirmed it, so a broken connection costs at most that chunk: the registry is asked how far it got and
/// the rest is sent again.
actor RegistryUpload: BlobUpload {
    private enum State {
        case open
        case ended
    }

    /// Blobs up to about this size take no more memory than they need, in bytes.
    private static let smallBlob = 256 << 10

    private let repository: RegistryRepository
    private let chunkSize: Int
    private var state = State.open
    private var session: WebAddress
    /// Bytes that the registry has confirmed, or that are on their way.
    private var sent: Int64 = 0
    /// The chunk that is being filled.
    private var chunk = ByteBuffer()
    /// The chunk before it. Once it has arrived, its memory is used again.
    private var last = ByteBuffer()
    /// The chunk on its way; ends with where the session goes on. Owned here: awaited by the next chunk and by
    /// `commit`, ended by `cancel`.
    private var inFlight: Task<WebAddress, any Error>?

    init(repository: RegistryRepository, session: WebAddress, chunkSize: Int) {
        self.repository = repository
        self.session = session
        self.chunkSize = chunkSize
    }

    func write(_ bytes: ByteBuffer) async throws {
        try checkOpen("write to")
        var rest = bytes
        while rest.readableBytes > 0 {
            if chunk.readableBytes == chunkSize { try await sendChunk() }
            // What is large takes a whole chunk's memory at once: growing by and by leaves holes behind.
            if chunk.readableBytes >= Self.smallBlob, chunk.capacity < chunkSize { chunk.reserveCapacity(chunkSize) }
            if var part = rest.readSlice(length: min(rest.readableBytes, chunkSize - chunk.readableBytes)) {
                chunk.writeBuffer(&part)
            }
        }
    }

    func commit(_ digest: Digest) async throws -> Int64 {
        try checkOpen("commit")
        let total = sent + Int64(chunk.readableBytes)
        let exchange = UploadExchange(repository: repository)
        if sent == 0 {
            // All of it is here: it can be checked before it is sent, and one request sends it.
            let actual = chunk.digest(digest.algorithm)
            guard actual == digest else {
                throw RegistryError(
                    .digestMismatch,
                    operation: "write the blob",
                    subject: "\(repository.name)@\(digest)",
                    reason: "the \(total) bytes written have the digest \(actual)"
                )
            }
            try await exchange.complete(session, digest: digest, whole: chunk)
        } else {
            try await sendChunk()
            try await settle()
            try await exchange.complete(session, digest: digest, total: total)
        }
        state = .ended
        (chunk, last) = (ByteBuffer(), ByteBuffer())
        return total
    }

    func cancel() async {
        guard state == .open else { return }
        state = .ended
        (chunk, last) = (ByteBuffer(), ByteBuffer())
        let (exchange, session, inFlight) = (UploadExchange(repository: repository), session, inFlight)
        self.inFlight = nil
        // A task of its own, awaited here, because this one may be cancelled already and the session is to end anyway.
        await Task {
            await exchange.abandon(await Self.settled(inFlight) ?? session)
        }.value
    }

    /// Where the session goes on once the chunk on its way has arrived. It gets a moment to do so: docker-registry can
    /// neither go on with nor end a session that was cut in the middle of a chunk.
    private static func settled(_ inFlight: Task<WebAddress, any Error>?) async -> WebAddress? {
        guard let inFlight else { return nil }
        let patience = Task {
            try await Task.sleep(for: .seconds(2))
            inFlight.cancel()
        }
        defer { patience.cancel() }
        return try? await inFlight.value
    }

    /// Sends the filled chunk once the one before it has arrived.
    private func sendChunk() async throws {
        try await settle()
        guard chunk.readableBytes > 0 else { return }
        let (exchange, session, bytes, offset) = (UploadExchange(repository: repository), session, chunk, sent)
        inFlight = Task { try await exchange.send(bytes, at: offset, to: session) }
        sent += Int64(chunk.readableBytes)
        swap(&chunk, &last)
        chunk.clear(minimumCapacity: chunkSize)
    }

    /// Waits for the chunk on its way. The wait is over when this task is cancelled.
    private func settle() async throws {
        guard let task = inFlight else { return }
        session = try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
        inFlight = nil
    }

    private func checkOpen(_ operation: String) throws(RegistryError) {
        guard state == .ended else { return }
        throw RegistryError(
            .notFound,
            operation: operation,
            subject: "an upload to \(repository.name)",
            reason: "it was committed or cancelled before"
        )
    }
}

extension ByteBuffer {
    fileprivate func digest(_ algorithm: Digest.Algorithm) -> Digest {
        var digester = Digester(algorithm)
        digester.update(self)
        return digester.finalize()
    }
}
