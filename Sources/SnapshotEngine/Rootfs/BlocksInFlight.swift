// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore

/// What has become of each block on its way through a `LayerPipeline`. A value without threads: who does what next.
struct BlocksInFlight {
    /// Something that a thread can do.
    enum Job {
        /// Add the block to the hash. One thread at a time has the hash.
        case hash(SHA256, ByteBuffer)
        /// Compress the block of this number.
        case compress(Int, ByteBuffer)
    }

    private struct Slot {
        /// Given back once it is both hashed and compressed.
        var block: ByteBuffer?
        var piece: ByteBuffer?
        var isHashed = false
    }

    /// Why everything stops.
    var failure: (any Error)?
    /// Nothing follows the blocks that are here.
    var isComplete = false
    /// Memory to be used again.
    var spare: [ByteBuffer] = []
    /// The hash of all blocks that are hashed.
    private(set) var diffID = SHA256()

    private var slots: [Slot] = []
    /// The number of the first slot's block.
    private var first = 0
    private var nextToHash = 0
    private var nextToCompress = 0
    private var isHashing = false

    private var end: Int { first + slots.count }

    /// Whether every piece has been taken.
    var isOver: Bool { failure != nil || isComplete && slots.isEmpty }

    /// Whether no job will come any more.
    var hasNoMoreWork: Bool {
        failure != nil || isComplete && !isHashing && nextToHash == end && nextToCompress == end
    }

    mutating func append(_ block: ByteBuffer) {
        slots.append(Slot(block: block))
    }

    /// Something to do now, or nil. The hash goes first: it is the one thing that only one thread can do.
    mutating func takeJob() -> Job? {
        guard failure == nil else { return nil }
        if !isHashing, nextToHash < end, let block = slots[nextToHash - first].block {
            isHashing = true
            return .hash(diffID, block)
        }
        if nextToCompress < end, let block = slots[nextToCompress - first].block {
            nextToCompress += 1
            return .compress(nextToCompress - 1, block)
        }
        return nil
    }

    mutating func finishHashing(_ hash: SHA256) {
        diffID = hash
        isHashing = false
        slots[nextToHash - first].isHashed = true
        reclaim(nextToHash)
        nextToHash += 1
    }

    mutating func finishCompressing(_ index: Int, _ piece: ByteBuffer) {
        slots[index - first].piece = piece
        reclaim(index)
    }

    /// The next piece in order, if it is there.
    mutating func takePiece() -> ByteBuffer? {
        guard let slot = slots.first, slot.isHashed, let piece = slot.piece else { return nil }
        slots.removeFirst()
        first += 1
        return piece
    }

    private mutating func reclaim(_ index: Int) {
        let slot = slots[index - first]
        guard slot.isHashed, slot.piece != nil, let block = slots[index - first].block.take() else { return }
        spare.append(block)
    }
}
