// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SnapshotEngine

/// What is kept of what, entry by entry.
@Suite
struct MergeDecisionTests {
    /// Layers, the topmost first, as lists of names: `a/` is a directory, `a=b` a hard link to b, `a>b` a symbolic link,
    /// everything else a file, or a whiteout by its name. A number behind an `@` is the mode.
    private func merge(_ layers: [String], base: Set<String> = []) throws -> String {
        let tars = try layers.map { layer in
            try layer.split(separator: " ").flatMap { try Self.entry(String($0)).bytes }
        }
        var index = MergeIndex()
        for tar in tars {
            for (entry, _) in try Self.read(tar) { try index.add(entry) }
            index.endLayer()
        }
        var names: [String] = []
        for (number, tar) in tars.enumerated() {
            var copy = LayerCopy(MergeIndex.Layer(number), of: index) { path in
                base.contains(String(decoding: path, as: UTF8.self))
            }
            for (entry, _) in try Self.read(tar) {
                guard case .copy(let bytes) = try copy.action(for: entry) else { continue }
                for (entry, _) in try Self.read(bytes) { names.append(Self.name(entry)) }
            }
        }
        return names.joined(separator: " ")
    }

    private static func read(_ bytes: [UInt8]) throws -> [(entry: TarEntry, content: [UInt8])] {
        try TarReaderTests.read(bytes + [UInt8](repeating: 0, count: 1024), pieces: 1 << 20)
    }

    private static func entry(_ text: String) throws -> (header: TarHeader, bytes: [UInt8]) {
        let parts = text.split(separator: "@")
        let name = String(parts[0])
        let link = name.split { $0 == "=" || $0 == ">" }.map { Array($0.utf8) }
        var header = TarHeader(kind: .file, path: Array(name.utf8))
        if name.hasSuffix("/") { header.kind = .directory }
        if link.count == 2 {
            header.kind = name.contains("=") ? .hardLink : .symbolicLink
            (header.path, header.linkTarget) = (link[0], link[1])
        }
        header.permissions = parts.count > 1 ? UInt16(parts[1], radix: 8) ?? 0 : 0o644
        return (header, try header.encoded())
    }

    private static func name(_ entry: TarEntry) -> String {
        let name = String(decoding: entry.path, as: UTF8.self)
        let target = String(decoding: entry.linkTarget, as: UTF8.self)
        switch entry.kind {
        case .directory: return name + "/"
        case .hardLink: return "\(name)=\(target)"
        case .symbolicLink: return "\(name)>\(target)"
        default: return name
        }
    }

    @Test(
        "kept is what is seen, and what hides",
        arguments: [
            // One layer says it all.
            (["a b/ b/c"], "a b/ b/c"),
            // The upper one goes first.
            (["a", "a b"], "a b"), (["a/", "a/ a/x"], "a/ a/x"),
            // Deleted above.
            ([".wh.a", "a b"], ".wh.a b"), ([".wh.a", "a/ a/x a/y/ a/y/z b"], ".wh.a b"),
            // Something else in its place.
            (["a", "a/ a/x"], "a"), (["a/", "a"], "a/ a/.wh..wh..opq"), (["a>x", "a/ a/x"], "a>x"),
            // Deleted below and there again: it still hides the base's.
            (["a", ".wh.a"], "a"), (["a/ a/x", ".wh.a"], "a/ a/.wh..wh..opq a/x"),
            (["a/ a/x", ".wh.a", "a/ a/y"], "a/ a/.wh..wh..opq a/x"),
            (["a/ a/x", "a", "a/ a/y"], "a/ a/.wh..wh..opq a/x"),
            // Opaque above hides what is below, not what is beside it; opaque below stays opaque.
            (["a/ a/.wh..wh..opq a/x", "a/ a/y b"], "a/ a/.wh..wh..opq a/x b"),
            (["a/ a/x", "a/ a/.wh..wh..opq a/y", "a/ a/z"], "a/ a/.wh..wh..opq a/x a/y"),
            (["a/ a/.wh..wh..opq a/b/", "a/ a/b/ a/b/c"], "a/ a/.wh..wh..opq a/b/"),
            // What is hidden says nothing.
            ([".wh.a", "a/ a/.wh..wh..opq a/.wh.x"], ".wh.a"),
            (["a/ a/.wh..wh..opq a/b/ a/b/c", "a/ a/b"], "a/ a/.wh..wh..opq a/b/ a/b/c"),
            (["a/ a/.wh..wh..opq a/b/", "a/ a/b/ a/b/.wh..wh..opq"], "a/ a/.wh..wh..opq a/b/"),
            // The root.
            (["./ a", "./ b"], "/ a b"),
            // Names that only begin alike.
            ([".wh.a", "ab a.b/ a.b/c"], ".wh.a ab a.b/ a.b/c"),
        ] as [([String], String)]
    )
    func kept(layers: [String], expected: String) throws {
        #expect(try merge(layers, base: ["a", "x"]) == expected)
    }

    @Test(
        "of what the base does not show there is nothing to delete",
        arguments: [
            (["a/ a/.wh.x", "a/ a/x"], ["a"], "a/"), (["a/ a/.wh.x", "a/ a/x"], ["a", "a/x"], "a/ a/.wh.x"),
            // In an opaque directory overlayfs would show the name.
            (["a/ a/.wh.x", "a/ a/.wh..wh..opq a/x"], ["a", "a/x"], "a/ a/.wh..wh..opq"),
            (["a/ a/b/ a/b/.wh.x", "a/ a/.wh..wh..opq a/b/ a/b/x"], ["a/b/x"], "a/ a/.wh..wh..opq a/b/"),
        ] as [([String], Set<String>, String)]
    )
    func whiteouts(layers: [String], base: Set<String>, expected: String) throws {
        #expect(try merge(layers, base: base) == expected)
    }

    @Test(
        "a file with several names stays one as long as one of them is left",
        arguments: [
            (["x", "a b=a c=a"], "x a b=a c=a"),
            // The content goes to the first name that is left, and the others follow it.
            ([".wh.a", "a b=a c=a"], ".wh.a b c=b"), (["a", "a b=a c=a"], "a b c=b"),
            ([".wh.a .wh.b", "a b=a c=a"], ".wh.a .wh.b c"), ([".wh.b", "a b=a c=a"], ".wh.b a c=a"),
            (["a b=a", "a b=a c=a"], "a b=a c"), (["a b=a c=a", "a b=a c=a"], "a b=a c=a"),
            (["d", "d/ d/a b=d/a"], "d b"), (["d/ d/.wh..wh..opq", "d/ d/a b=d/a"], "d/ d/.wh..wh..opq b"),
            (["s>y", "s>x t=s"], "s>y t>x"),
        ] as [([String], String)]
    )
    func hardLinks(layers: [String], expected: String) throws {
        #expect(try merge(layers, base: ["a", "b"]) == expected)
    }

    @Test(
        "what is not certain is not merged",
        arguments: [
            ["a a"], [".wh.a a"], ["a/ a"], ["a/x"], ["x a/x"], ["a/.wh.x"], ["a a/x"], ["a/.wh..wh..opq"],
            [".wh..wh..opq"], [".wh..wh.plnk"], [".wh."], [".wh.."], ["b=a"], ["b=a", "a"], ["a/ b=a"], ["b=a a"],
            ["a b=a c=b"], ["x/", "a/x"],
            // The names do not agree about the file, and the last one to be unpacked would have said what it is like.
            [".wh.a", "a@600 b=a@644"], [".wh.b", "a@600 b=a@644"],
        ]
    )
    func obstacles(layers: [String]) throws {
        #expect(throws: CompactionObstacle.self) { try merge(layers) }
    }

    @Test("keys do not depend on how one got there")
    func keys() {
        let paths = ["a/b/c", "a/b", "a/bc", "a", "", "ab", "a/b/c/d", "a/b/c", "b/b/c", "a//"]
        var keys = PathKeys()
        for path in paths + paths.reversed() {
            keys.move(to: Array(path.utf8))
            var fresh = PathKeys()
            fresh.move(to: Array(path.utf8))
            #expect(keys.key == fresh.key && keys.directory == fresh.directory, "\(path)")
        }
        #expect(
            Set(
                paths.map { path in
                    var keys = PathKeys()
                    keys.move(to: Array(path.utf8))
                    return keys.key
                }
            ).count == Set(paths).count
        )
    }
}
