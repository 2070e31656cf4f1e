// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Testing

@testable import SnapshotEngine

/// Blobs as this project and others compress them.
@Suite
struct LayerDecompressorTests {
    static func unpack(_ bytes: [UInt8], pieces: Int, limit: Int = .max) throws -> [UInt8] {
        let decompressor = LayerDecompressor()
        var found: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            try bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { piece in
                try decompressor.decompress(piece) { found += $0 }
            }
        }
        try decompressor.finish()
        return found
    }

    /// Text, noise and zeros.
    static let sample: [UInt8] = {
        var generator = SystemRandomNumberGenerator()
        let noise = (0..<300_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return Array(String(repeating: "some text, again and again\n", count: 40_000).utf8) + noise
            + [UInt8](repeating: 0, count: 2_000_000)
    }()

    @Test(
        "several members or frames in a row",
        arguments: [LayerCompression.fastest, .gzip(.zlib(level: 6)), .zstd(level: 3)]
    )
    func ours(compression: LayerCompression) throws {
        let compressor = try compression.makeCompressor()
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: Self.sample.count, by: 500_000) {
            try Self.sample[start..<min(start + 500_000, Self.sample.count)].withUnsafeBytes { block in
                bytes += Array(try compressor.compress(block).readableBytesView)
            }
        }
        for pieces in [3, 4096, 1 << 30] { #expect(try Self.unpack(bytes, pieces: pieces) == Self.sample) }
        #expect(throws: CompactionObstacle.self, "cut") { try Self.unpack(bytes.dropLast(), pieces: 4096) }
        #expect(throws: CompactionObstacle.self, "more") { try Self.unpack(bytes + Array("more".utf8), pieces: 4096) }
        var damaged = bytes
        damaged[bytes.count - 5] ^= 1
        #expect(throws: CompactionObstacle.self, "damaged") { try Self.unpack(damaged, pieces: 4096) }
    }

    @Test("what other programs compress", arguments: ["gzip -9c", "zstd -19c --long=27", "zstd -1c --no-check", "cat"])
    func others(command: String) throws {
        let folder = try ScratchFolder()
        try Data(Self.sample).write(to: URL(fileURLWithPath: folder["plain"]))
        try SystemTool.run("sh", "-c", "\(command) '\(folder["plain"])' > '\(folder["packed"])'")
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder["packed"])))
        #expect(try Self.unpack(bytes, pieces: 10_000) == Self.sample)
    }

    @Test(
        "nothing, or next to nothing, is no layer",
        arguments: [[], [0x1f], [0x1f, 0x8b], [0x28, 0xb5, 0x2f, 0xfd]]
    )
    func tooShort(bytes: [UInt8]) {
        #expect(throws: CompactionObstacle.self) { try Self.unpack(bytes, pieces: 1) }
    }
}
