// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import NIOCore
import Synchronization

/// The bounded way of blobs from the task that fetches them to the thread that reads them: the task suspends while there
/// is no room, the thread blocks while there is nothing.
final class BlobFeed: Sendable {
    private struct State {
        /// Pieces; nil for the end of a blob.
        var items: [ByteBuffer?] = []
        var failure: (any Error)?
        var writer: CheckedContinuation<Void, Never>?
    }

    private static let window = 8

    private let state = Mutex(State())
    /// A signal for each item, and one more once it has failed.
    private let filled = DispatchSemaphore(value: 0)

    /// Ends both sides: the thread gets the error, the task a `CancellationError`. The first one counts.
    func fail(_ error: any Error) {
        let writer = state.withLock { state in
            if state.failure == nil { state.failure = error }
            return state.writer.take()
        }
        filled.signal()
        writer?.resume()
    }

    // MARK: The thread

    /// The next piece of a blob; nil at its end. Blocking.
    func next() throws -> ByteBuffer? {
        filled.wait()
        let (item, writer) = try state.withLock { state in
            if let failure = state.failure {
                filled.signal()
                throw failure
            }
            return (state.items.removeFirst(), state.writer.take())
        }
        writer?.resume()
        return item
    }

    // MARK: The task

    /// Hands over a piece, or nil for the end of a blob, once there is room.
    func send(_ item: ByteBuffer?) async throws {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                guard state.failure == nil, state.items.count >= Self.window else { return true }
                state.writer = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
        try state.withLock { state in
            guard state.failure == nil else { throw CancellationError() }
            state.items.append(item)
        }
        filled.signal()
    }
}

/// Fetches blobs one after the other for a thread that `body` lets read them.
///
/// - Parameters:
///   - open: Opens the blob of a number.
///   - body: Lets a thread read from the feed. When it is over, so is the fetching.
func withBlobFeed<Answer: Sendable>(
    count: Int,
    open: @escaping @Sendable (Int) async throws -> any AsyncSequence<ByteBuffer, any Error> & Sendable,
    _ body: (BlobFeed) async throws -> Answer
) async throws -> Answer {
    let feed = BlobFeed()
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            await withTaskCancellationHandler {
                do {
                    for number in 0..<count {
                        for try await piece in try await open(number) { try await feed.send(piece) }
                        try await feed.send(nil)
                    }
                } catch {
                    feed.fail(error)
                }
            } onCancel: {
                feed.fail(CancellationError())
            }
        }
        defer {
            feed.fail(CancellationError())
            group.cancelAll()
        }
        return try await body(feed)
    }
}
