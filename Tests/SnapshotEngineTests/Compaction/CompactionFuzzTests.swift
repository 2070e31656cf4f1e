// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import OCIRegistry
import TestSupport
import Testing

@testable import SnapshotEngine

/// Layers that are damaged, or made to be misread: they are refused, or merged into what can be read again. Memory and
/// output stay bounded.
@Suite
struct CompactionFuzzTests {
    /// Two layers of a history, unpacked.
    private func tars() throws -> [[UInt8]] {
        let stack = try StackFixture(prepare: LivingTreeScripts.lower)
        for seed in 1...2 {
            try stack.capture { root in try SystemTool.python(LivingTreeScripts.changes, root, "\(seed)", "60", "") }
        }
        // Small, so that changes meet headers.
        return try stack.layers.map { layer in
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: layer.file)))
            let tar = try LayerDecompressorTests.unpack(bytes, pieces: 1 << 20)
            return try TarReaderTests.read(tar, pieces: 1 << 20).filter { $0.content.count < 5000 }
                .flatMap { entry, content in
                    entry.bytes + content + [UInt8](repeating: 0, count: TarHeader.padding(after: entry.size))
                } + [UInt8](repeating: 0, count: 1024)
        }
    }

    private func merge(_ layers: [[UInt8]]) throws -> [UInt8] {
        let tars = try layers.map { try TarReaderTests.read($0, pieces: 10_000) }
        var index = MergeIndex()
        for entries in tars {
            for (entry, _) in entries { try index.add(entry) }
            index.endLayer()
        }
        var merged: [UInt8] = []
        for (number, entries) in tars.enumerated() {
            var copy = LayerCopy(MergeIndex.Layer(number), of: index) { $0.count.isMultiple(of: 2) }
            for (entry, content) in entries {
                guard case .copy(let bytes) = try copy.action(for: entry) else { continue }
                merged += bytes + content + [UInt8](repeating: 0, count: TarHeader.padding(after: entry.size))
            }
        }
        return merged + [UInt8](repeating: 0, count: 1024)
    }

    @Test("a tar is refused, or merged into one that can be merged again")
    func tarsOfAnyKind() throws {
        let examples = try tars()
        var generator = SeededGenerator(seed: 11)
        var budget = FuzzBudget(400)
        var outcomes = [true: 0, false: 0]
        while budget.goesOn() {
            let layers = examples.map { generator.happens(0.3) ? $0 : Self.variant(of: $0, &generator) }
            do {
                let merged = try merge(layers)
                let again = try merge([merged])
                try #require(again.count <= merged.count)
                outcomes[true, default: 0] += 1
            } catch is TarError {
                outcomes[false, default: 0] += 1
            } catch is CompactionObstacle {
                outcomes[false, default: 0] += 1
            }
        }
        #expect(outcomes[true, default: 0] > 20 && outcomes[false, default: 0] > 100, "\(outcomes)")
    }

    /// Changes a few bytes, fields or blocks; often the checksum is put right, so that the change is looked at.
    private static func variant(of tar: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var tar = tar
        for _ in 0..<Int.random(in: 1...3, using: &generator) where tar.count > 2048 {
            let block = Int.random(in: 0..<(tar.count / 512), using: &generator) * 512
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: tar[Int.random(in: 0..<tar.count, using: &generator)] = .random(in: 0...255, using: &generator)
            case 1: tar.removeSubrange(Int.random(in: block..<tar.count, using: &generator)...)
            case 2: tar.removeSubrange(block..<min(tar.count, block + 512))
            case 3: tar.insert(contentsOf: Array(tar[block..<min(tar.count, block + 1024)]), at: block)
            case 4:
                // Another entry's name, or the type of something else.
                let other = Int.random(in: 0..<(tar.count / 512), using: &generator) * 512
                let field = [0..<100, 156..<157, 157..<257, 124..<136].randomElement(using: &generator) ?? 0..<1
                for index in field where max(block, other) + index < tar.count {
                    tar[block + index] = tar[other + index]
                }
            case 5: tar[block + 156] = Array("01234567xgLKSV\0".utf8).randomElement(using: &generator) ?? 0
            default:
                let name =
                    [".wh.", ".wh..wh..opq", "../x", "/", "d0/.wh.f0", "a//b", "d0", "./"].randomElement(
                        using: &generator
                    ) ?? ""
                for (index, byte) in (Array(name.utf8) + [0]).enumerated() { tar[block + index] = byte }
            }
            if generator.happens(0.7), block + 512 <= tar.count { setChecksum(&tar, at: block) }
        }
        return tar
    }

    private static func setChecksum(_ tar: inout [UInt8], at block: Int) {
        for index in 148..<156 { tar[block + index] = 0x20 }
        var sum = tar[block..<(block + 512)].reduce(0) { $0 + Int($1) }
        for index in (148..<154).reversed() {
            tar[block + index] = UInt8(0x30 + sum & 7)
            sum >>= 3
        }
    }

    @Test(
        "a damaged blob is refused, or unpacks to as many bytes as can be",
        arguments: [LayerCompression.fastest, .zstd(level: 1)]
    )
    func blobs(compression: LayerCompression) throws {
        var generator = SeededGenerator(seed: 12)
        let compressor = try compression.makeCompressor()
        let blocks = LayerDecompressorTests.sample.prefix(200_000)
        let blob = try stride(from: 0, to: blocks.count, by: 50_000).flatMap { start in
            try blocks[start..<(start + 50_000)].withUnsafeBytes {
                Array(try compressor.compress($0).readableBytesView)
            }
        }
        var budget = FuzzBudget(300)
        var refused = 0
        while budget.goesOn() {
            var variant = blob
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !variant.isEmpty {
                let at = Int.random(in: 0..<variant.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: variant.removeSubrange(at...)
                case 1: variant.insert(contentsOf: generator.bytes(5), at: at)
                default: variant[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
            }
            let decompressor = LayerDecompressor()
            var total = 0
            do {
                try variant.withUnsafeBytes { try decompressor.decompress($0) { total += $0.count } }
                try decompressor.finish()
            } catch is CompactionObstacle {
                refused += 1
            }
            // Neither makes more than some thousand times of its input.
            #expect(total < 1 << 26)
        }
        #expect(refused > 100)
    }

    @Test("a small blob of a huge layer stops at the limit", arguments: ["gzip -9c", "zstd -19c"])
    func bombs(command: String) async throws {
        let folder = try ScratchFolder()
        let header = try TarHeader(kind: .file, path: Array("zeros".utf8), size: 1 << 40).encoded()
        try Data(header).write(to: URL(fileURLWithPath: folder["header"]))
        try SystemTool.run(
            "sh",
            "-c",
            "(cat '\(folder["header"])'; head -c 600M /dev/zero) | \(command) > '\(folder["bomb"])'"
        )
        let bomb = folder["bomb"]
        await #expect(throws: CompactionObstacle.tooLarge(limit: 1 << 29)) {
            try await withBlobFeed(count: 1, open: { _ in FilePieces(path: bomb) }) { feed in
                try await onOwnThread("bomb") {
                    var reading = LayerReading(feed: feed, progress: LayerProgress(), limit: 1 << 29)
                    try reading.read(.sha256(of: [])) { _ in }
                }
            }
        }
    }

    @Test("a layer that is not what the config says is not merged")
    func anotherLayer() async throws {
        let stack = try StackFixture(prepare: LivingTreeScripts.lower)
        for seed in 1...2 {
            try stack.capture { root in try SystemTool.python(LivingTreeScripts.changes, root, "\(seed)", "30", "") }
        }
        var layers = stack.layers
        layers[0].summary.diffID = layers[1].summary.diffID
        await #expect(throws: CompactionObstacle.self) { try await stack.merge(layers) }
    }

    @Test("what fetches the blobs fails: so does the merging, at once")
    func feedFails() async throws {
        let stack = try StackFixture(prepare: LivingTreeScripts.lower)
        for seed in 1...2 {
            try stack.capture { root in try SystemTool.python(LivingTreeScripts.changes, root, "\(seed)", "30", "") }
        }
        var layers = stack.layers
        layers[0].file = "/nowhere"
        await #expect(throws: CompactionObstacle.compression("it ends too early")) { try await stack.merge(layers) }
        struct Lost: Error {}
        let path = stack.layers[1].file
        await #expect(throws: Lost.self) {
            try await withBlobFeed(
                count: 2,
                open: { number in
                    if number == 1 { throw Lost() }
                    return FilePieces(path: path)
                }
            ) { feed in
                try await onOwnThread("lost") {
                    while try feed.next() != nil {}
                    _ = try feed.next()
                }
            }
        }
    }
}
