// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import class Foundation.ProcessInfo

/// Makes variants of valid input, the same ones for the same seed.
public struct Mutator: RandomNumberGenerator {
    private var state: UInt64
    private let fragments: [String]

    /// Starts the sequence of a seed.
    ///
    /// - Parameters:
    ///   - seed: The same one gives the same variants everywhere.
    ///   - fragments: What is put into texts: what parsers are known to stumble over.
    public init(seed: UInt64, fragments: [String]) {
        state = seed
        self.fragments = fragments
    }

    /// The next number, by SplitMix64.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// One of some texts with up to five changes: bytes replaced, removed, doubled or exchanged, fragments put in, the rest
    /// cut off.
    public mutating func variant(of texts: [String]) -> [UInt8] {
        var bytes = Array(one(of: texts).utf8)
        for _ in 0..<number(below: 6) {
            let at = number(below: bytes.count + 1)
            switch number(below: 8) {
            case 0 where at < bytes.count: bytes[at] = UInt8(truncatingIfNeeded: next())
            case 1 where at < bytes.count: bytes[at] ^= 1 << UInt8(number(below: 8))
            case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + number(below: 8)))
            case 3:
                let end = min(bytes.count, at + 1 + number(below: 40))
                bytes.insert(contentsOf: Array(bytes[at..<end]), at: number(below: bytes.count + 1))
            case 4 where number(below: 4) == 0: bytes.removeSubrange(at...)
            case 5:
                let other = Array(one(of: texts).utf8)
                let start = number(below: other.count + 1)
                bytes.insert(contentsOf: other[start..<min(other.count, start + number(below: 40))], at: at)
            default: bytes.insert(contentsOf: Array(one(of: fragments).utf8), at: at)
            }
        }
        return bytes
    }

    /// The same as text; bytes that are no UTF-8 are replaced.
    public mutating func text(of texts: [String]) -> String {
        String(decoding: variant(of: texts), as: UTF8.self)
    }

    /// One of several, of which there is at least one.
    public mutating func one<Element>(of elements: [Element]) -> Element {
        elements[number(below: elements.count)]
    }

    /// A number from zero to less than the bound.
    private mutating func number(below bound: Int) -> Int {
        Int(next() % UInt64(max(1, bound)))
    }
}

/// How much input is tried: so many, the same ones on every machine; and then, for who sets `STASIS_FUZZ_SECONDS`, as many as
/// there is time for.
public struct FuzzBudget {
    private let least: Int
    private let end: ContinuousClock.Instant
    private var tried = 0

    /// Starts the clock.
    public init(_ least: Int) {
        self.least = least
        let seconds = ProcessInfo.processInfo.environment["STASIS_FUZZ_SECONDS"].flatMap { Double($0) } ?? 0
        end = .now + .seconds(seconds)
    }

    /// Whether to try another one.
    public mutating func goesOn() -> Bool {
        tried += 1
        return tried <= least || ContinuousClock.now < end
    }
}
