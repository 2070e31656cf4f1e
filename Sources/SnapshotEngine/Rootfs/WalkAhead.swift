// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

import class Foundation.Thread

/// Walks on a thread of its own, a little ahead of whoever takes the entries: with small files, finding and opening them
/// takes as long as reading them.
///
/// A file is read a moment after it was looked at, and is open meanwhile. What is written to it in between changes it
/// after its status was taken, which the next look shows.
final class WalkAhead: Sendable {
    /// What a walk knows in the end: what it has left out, and the record if it writes one.
    typealias Walked = (omitted: UpperWalk.Omitted, record: CopyRecord?)

    /// Entries are handed over so many at a time, because waking a thread costs more than an entry.
    private static let batchSize = 24
    /// How many batches may wait.
    private static let window = 2

    private struct State {
        var batches: [[UpperEntry]] = []
        /// How the walk ended; nil while it goes on.
        var outcome: Result<Walked, any Error>?
        /// Nobody takes any more.
        var isStopped = false
    }

    private let state = Mutex(State())
    /// Places for batches. It starts at zero and is raised, because a semaphore may not go below what it started with.
    private let places = DispatchSemaphore(value: 0)
    /// A batch, or the end.
    private let filled = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    private init() {
        for _ in 0..<Self.window { places.signal() }
    }

    /// Walks a whole tree. Blocking.
    ///
    /// - Parameters:
    ///   - makeWalk: Makes the walk, on the new thread.
    ///   - take: Gets the entries in their order, on the caller's thread.
    /// - Throws: What the walk or `take` throws. The thread has ended then.
    static func run(
        _ makeWalk: @escaping @Sendable () -> UpperWalk,
        _ take: (UpperEntry) throws -> Void
    ) throws -> Walked {
        try WalkAhead().run(makeWalk, take)
    }

    private func run(
        _ makeWalk: @escaping @Sendable () -> UpperWalk,
        _ take: (UpperEntry) throws -> Void
    ) throws -> Walked {
        let thread = Thread {
            let outcome = Result { try self.walk(makeWalk()) }
            self.state.withLock { $0.outcome = outcome }
            self.filled.signal()
            self.ended.signal()
        }
        thread.name = "layer-walk"
        thread.start()
        defer {
            state.withLock { $0.isStopped = true }
            places.signal()
            ended.wait()
            // The thread may hold on to this for another moment; the files in it are closed now.
            state.withLock { $0.batches = [] }
        }
        while true {
            switch try next() {
            case .batch(let batch):
                for entry in batch { try take(entry) }
            case .end(let walked):
                return walked
            }
        }
    }

    /// On the new thread.
    private func walk(_ walk: UpperWalk) throws -> Walked {
        var walk = walk
        var batch: [UpperEntry] = []
        try walk.run { entry in
            batch.append(entry)
            if batch.count == Self.batchSize { try hand(over: exchange(&batch, with: [])) }
        }
        try hand(over: batch)
        return (walk.omitted, walk.record)
    }

    /// Waits for a place and puts a batch there.
    private func hand(over batch: [UpperEntry]) throws {
        places.wait()
        try state.withLock { state in
            guard !state.isStopped else { throw CancellationError() }
            state.batches.append(batch)
        }
        filled.signal()
    }

    private enum Next {
        case batch([UpperEntry])
        case end(Walked)
    }

    /// Waits for the next batch, or the end.
    private func next() throws -> Next {
        while true {
            filled.wait()
            let next: Next? = try state.withLock { state in
                guard state.batches.isEmpty else { return .batch(state.batches.removeFirst()) }
                return try state.outcome.map { .end(try $0.get()) }
            }
            if case .batch? = next { places.signal() }
            if let next { return next }
        }
    }
}
