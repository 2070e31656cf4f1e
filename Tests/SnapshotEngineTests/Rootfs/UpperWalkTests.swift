// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import SnapshotEngine

@Suite
struct UpperWalkTests {
    private func paths(_ root: String, vanished: VanishedFiles = .refuse) throws -> [String] {
        var paths: [String] = []
        var walk = UpperWalk(root: root, reservedNames: .refuse, vanishedFiles: vanished)
        try walk.run { paths.append(displayed($0.path)) }
        return paths
    }

    @Test("directories come before what is in them, names in the order of their bytes")
    func order() throws {
        let folder = try ScratchFolder()
        for name in ["a/b", "a.c", "B"] { try folder.makeFolder("t/\(name)") }
        for name in ["a/b/x", "a/a", "a-b", "aa", "ä", "Z"] { try folder.write("t/\(name)") }
        #expect(try paths(folder["t"]) == ["/", "B", "Z", "a", "a/a", "a/b", "a/b/x", "a-b", "a.c", "aa", "ä"])
    }

    @Test("a thousand levels keep few descriptors open, and the way back is found")
    func depth() throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("t")
        try SystemTool.python(
            """
            import os, sys
            here = os.open(sys.argv[1], os.O_RDONLY)
            for i in range(1000):
                os.mkdir("d" * 50, dir_fd=here); os.close(os.open("z", os.O_CREAT, dir_fd=here))
                below = os.open("d" * 50, os.O_RDONLY, dir_fd=here); os.close(here); here = below
            """,
            folder["t"]
        )
        var mostOpen = 0
        var names = 0
        var longest = 0
        var walk = UpperWalk(root: folder["t"], reservedNames: .refuse, vanishedFiles: .refuse)
        try walk.run { entry in
            names += 1
            longest = max(longest, entry.path.count)
            if names % 100 == 0 { mostOpen = max(mostOpen, try OpenFiles.below(folder.path)) }
        }
        #expect(names == 2001)
        #expect(longest == 50_999)
        #expect(mostOpen > 10 && mostOpen <= UpperWalk.openDirectories + 5)
        #expect(try OpenFiles.below(folder.path) == 0)
    }

    @Test("a real file named like a whiteout is refused by name, or left out with all that is in it")
    func reservedNames() throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("t/etc/.wh.folder/in")
        try folder.write("t/etc/.wh.passwd")
        try folder.write("t/etc/x.wh.y")
        var writer = LayerWriter(upperDirectory: folder["t"])
        #expect(throws: RootfsError.reservedName(path: "etc/.wh.folder")) { try writer.write { _ in } }
        writer.options.reservedNames = .skip
        let summary = try writer.write(toFile: folder["a.tar.gz"])
        #expect(summary.reservedNames == ["etc/.wh.folder", "etc/.wh.passwd"])
        #expect(summary.counts.skippedReservedNames == 2)
        #expect(try SystemTool.run("tar", "-tzf", folder["a.tar.gz"]) == "etc/\netc/x.wh.y\n")
    }

    @Test("another filesystem mounted inside is refused", arguments: [true, false])
    func mountInside(isDirectory: Bool) throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("t/a/in")
        try folder.makeFolder("other")
        try folder.write("t/a/file")
        try folder.write("secret")
        let (what, place) = isDirectory ? ("other", "t/a/in") : ("secret", "t/a/file")
        try SystemTool.run("mount", "--bind", folder[what], folder[place])
        defer { _ = try? SystemTool.run("umount", folder[place]) }
        #expect(throws: RootfsError.unsuitable(.mountInside(path: String(place.dropFirst(2))))) {
            try paths(folder["t"])
        }
    }

    @Test("a whiteout by attribute counts where its directory says so")
    func whiteoutFiles() throws {
        let folder = try ScratchFolder()
        for name in ["x", "plain"] { try folder.makeFolder("t/\(name)") }
        for name in ["x/gone", "x/there"] { try folder.write("t/\(name)") }
        try SystemTool.run("setfattr", "-n", "trusted.overlay.opaque", "-v", "x", folder["t/x"])
        try SystemTool.run("setfattr", "-n", "trusted.overlay.whiteout", "-v", "y", folder["t/x/gone"])
        let writer = LayerWriter(upperDirectory: folder["t"])
        _ = try writer.write(toFile: folder["a.tar.gz"])
        #expect(try SystemTool.run("tar", "-tzf", folder["a.tar.gz"]) == "plain/\nx/\nx/.wh.gone\nx/there\n")
        try folder.write("t/plain/gone")
        try SystemTool.run("setfattr", "-n", "trusted.overlay.whiteout", "-v", "y", folder["t/plain/gone"])
        #expect(throws: RootfsError.self) { try writer.write { _ in } }
    }

    @Test(
        "a tree that is removed meanwhile is an error, not an empty difference",
        arguments: [VanishedFiles.refuse, .skip],
        ["/", "0", "9/x"]
    )
    func removedTree(vanished: VanishedFiles, place: String) throws {
        let folder = try ScratchFolder()
        for index in 0..<10 {
            try folder.makeFolder("t/\(index)")
            try folder.write("t/\(index)/x")
        }
        var walk = UpperWalk(root: folder["t"], reservedNames: .refuse, vanishedFiles: vanished)
        #expect(throws: RootfsError.self) {
            try walk.run { entry in
                if displayed(entry.path) == place { try SystemTool.run("rm", "-r", folder["t"]) }
            }
        }
        #expect(throws: RootfsError.self) { try paths(folder["t"]) }
    }

    @Test("a tree that is moved away meanwhile is an error too")
    func movedTree() throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("t/a")
        var walk = UpperWalk(root: folder["t"], reservedNames: .refuse, vanishedFiles: .skip)
        #expect(throws: RootfsError.changed(path: folder["t"], detail: "the directory was removed")) {
            try walk.run { entry in
                if displayed(entry.path) == "a" { try SystemTool.run("mv", folder["t"], folder["u"]) }
            }
        }
    }

    @Test("a file that vanishes while the tree lives is counted, if that is asked for")
    func vanishedFile() throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("t")
        for name in ["a", "b", "c"] { try folder.write("t/\(name)") }
        for vanished in [VanishedFiles.skip, .refuse] {
            try folder.write("t/b")
            var walk = UpperWalk(root: folder["t"], reservedNames: .refuse, vanishedFiles: vanished)
            var found: [String] = []
            let walking = Result {
                try walk.run { entry in
                    found.append(displayed(entry.path))
                    if entry.path == Array("a".utf8) { unlink(folder["t/b"]) }
                }
            }
            switch vanished {
            case .skip:
                try walking.get()
                #expect(found == ["/", "a", "c"] && walk.omitted.vanished == 1)
            case .refuse:
                #expect(throws: RootfsError.system(operation: "open", path: "b", code: ENOENT)) { try walking.get() }
            }
        }
    }

    /// A file and a directory that become, again and again, links to what lies outside, and a fifo.
    @Test("links and pipes that are swapped in during the walk lead nowhere")
    func swappedEntries() throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("outside")
        try folder.write("outside/secret", "secret")
        try folder.makeFolder("t/d")
        try folder.write("t/d/inside")
        try folder.write("t/f", "inside")
        try folder.makeFolder("spare")
        symlink(folder["outside"], folder["spare/d"])
        symlink(folder["outside/secret"], folder["spare/f"])
        mkfifo(folder["spare/g"], 0o600)

        let names = [("t/d", "spare/d"), ("t/f", "spare/f"), ("t/f", "spare/g")]
        try HostileWriter.with(names.map { .exchange($0.0, $0.1) }, in: folder) {
            var seen: Set<String> = []
            for _ in 0..<200_000 where seen.count < 5 {
                var walk = UpperWalk(root: folder["t"], reservedNames: .refuse, vanishedFiles: .skip)
                do {
                    try walk.run { entry in
                        let path = displayed(entry.path)
                        #expect(["/", "d", "d/inside", "f"].contains(path))
                        seen.insert("\(path) \(entry.status.kind)")
                        guard entry.kind == .regular, path == "f" else { return }
                        var byte: UInt8 = 0
                        #expect(pread(entry.contents, &byte, 1, 0) == 1 && byte == UInt8(ascii: "i"))
                    }
                } catch RootfsError.system(_, _, ENOTDIR) {}
                seen.remove("/ directory")
                seen.remove("d/inside regular")
            }
            #expect(seen == ["d directory", "d symbolicLink", "f regular", "f symbolicLink", "f fifo"])
        }
    }
}

/// What this process holds open.
enum OpenFiles {
    /// How many descriptors are of files below a folder.
    static func below(_ folder: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { number in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
            return target?.hasPrefix(folder + "/") == true
        }
    }
}
