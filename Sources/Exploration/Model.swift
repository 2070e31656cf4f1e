// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A world to explore: how it begins, what can happen in it one step at a time, and what must never come about.
protocol Model {
    associatedtype State: ExploredWorld
    associatedtype Label: RawRepresentable<UInt8>, CaseIterable, Hashable

    /// The world before anything has happened.
    var start: State { get }
    /// Every step that can come next.
    func steps(from world: State, _ found: (Step<State, Label>) -> Void)
    /// What the world does next of itself, when nothing goes wrong any more and nobody asks for anything, in an order that
    /// leaves out nobody for ever; nil when it has settled.
    func next(from world: State) -> State?
    /// What is wrong with a world that has settled.
    func violation(ofSettled world: State) -> Violation?
    /// What a trace says of the event that led to a world.
    func label(_ event: Label, to world: State) -> String
}

/// One step from one world to the next.
struct Step<World, Event> {
    var event: Event
    var world: World
    var violation: Violation?
}

/// One state of everything around and inside a machine, small enough to keep millions of them.
///
/// All fields are bytes, so there are no gaps, and their number is a multiple of eight: worlds are hashed and compared as
/// words.
protocol ExploredWorld: BitwiseCopyable {}

extension ExploredWorld {
    /// A hash of all bytes.
    var fingerprint: UInt64 {
        withUnsafeBytes(of: self) { bytes in
            var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
            for offset in stride(from: 0, to: bytes.count, by: 8) {
                hash = (hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0xD6E8_FEB8_6659_FD93
                hash ^= hash >> 32
            }
            return hash
        }
    }

    /// Whether all bytes are the same.
    func isSame(as other: Self) -> Bool {
        withUnsafeBytes(of: self) { left in
            withUnsafeBytes(of: other) { right in
                for offset in stride(from: 0, to: left.count, by: 8) {
                    let word = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    guard word == right.loadUnaligned(fromByteOffset: offset, as: UInt64.self) else { return false }
                }
                return true
            }
        }
    }
}
