// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Dispatch
import NIOCore
import Synchronization

import class Foundation.ProcessInfo
import class Foundation.Thread

/// The way of a layer's blocks: one thread walks the tree and fills them, several hash them (in order) and compress
/// them (in any order), and the caller's thread takes the compressed pieces (in order).
///
/// Only a window of blocks is on its way, whoever is slow, so memory is bounded.
final class LayerPipeline: Sendable {
    private let compression: LayerCompression
    private let progress: LayerProgress
    private let workers: Int
    private let blocks = Mutex(BlocksInFlight())

    // Hints that something may have changed; the blocks tell what. A signal too many does no harm.
    /// Places for blocks. It starts at zero and is raised, because a semaphore may not go below what it started with.
    private let places = DispatchSemaphore(value: 0)
    /// Something to hash or to compress.
    private let work = DispatchSemaphore(value: 0)
    /// A piece that may be the next one.
    private let pieces = DispatchSemaphore(value: 0)
    /// A thread has ended.
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameter workers: How many threads hash and compress.
    init(compression: LayerCompression, progress: LayerProgress, workers: Int = LayerPipeline.usualWorkers) {
        self.compression = compression
        self.progress = progress
        self.workers = workers
        // Enough for each worker to have one in hand and one to go on with while pieces wait for their turn.
        for _ in 0..<(3 * workers + 2) { places.signal() }
    }

    /// One a core. More than eight are faster than any tree is read.
    static var usualWorkers: Int { min(max(ProcessInfo.processInfo.activeProcessorCount, 1), 8) }

    /// Runs the whole way. Blocking.
    ///
    /// - Parameters:
    ///   - walk: Fills blocks and hands them to `consume`, on a thread of its own.
    ///   - sink: Takes the pieces, on the caller's thread.
    /// - Returns: What `walk` returned, and the digest of all blocks.
    /// - Throws: What was thrown first, by whichever thread. All threads have ended then.
    func run<Walked: Sendable>(
        walk: @escaping @Sendable (LayerPipeline) throws -> Walked,
        sink: (ByteBuffer) throws -> Void
    ) throws -> (walked: Walked, diffID: SHA256.Digest) {
        let walked = Box<Walked>()
        start("layer-walk") { pipeline in
            let result = try walk(pipeline)
            walked.value.withLock { $0 = result }
            pipeline.blocks.withLock { $0.isComplete = true }
            pipeline.wakeAll()
        }
        for _ in 0..<workers {
            start("layer-pack") { try $0.pack() }
        }
        do {
            while let piece = try nextPiece() { try sink(piece) }
        } catch {
            fail(error)
        }
        for _ in 0...workers { ended.wait() }
        return try blocks.withLock { blocks in
            if let failure = blocks.failure { throw failure }
            guard let walked = walked.value.withLock({ $0 }) else { throw RootfsError.unfinished }
            return (walked, blocks.diffID.finalize())
        }
    }

    /// What became of a tar on its way.
    struct Packed<Walked: Sendable> {
        /// What the walk returned.
        var walked: Walked
        /// `sha256:<hex>` of the tar.
        var diffID: String
        /// `sha256:<hex>` of the compressed bytes.
        var digest: String
        /// Compressed bytes.
        var size: Int64
    }

    /// The same, with the digest of what `sink` gets.
    func pack<Walked: Sendable>(
        walk: @escaping @Sendable (LayerPipeline) throws -> Walked,
        sink: (ByteBuffer) throws -> Void
    ) throws -> Packed<Walked> {
        var digest = SHA256()
        var size: Int64 = 0
        let (walked, diffID) = try run(walk: walk) { piece in
            piece.withUnsafeReadableBytes { digest.update(bufferPointer: $0) }
            size += Int64(piece.readableBytes)
            progress.addWritten(piece.readableBytes)
            try sink(piece)
        }
        return Packed(walked: walked, diffID: Self.text(diffID), digest: Self.text(digest.finalize()), size: size)
    }

    private static func text(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return "sha256:"
            + String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    // MARK: - The walking thread

    /// Waits for a place in the window and gives the memory of a block. Blocking.
    ///
    /// - Throws: `CancellationError`, also when another thread has failed.
    func makeBlock(capacity: Int) throws -> ByteBuffer {
        places.wait()
        try progress.checkCancellation()
        return try blocks.withLock { blocks in
            guard blocks.failure == nil else { throw CancellationError() }
            return blocks.spare.popLast() ?? ByteBufferAllocator().buffer(capacity: capacity)
        }
    }

    /// Takes the next block of the tar, which came from `makeBlock`.
    func consume(_ block: ByteBuffer) {
        blocks.withLock { $0.append(block) }
        work.signal()
        work.signal()
    }

    // MARK: - The packing threads

    private func pack() throws {
        let compressor = try compression.makeCompressor()
        while let job = nextJob() {
            switch job {
            case .hash(var hash, let block):
                block.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
                blocks.withLock { $0.finishHashing(hash) }
            case .compress(let index, let block):
                let piece = try block.withUnsafeReadableBytes { try compressor.compress($0) }
                blocks.withLock { $0.finishCompressing(index, piece) }
            }
            pieces.signal()
        }
        // The others may wait for the end, too.
        work.signal()
    }

    /// The next thing to do; nil when there will be nothing more.
    private func nextJob() -> BlocksInFlight.Job? {
        while true {
            let (job, isOver) = blocks.withLock { ($0.takeJob(), $0.hasNoMoreWork) }
            if let job { return job }
            if isOver { return nil }
            work.wait()
        }
    }

    // MARK: - The caller's thread

    /// Waits for the next piece; nil after the last.
    private func nextPiece() throws -> ByteBuffer? {
        while true {
            let (piece, isOver) = try blocks.withLock { blocks in
                if let failure = blocks.failure { throw failure }
                return (blocks.takePiece(), blocks.isOver)
            }
            if let piece {
                places.signal()
                return piece
            }
            if isOver { return nil }
            pieces.wait()
        }
    }

    // MARK: - Threads

    private final class Box<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }

    private func start(_ name: String, _ body: @escaping @Sendable (LayerPipeline) throws -> Void) {
        let thread = Thread {
            do {
                try body(self)
            } catch {
                self.fail(error)
            }
            self.ended.signal()
        }
        thread.name = name
        thread.start()
    }

    private func fail(_ error: any Error) {
        blocks.withLock { blocks in
            if blocks.failure == nil { blocks.failure = error }
        }
        wakeAll()
    }

    private func wakeAll() {
        places.signal()
        pieces.signal()
        for _ in 0..<workers { work.signal() }
    }
}
