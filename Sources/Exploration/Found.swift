// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The worlds found so far, each once, and how it was reached first.
///
/// Some 15 bytes a world besides the world itself: millions of them have to fit the memory.
struct Found<World: ExploredWorld> {
    /// In chunks, so that growing copies nothing.
    private var chunks: [[World]] = []
    private(set) var count = 0
    /// By hash, the index of each world; -1: free. Never more than two thirds full.
    private var slots = [Int32](repeating: -1, count: 1 << 12)
    private var parents: [Int32] = []
    private var events: [UInt8] = []

    private static var chunkBits: Int { 14 }

    subscript(index: Int) -> World {
        chunks[index >> Self.chunkBits][index & (1 << Self.chunkBits - 1)]
    }

    /// Adds a world unless it is known.
    mutating func add(_ world: World, from parent: Int, by event: UInt8) {
        let slot = slot(of: world)
        guard slots[slot] < 0 else { return }
        slots[slot] = Int32(count)
        if count & (1 << Self.chunkBits - 1) == 0 {
            chunks.append([])
            chunks[chunks.count - 1].reserveCapacity(1 << Self.chunkBits)
        }
        chunks[chunks.count - 1].append(world)
        parents.append(Int32(parent))
        events.append(event)
        count += 1
        if count * 3 > slots.count * 2 { grow() }
    }

    func index(of world: World) -> Int? {
        let index = slots[slot(of: world)]
        return index < 0 ? nil : Int(index)
    }

    /// The worlds that lead to one, the first one excluded, each with the event that led to it.
    func path(to index: Int) -> [(event: UInt8, world: World)] {
        var path: [(event: UInt8, world: World)] = []
        var current = index
        while current > 0 {
            path.append((events[current], self[current]))
            current = Int(parents[current])
        }
        return path.reversed()
    }

    /// Where a world is, or where it would go.
    private func slot(of world: World) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: world.fingerprint) & mask
        while slots[slot] >= 0, !self[Int(slots[slot])].isSame(as: world) {
            slot = (slot + 1) & mask
        }
        return slot
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 2)
        let mask = slots.count - 1
        for index in 0..<count {
            var slot = Int(truncatingIfNeeded: self[index].fingerprint) & mask
            while slots[slot] >= 0 { slot = (slot + 1) & mask }
            slots[slot] = Int32(index)
        }
    }
}
