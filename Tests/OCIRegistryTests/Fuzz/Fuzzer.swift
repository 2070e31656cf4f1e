// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// Makes inputs for a parser, the same for the same seed: what a grammar generates, and what is left of it and of good
/// examples when they are damaged.
struct Fuzzer {
    let seed: UInt64
    /// Good examples.
    let examples: [String]
    /// Words that mean something to the parser.
    let words: [String]
    /// Makes an input by the parser's grammar; mostly a good one.
    let generate: (inout SeededGenerator) -> String
    /// How long it goes on. It is the only bound, so a slow machine sees fewer inputs and not a longer test.
    var duration: Duration = .seconds(5)

    /// Runs `check` on inputs until the time is over, or until it throws.
    ///
    /// - Returns: on how many.
    @discardableResult
    func run(_ check: (String) throws -> Void) rethrows -> Int {
        var generator = SeededGenerator(seed: seed)
        let end = ContinuousClock.now + duration
        var count = 0
        for example in examples { try check(example) }
        while .now < end {
            let isGenerated = generator.happens(0.5)
            var bytes = Array((isGenerated ? generate(&generator) : pick(examples, &generator)).utf8)
            if !isGenerated || generator.happens(0.5) {
                for _ in 0..<Int.random(in: 1...4, using: &generator) { damage(&bytes, &generator) }
            }
            try check(String(decoding: bytes, as: UTF8.self))
            count += 1
        }
        return count
    }

    /// Long inputs of little sense: a parser that is not linear does not come back from them.
    func runLong(_ check: (String) throws -> Void) rethrows {
        var generator = SeededGenerator(seed: seed)
        for word in words + examples {
            try check(String(repeating: word, count: (1 << 17) / max(word.utf8.count, 1)))
        }
        for _ in 0..<4 {
            let mixed = (0..<10_000).map { _ in pick(words, &generator) }
            try check(mixed.joined())
        }
    }

    private func damage(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let start = Int.random(in: 0...bytes.count, using: &generator)
        let end = min(bytes.count, start + Int.random(in: 0...12, using: &generator))
        switch Int.random(in: 0..<8, using: &generator) {
        case 0:
            bytes.removeSubrange(start..<end)
        case 1:
            bytes.insert(contentsOf: pick(words, &generator).utf8, at: start)
        case 2:
            bytes.replaceSubrange(start..<end, with: pick(words, &generator).utf8)
        case 3:
            let piece = bytes[start..<end]
            let times = generator.happens(0.05) ? 3000 : 3
            bytes.insert(contentsOf: (0..<times).flatMap { _ in piece }, at: start)
        case 4:
            bytes.removeSubrange(start...)
        case 5:
            if start < bytes.count { bytes[start] ^= 1 << UInt8.random(in: 0...7, using: &generator) }
        case 6:
            if start < bytes.count { bytes[start] = UInt8.random(in: .min ... .max, using: &generator) }
        default:
            let other = Array(pick(examples, &generator).utf8)
            let cut = Int.random(in: 0...other.count, using: &generator)
            bytes.replaceSubrange(start..., with: other[cut...])
        }
    }

    private func pick(_ texts: [String], _ generator: inout SeededGenerator) -> String {
        texts.randomElement(using: &generator) ?? ""
    }
}

extension SeededGenerator {
    /// Some of a few texts, joined.
    mutating func some(_ texts: [String], _ count: ClosedRange<Int>, separator: String = "") -> String {
        let number = Int.random(in: count, using: &self)
        return (0..<number).map { _ in texts.randomElement(using: &self) ?? "" }.joined(separator: separator)
    }

    /// One of a few texts.
    mutating func one(_ texts: [String]) -> String { texts.randomElement(using: &self) ?? "" }
}
