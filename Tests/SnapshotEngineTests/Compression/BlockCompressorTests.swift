// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Testing

@testable import SnapshotEngine

@Suite
struct BlockCompressorTests {
    static let compressions: [LayerCompression] = [
        .fastest, .gzip(.zlib(level: 1)), .gzip(.zlib(level: 6)), .zstd(level: 1), .zstd(level: 3),
    ]

    /// Blocks of many kinds and sizes; text, zeros, noise, and what only looks like noise at first sight.
    private static func samples() -> [[UInt8]] {
        var random = SeededNumbers(state: 3)
        let noise = (0..<1 << 20).map { _ in UInt8.random(in: 0...255, using: &random) }
        let text = Array(String(repeating: "some text that repeats ", count: 3_000).utf8)
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let mixed = zip(noise, 0...).map { byte, index in index / 100 % 2 == 0 ? byte : 32 }
        return [
            noise, text, [1], zeros, mixed, Array(noise.prefix(20_000)), Array(noise.prefix(65_536)),
            Array(noise.prefix(131_070)), Array(noise.prefix(131_071)), [],
        ]
    }

    private func compress(_ blocks: [[UInt8]], _ compression: LayerCompression) throws -> [ByteBuffer] {
        let compressor = try compression.makeCompressor()
        return try blocks.map { try $0.withUnsafeBytes { try compressor.compress($0) } }
    }

    private func unpack(_ pieces: [ByteBuffer], _ compression: LayerCompression) throws -> [UInt8] {
        let folder = try ScratchFolder()
        try Data(pieces.flatMap { Array($0.readableBytesView) }).write(to: URL(fileURLWithPath: folder["packed"]))
        let tool = if case .zstd = compression { "zstd -dc" } else { "gzip -dc" }
        try SystemTool.run("sh", "-c", "\(tool) < '\(folder["packed"])' > '\(folder["unpacked"])'")
        return Array(try Data(contentsOf: URL(fileURLWithPath: folder["unpacked"])))
    }

    @Test("the pieces in their order are a stream that gives back what went in", arguments: compressions)
    func roundTrip(compression: LayerCompression) throws {
        let blocks = Self.samples()
        let pieces = try compress(blocks, compression)
        #expect(try unpack(pieces, compression) == blocks.flatMap { $0 })
        #expect(try compress(blocks, compression) == pieces)
        for (block, piece) in zip(blocks, pieces) {
            #expect(piece.readableBytes <= StoredMember.size(of: block.count))
        }
        if case .gzip = compression {
            for piece in pieces {
                // Flags and time of RFC 1952: no name, no time.
                #expect(Array(piece.readableBytesView.prefix(8)) == [0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
            }
        }
    }

    @Test("what memory held before makes no difference", arguments: compressions)
    func uninitializedMemory(compression: LayerCompression) throws {
        let blocks = Self.samples()
        let pieces = try compress(blocks, compression)
        for byte: UInt8 in 8...15 {
            // What a compressor allocates next comes of these.
            let dirty = (0..<32).map { _ in UnsafeMutableRawBufferPointer.allocate(byteCount: 100_000, alignment: 16) }
            for memory in dirty { memory.initializeMemory(as: UInt8.self, repeating: byte) }
            for memory in dirty { memory.deallocate() }
            #expect(try compress(blocks, compression) == pieces)
        }
    }

    @Test("noise is stored, everything else is not")
    func randomness() {
        let looksRandom = Self.samples().map { $0.withUnsafeBytes { Randomness.looksRandom($0) } }
        #expect(looksRandom == [true, false, false, false, false, false, true, true, true, false])
    }

    @Test("a damaged piece is noticed by whoever unpacks it", arguments: compressions)
    func checksums(compression: LayerCompression) throws {
        for block in Self.samples().prefix(2) {
            var pieces = try compress([block], compression)
            let middle = pieces[0].readableBytes / 2
            let byte = pieces[0].getInteger(at: middle, as: UInt8.self) ?? 0
            pieces[0].setInteger(byte ^ 1, at: middle)
            #expect(throws: SystemTool.Failure.self) { try unpack(pieces, compression) }
        }
    }

    @Test("levels that a library does not have are refused")
    func levels() {
        for level in [-1, 10] {
            #expect(throws: RootfsError.self) { try LayerCompression.gzip(.zlib(level: level)).makeCompressor() }
        }
        for level in [0, 20] {
            #expect(throws: RootfsError.self) { try LayerCompression.zstd(level: level).makeCompressor() }
        }
        #if ISAL
        #expect(throws: RootfsError.self) { try LayerCompression.gzip(.isal(level: 4)).makeCompressor() }
        for level in 0...3 {
            #expect(throws: Never.self) { try LayerCompression.gzip(.isal(level: level)).makeCompressor() }
        }
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
