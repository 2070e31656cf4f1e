// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import SnapshotEngine

/// Tars as other programs write them, and bytes that are none.
@Suite
struct TarReaderTests {
    /// Makes a tree with long and odd names, and packs it. Arguments: folder, format, file.
    private static let pack = #"""
        import os, sys, tarfile
        folder, kind, file = sys.argv[1:]
        os.makedirs(folder + "/a/" + "b" * 120); os.chdir(folder)
        with open("a/" + "b" * 120 + "/" + "c" * 80, "w") as f: f.write("long" * 1000)
        with open("a/empty", "w"): pass
        with open("a/512", "wb") as f: f.write(b"x" * 512)
        os.symlink("t" * (90 if kind == "ustar" else 300), "a/link"); os.link("a/512", "a/hard"); os.mkfifo("fifo")
        if kind != "ustar":
            with open("n\u00e4me", "w") as f: f.write("x")
        formats = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
        with tarfile.open(file, "w", format=formats[kind]) as t: [t.add(n) for n in sorted(os.listdir("."))]
        with tarfile.open(file) as t:
            for m in t: print(m.type.decode(), m.size if m.isreg() else 0, len(os.fsencode(m.name)), os.fsencode(m.name)[-20:].hex(), m.linkname)
        """#

    static func read(_ bytes: [UInt8], pieces: Int) throws -> [(entry: TarEntry, content: [UInt8])] {
        var reader = TarReader()
        var found: [(entry: TarEntry, content: [UInt8])] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            try bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { piece in
                var rest = piece
                while let event = try reader.next(from: &rest) {
                    switch event {
                    case .entry(let entry): found.append((entry, []))
                    case .content(let content): found[found.count - 1].content += content
                    }
                }
                #expect(rest.isEmpty)
            }
        }
        try reader.finish()
        return found
    }

    @Test("what Python packs in any format", arguments: ["ustar", "gnu", "pax"], [1, 511, 1 << 20])
    func formats(format: String, pieces: Int) throws {
        let folder = try ScratchFolder()
        let listing = try SystemTool.python(Self.pack, folder["t"], format, folder["tar"])
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder["tar"])))
        let found = try Self.read(bytes, pieces: pieces)
        let lines = listing.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: false) }
        #expect(found.count == lines.count)
        for (line, (entry, content)) in zip(lines, found) {
            #expect(line[0] == String(UnicodeScalar(entry.kind.rawValue)))
            #expect(line[1] == "\(entry.size)" && content.count == entry.size)
            #expect(line[2] == "\(entry.path.count)", "\(displayed(entry.path))")
            let name = entry.path.suffix(20).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            #expect(line[3] == name)
            #expect(line[4] == String(decoding: entry.linkTarget, as: UTF8.self))
        }
        #expect(found.contains { $0.content == Array(String(repeating: "long", count: 1000).utf8) })
        // Written again, it is the same.
        let again = found.flatMap { entry, content in
            entry.bytes + content + [UInt8](repeating: 0, count: TarHeader.padding(after: entry.size))
        }
        #expect(bytes.starts(with: again))
    }

    @Test("an entry under another name has all else that it had")
    func renamed() throws {
        let long = Array(repeating: UInt8(ascii: "n"), count: 150)
        let bad: [UInt8] = [0x66, 0xff]
        var header = TarHeader(kind: .file, path: long, permissions: 0o4755, user: 3_000_000, group: 7, size: 3)
        header.modified = FileTime(seconds: 5, nanoseconds: 7)
        header.attributes = [ExtendedAttribute(name: Array("user.a".utf8), value: [0, 10, 255])]
        for (from, to) in [
            (long, Array("short".utf8)), (Array("short".utf8), long), (bad, long), (long, bad), (bad, bad),
        ] {
            header.path = from
            let bytes = try header.encoded() + [1, 2, 3] + [UInt8](repeating: 0, count: 509 + 1024)
            let entry = try #require(try Self.read(bytes, pieces: 1 << 20).first?.entry)
            #expect(entry.path == from)
            header.path = to
            let expected = try header.encoded()
            let renamed = try entry.bytes(path: to)
            let read = try Self.read(renamed + bytes.suffix(512 + 1024), pieces: 1 << 20)
            #expect(read.first?.entry.path == to && read.first?.content == [1, 2, 3])
            #expect(read.first?.entry.metadata == entry.metadata)
            let again = try Self.read(expected + bytes.suffix(512 + 1024), pieces: 1 << 20)
            #expect(Set(read.first?.entry.records ?? []) == Set(again.first?.entry.records ?? []))
        }
    }

    /// A header block with one field changed, and the checksum put right.
    private static func block(_ change: (inout [UInt8]) -> Void, kind: TarHeader.Kind = .file, size: Int64 = 0) throws
        -> [UInt8]
    {
        var header = TarHeader(kind: kind, path: Array("name".utf8))
        header.size = size
        var block = try header.encoded()
        change(&block)
        for index in 148..<156 { block[index] = 0x20 }
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        block.replaceSubrange(148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum + "\0 ").utf8))
        return block
    }

    private static let end = [UInt8](repeating: 0, count: 1024)

    @Test("what can be read in two ways is refused")
    func refused() throws {
        func name(_ text: String) throws -> [UInt8] {
            try Self.block { $0.replaceSubrange(0..<(text.utf8.count + 1), with: Array((text + "\0").utf8)) }
        }
        func type(_ type: Character) throws -> [UInt8] { try Self.block { $0[156] = type.asciiValue ?? 0 } }
        func pax(_ records: String) throws -> [UInt8] {
            let data = Array(records.utf8)
            return try Self.block({ $0[156] = UInt8(ascii: "x") }, size: Int64(data.count)) + data
                + [UInt8](repeating: 0, count: TarHeader.padding(after: Int64(data.count)))
        }
        let good = try Self.block { _ in }
        #expect(try Self.read(good + Self.end, pieces: 100).count == 1)
        #expect(try Self.read(good + Self.end + Self.end, pieces: 100).count == 1)
        #expect(
            try Self.read(try pax("11 path=bc\n") + good + Self.end, pieces: 7).first?.entry.path == Array("bc".utf8)
        )
        var damaged = good
        damaged[3] ^= 1
        let cases: [(String, [UInt8])] = [
            ("no end", good), ("half an end", good + Self.end.prefix(512)),
            ("cut", Array((good + Self.end).prefix(700))),
            ("after the end", good + Self.end + good), ("one block of zeros", Self.end.prefix(512) + good + Self.end),
            ("checksum", damaged + Self.end), ("empty", []),
            ("v7", try Self.block { $0.replaceSubrange(257..<265, with: [UInt8](repeating: 0, count: 8)) } + Self.end),
            ("absolute", try name("/etc") + Self.end), ("above", try name("a/../b") + Self.end),
            ("twice", try name("a//b") + Self.end), ("dot", try name("a/./b") + Self.end),
            ("folder", try name("a/") + Self.end), ("none", try name("") + Self.end),
            ("sparse", try type("S") + Self.end), ("global", try type("g") + Self.end),
            ("contiguous", try type("7") + Self.end),
            ("negative size", try Self.block { $0[124] = 0xff } + Self.end),
            ("no number", try Self.block { $0[130] = UInt8(ascii: "9") } + Self.end),
            ("folder with content", try Self.block({ _ in }, kind: .directory, size: 1) + Self.end + Self.end),
            ("no entry", try pax("11 path=bc\n") + Self.end),
            ("two PAX headers", try pax("11 path=bc\n") + pax("11 path=bd\n") + good + Self.end),
            ("two paths", try pax("11 path=bc\n11 path=bd\n") + good + Self.end),
            ("no path", try pax("8 path=\n") + good + Self.end),
            ("record too long", try pax("12 path=bc\n") + good + Self.end),
            ("record too short", try pax("10 path=bc\n") + good + Self.end),
            ("record without a keyword", try pax("7 =abc\n") + good + Self.end),
            ("sparse by PAX", try pax("22 GNU.sparse.major=1\n") + good + Self.end),
            ("size by PAX", try pax("11 size=-1\n") + good + Self.end),
            ("large PAX header", try Self.block({ $0[156] = UInt8(ascii: "x") }, size: 2 << 20) + Self.end),
        ]
        for (comment, bytes) in cases {
            #expect(throws: TarError.self, "\(comment)") { try Self.read(bytes, pieces: 300) }
        }
    }
}
