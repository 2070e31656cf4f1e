// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import SnapshotEngine

@Suite
struct WalkAheadTests {
    private struct Enough: Error {}

    /// A tree of a few folders with many small files, each of which holds its own name.
    private func makeTree(_ folder: borrowing ScratchFolder, files: Int = 2_000) throws {
        try SystemTool.python(
            """
            import os, sys
            for i in range(int(sys.argv[2])):
                below = f"{sys.argv[1]}/t/{i % 7}"
                os.makedirs(below, exist_ok=True)
                open(f"{below}/{i}", "w").write(f"{i % 7}/{i}")
            """,
            folder.path,
            "\(files)"
        )
    }

    private func walk(_ root: String) -> @Sendable () -> UpperWalk {
        { UpperWalk(root: root, reservedNames: .refuse, vanishedFiles: .refuse) }
    }

    @Test("entries come in the order of the walk, and their files are open when they are taken")
    func order() throws {
        let folder = try ScratchFolder()
        try makeTree(folder)
        var expected: [[UInt8]] = []
        var plain = walk(folder["t"])()
        try plain.run { expected.append($0.path) }

        var found: [[UInt8]] = []
        _ = try WalkAhead.run(walk(folder["t"])) { entry in
            found.append(entry.path)
            guard entry.kind == .regular else { return }
            var content = [UInt8](repeating: 0, count: entry.path.count)
            #expect(pread(entry.contents, &content, content.count, 0) == content.count)
            #expect(content == entry.path)
        }
        #expect(found == expected)
        #expect(try OpenFiles.below(folder.path) == 0)
    }

    @Test("it does not run far ahead: few files are open, however slow their reader")
    func bound() throws {
        let folder = try ScratchFolder()
        try makeTree(folder)
        var mostOpen = 0
        var count = 0
        _ = try WalkAhead.run(walk(folder["t"])) { _ in
            count += 1
            if count % 20 == 0 { mostOpen = max(mostOpen, try OpenFiles.below(folder.path)) }
        }
        #expect(count == 2_008)
        #expect(mostOpen > 10 && mostOpen <= 110)
    }

    @Test("whoever takes the entries may fail: then nothing of the walk is left")
    func failingReader() throws {
        let folder = try ScratchFolder()
        try makeTree(folder)
        for stop in [1, 24, 25, 500, 2_008] {
            var count = 0
            #expect(throws: Enough.self) {
                _ = try WalkAhead.run(walk(folder["t"])) { _ in
                    count += 1
                    if count == stop { throw Enough() }
                }
            }
            #expect(count == stop)
            #expect(try OpenFiles.below(folder.path) == 0)
        }
    }

    @Test("what ends the walk is thrown, after all that came before it")
    func failingWalk() throws {
        let folder = try ScratchFolder()
        try makeTree(folder, files: 700)
        try folder.makeFolder("t/8")
        try folder.write("t/8/.wh.x")
        var last: [UInt8] = []
        #expect(throws: RootfsError.reservedName(path: "8/.wh.x")) {
            _ = try WalkAhead.run(walk(folder["t"])) { last = $0.path }
        }
        // A whole batch at a time: up to so many names before the bad one may be missing.
        #expect(last.starts(with: Array("6/".utf8)))
        #expect(try OpenFiles.below(folder.path) == 0)
    }

    @Test("what the walk has left out, and its record, come back")
    func outcome() throws {
        let folder = try ScratchFolder()
        try makeTree(folder, files: 50)
        try folder.write("t/.wh.x")
        let root = folder["t"]
        let since = try FileTime.beforeNow()
        let walked = try WalkAhead.run {
            UpperWalk(root: root, reservedNames: .skip, vanishedFiles: .skip, record: CopyRecord(since: since))
        } _: { _ in
        }
        #expect(walked.omitted.reserved == [".wh.x"])
        #expect(walked.record?.size ?? 0 > 50 * 10)
    }
}
