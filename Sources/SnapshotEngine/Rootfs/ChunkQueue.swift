// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import NIOCore
import Synchronization

/// The bounded way from the thread that makes a layer to the task that sends it: the thread blocks while the window is
/// full, the task suspends while it is empty.
final class ChunkQueue: Sendable {
    private struct State {
        var chunks: [ByteBuffer] = []
        var outcome: Result<LayerSummary, any Error>?
        var reader: CheckedContinuation<ByteBuffer?, any Error>?
        var ending: [CheckedContinuation<Void, Never>] = []

        /// What a reader gets who will get no more chunks. Chunks left behind mean that it was cancelled: what was read
        /// is not the whole, though the thread may have come to its end.
        var answer: Result<ByteBuffer?, any Error>? {
            outcome?.flatMap { _ in chunks.isEmpty ? .success(nil) : .failure(CancellationError()) }
        }
    }

    private let state = Mutex(State())
    /// Free places. It starts at zero and is raised, because a semaphore may not go below what it started with.
    private let places = DispatchSemaphore(value: 0)
    let progress: LayerProgress

    init(window: Int, progress: LayerProgress) {
        self.progress = progress
        for _ in 0..<max(window, 1) { places.signal() }
    }

    // MARK: The thread

    /// Waits for a place and puts a chunk there. Blocking.
    func push(_ chunk: ByteBuffer) throws {
        places.wait()
        try progress.checkCancellation()
        let reader = state.withLock { state in
            let reader = state.reader.take()
            if reader == nil { state.chunks.append(chunk) }
            return reader
        }
        guard let reader else { return }
        places.signal()
        reader.resume(returning: chunk)
    }

    /// The thread has nothing more to do.
    func finish(_ outcome: Result<LayerSummary, any Error>) {
        let (reader, answer, ending) = state.withLock { state in
            state.outcome = outcome
            return (state.reader.take(), state.answer, exchange(&state.ending, with: []))
        }
        reader?.resume(with: answer ?? .success(nil))
        for waiter in ending { waiter.resume() }
    }

    // MARK: The task

    /// The next chunk, nil after the last. If the task is cancelled, waits for the thread to stop, then throws.
    func next() async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<ByteBuffer?, any Error>? = state.withLock { state in
                    if !progress.isCancelled, !state.chunks.isEmpty { return .success(state.chunks.removeFirst()) }
                    if let answer = state.answer { return answer }
                    precondition(state.reader == nil, "a layer's stream has one reader")
                    state.reader = continuation
                    return nil
                }
                let tookChunk = if case .success(.some)? = answer { true } else { false }
                // Cancelled through the progress alone, the thread may still be waiting for a place.
                if tookChunk || progress.isCancelled { places.signal() }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            cancel()
        }
    }

    /// Makes the thread stop soon.
    func cancel() {
        progress.cancel()
        places.signal()
    }

    /// Waits until the thread is done, whether or not this task is cancelled.
    func end() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.outcome == nil { state.ending.append(continuation) }
                return state.outcome != nil
            }
            if isDone { continuation.resume() }
        }
    }

    /// Whether the thread has done all it had to do.
    var isRead: Bool {
        state.withLock { if case .success = $0.outcome { true } else { false } }
    }

    /// How it ended, once the last chunk has been taken.
    var outcome: Result<LayerSummary, any Error>? {
        state.withLock { $0.chunks.isEmpty ? $0.outcome : nil }
    }
}
