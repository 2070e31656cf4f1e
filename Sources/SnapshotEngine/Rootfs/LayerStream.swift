// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore

import class Foundation.Thread

/// Makes a layer on a thread of its own while `body` reads it.
///
/// The thread is gone when this function returns: it ends by itself after the last byte, and is stopped if `body`
/// returns or throws before that or if the task is cancelled.
///
/// - Parameters:
///   - writer: What to make.
///   - progress: How far it is.
///   - window: How many chunks of about 1 MiB may wait for `body`; the thread blocks when there are so many.
///   - body: Reads the stream once, and may then ask it for its summary.
/// - Throws: What `body` throws; reading the stream throws what `LayerWriter.write` does.
public func withLayerStream<Answer>(
    _ writer: LayerWriter,
    progress: LayerProgress = LayerProgress(),
    window: Int = 4,
    isolation: isolated (any Actor)? = #isolation,
    _ body: (LayerStream) async throws -> Answer
) async throws -> Answer {
    try await withLayerStream(progress: progress, window: window) { progress, sink in
        try writer.write(progress: progress, to: sink)
    } body: { stream in
        try await body(stream)
    }
}

/// The same for a layer that `write` makes, on the thread: it gives the compressed bytes to its second parameter, and stops
/// when the first one says so.
func withLayerStream<Answer>(
    progress: LayerProgress = LayerProgress(),
    window: Int = 4,
    isolation: isolated (any Actor)? = #isolation,
    write: @escaping @Sendable (LayerProgress, (ByteBuffer) throws -> Void) throws -> LayerSummary,
    body: (LayerStream) async throws -> Answer
) async throws -> Answer {
    let queue = ChunkQueue(window: window, progress: progress)
    let thread = Thread {
        queue.finish(Result { try write(progress, queue.push) })
    }
    thread.name = "layer"
    thread.start()
    let answer: Result<Answer, any Error>
    do {
        answer = .success(try await body(LayerStream(queue: queue)))
    } catch {
        answer = .failure(error)
    }
    if queue.outcome == nil { queue.cancel() }
    await queue.end()
    return try answer.get()
}

/// The compressed bytes of a layer while it is made. Read it once, inside `withLayerStream`.
public struct LayerStream: AsyncSequence, Sendable {
    /// About 1 MiB of a layer.
    public typealias Element = ByteBuffer

    fileprivate let queue: ChunkQueue

    /// How far the layer is.
    public var progress: LayerProgress { queue.progress }

    /// Digests, sizes and counts of the whole layer.
    ///
    /// - Throws: `RootfsError.unfinished` before the stream has been read to the end; what stopped it if it failed.
    public func summary() throws -> LayerSummary {
        guard let outcome = queue.outcome else { throw RootfsError.unfinished }
        return try outcome.get()
    }

    /// Waits until the whole tree has been read, though perhaps not yet the whole stream.
    ///
    /// - Returns: Whether it has; not if that failed, or if the stream was cancelled.
    func isRead() async -> Bool {
        await queue.end()
        return queue.isRead
    }

    /// Stops the thread: nobody reads on.
    func cancel() { queue.cancel() }

    /// Starts reading.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(queue: queue) }

    /// Gives the chunks in order.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let queue: ChunkQueue

        /// The next chunk, nil after the last.
        ///
        /// - Throws: What `LayerWriter.write` throws.
        public mutating func next() async throws -> ByteBuffer? {
            try await queue.next()
        }
    }
}
