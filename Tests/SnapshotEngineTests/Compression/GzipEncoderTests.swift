// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import SnapshotEngine

@Suite
struct GzipEncoderTests {
    static let methods: [GzipMethod] = [.fastest, .zlib(level: 1), .zlib(level: 6)]

    /// Compresses through output buffers of a given size.
    private func compress(_ blocks: [[UInt8]], _ method: GzipMethod, outputSize: Int) throws -> [UInt8] {
        let encoder = try method.makeEncoder()
        var result: [UInt8] = []
        var output = [UInt8](repeating: 0, count: outputSize)
        for (index, block) in (blocks + [[]]).enumerated() {
            let isLast = index == blocks.count
            var rest = block[...]
            while isLast || !rest.isEmpty {
                let step = try rest.withUnsafeBytes { input in
                    try output.withUnsafeMutableBytes { try encoder.encode(input, into: $0, isLast: isLast) }
                }
                result += output[..<step.produced]
                rest = rest.dropFirst(step.consumed)
                if step.isFinished { break }
                try #require(step.consumed + step.produced > 0)
            }
        }
        return result
    }

    @Test("gzip gives back what went in, in whatever pieces", arguments: methods, [1, 7, 4096, 1 << 20])
    func roundTrip(method: GzipMethod, outputSize: Int) throws {
        var random = SeededNumbers(state: 3)
        let noise = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        let text = Array(String(repeating: "some text that repeats ", count: 3_000).utf8)
        let zeros = [UInt8](repeating: 0, count: 200_000)
        let blocks = [noise, text, [1], zeros, noise]
        let folder = try ScratchFolder()
        let compressed = try compress(blocks, method, outputSize: outputSize)
        try Data(compressed).write(to: URL(fileURLWithPath: folder["a.gz"]))
        try SystemTool.run("gunzip", "-k", folder["a.gz"])
        let unpacked = try Data(contentsOf: URL(fileURLWithPath: folder["a"]))
        #expect(Array(unpacked) == blocks.flatMap { $0 })
        // Flags and time of RFC 1952: no name, no time.
        #expect(compressed[0..<8] == [0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
        #expect(try compress(blocks, method, outputSize: outputSize) == compressed)
    }

    @Test("nothing is a stream too", arguments: methods)
    func empty(method: GzipMethod) throws {
        let folder = try ScratchFolder()
        try Data(try compress([], method, outputSize: 100)).write(to: URL(fileURLWithPath: folder["a.gz"]))
        #expect(try SystemTool.run("zcat", folder["a.gz"]) == "")
    }

    @Test("levels that a library does not have are refused")
    func levels() {
        #expect(throws: RootfsError.self) { try GzipMethod.zlib(level: 10).makeEncoder() }
        #expect(throws: RootfsError.self) { try GzipMethod.zlib(level: -1).makeEncoder() }
        #if ISAL
        #expect(throws: RootfsError.self) { try GzipMethod.isal(level: 4).makeEncoder() }
        for level in 0...3 { #expect(throws: Never.self) { try GzipMethod.isal(level: level).makeEncoder() } }
        #endif
    }
}

/// SplitMix64: the same numbers in every run.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
