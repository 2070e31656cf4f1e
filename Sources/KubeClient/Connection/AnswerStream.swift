// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// A body that is read as it is asked for: when nobody does, no more is read from the connection. For one task at a time.
///
/// The connection is closed when this goes before the end has come, or when a task is cancelled that waits for more.
final class AnswerStream: Sendable {
    private let pipe: AnswerPipe
    private let connection: KubeConnection
    private let exchange: Exchange

    init(_ pipe: AnswerPipe, _ connection: KubeConnection, _ exchange: Exchange) {
        self.pipe = pipe
        self.connection = connection
        self.exchange = exchange
    }

    deinit { connection.cancel(exchange) }

    /// All bytes that have come; `nil` at the end.
    func next() async throws -> ByteBuffer? {
        try Task.checkCancellation()
        let bytes: ByteBuffer?
        switch pipe.take() {
        case .bytes(let some): bytes = some
        case .ended(let result): return try result.map { nil }.get()
        case .nothing:
            bytes = try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { pipe.wait($0) }
            } onCancel: {
                connection.cancel(exchange)
            }
        }
        if let bytes, bytes.readableBytes >= AnswerPipe.limit { connection.goOn(with: exchange) }
        return bytes
    }
}

/// What lies between a connection and who reads.
final class AnswerPipe: Sendable {
    /// How many bytes lie there before no more are read.
    static let limit = 256 << 10

    enum Taken {
        case bytes(ByteBuffer)
        case ended(Result<Void, any Error>)
        case nothing
    }

    typealias Reader = CheckedContinuation<ByteBuffer?, any Error>

    private struct State {
        var bytes = ByteBuffer()
        var end: Result<Void, any Error>?
        var reader: Reader?

        mutating func take() -> Taken {
            if bytes.readableBytes > 0 {
                defer { bytes = ByteBuffer() }
                return .bytes(bytes)
            }
            return end.map { .ended($0) } ?? .nothing
        }
    }

    private let state = Mutex(State())

    // MARK: Where it is read

    func take() -> Taken { state.withLock { $0.take() } }

    /// Resumes when there is something to take.
    func wait(_ reader: Reader) {
        let taken = state.withLock { state in
            let taken = state.take()
            if case .nothing = taken { state.reader = reader }
            return taken
        }
        Self.resume(reader, taken)
    }

    // MARK: Where it comes from

    /// Adds bytes, which `flush` tells of.
    ///
    /// - Returns: whether there are so many that it is time to stop, until they are taken.
    func append(_ more: ByteBuffer) -> Bool {
        state.withLock { state in
            if state.bytes.readableBytes == 0 {
                state.bytes = more
            } else {
                state.bytes.writeImmutableBuffer(more)
            }
            // Who waits takes them at once.
            return state.bytes.readableBytes >= Self.limit && state.reader == nil
        }
    }

    /// Wakes who waits, if there is something.
    func flush() {
        let (reader, taken) = state.withLock { state in
            guard let reader = state.reader else { return (Reader?.none, Taken.nothing) }
            let taken = state.take()
            if case .nothing = taken { return (nil, taken) }
            state.reader = nil
            return (reader, taken)
        }
        if let reader { Self.resume(reader, taken) }
    }

    /// Nothing comes any more.
    func end(_ result: Result<Void, any Error>) {
        state.withLock { state in
            if state.end == nil { state.end = result }
        }
        flush()
    }

    private static func resume(_ reader: Reader, _ taken: Taken) {
        switch taken {
        case .bytes(let bytes): reader.resume(returning: bytes)
        case .ended(.success): reader.resume(returning: nil)
        case .ended(.failure(let error)): reader.resume(throwing: error)
        case .nothing: break
        }
    }
}
