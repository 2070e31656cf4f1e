// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport
import Testing

@testable import SnapshotEngine

/// What was looked at ahead of a walk leaves no trace in its layer: it is the same, byte for byte, as that of a walk which
/// looks at everything itself.
@Suite
struct UnchangedEntriesTests {
    /// What came of a walk.
    private enum Outcome: Equatable {
        /// The tar, by its digest: how it was compressed is another matter.
        case layer(String, LayerCounts)
        case torn(Set<FileIdentity>)
        case failed(RootfsError)
    }

    /// How it is looked at: not at all, on one thread, in the smallest parts, on several threads.
    private static let ways = [(0, 1), (1, 1024), (1, 1), (3, 5), (2, 64)].map { threads, length in
        UnchangedEntries.Options(threads: threads, length: length)
    }

    private func outcome(_ writer: LayerWriter) throws -> Outcome {
        do {
            let summary = try writer.write { _ in }
            return .layer(summary.diffID, summary.counts)
        } catch let torn as TornLinks {
            return .torn(torn.files)
        } catch let error as RootfsError {
            return .failed(error)
        }
    }

    /// Copies the changes in every way, and the torn links with them, and compares.
    private func expectSame(
        _ writer: LayerWriter,
        since record: CopyRecord,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var writer = writer
        writer.pass = .changes(since: record)
        for _ in 0..<2 {
            writer.comparing = Self.ways[0]
            let expected = try outcome(writer)
            for way in Self.ways.dropFirst() {
                writer.comparing = way
                let found = try outcome(writer)
                #expect(found == expected, "\(way)", sourceLocation: sourceLocation)
            }
            guard case .torn(let files) = expected else { return }
            writer.pass = .changes(since: record, copying: files)
        }
    }

    /// Copies a tree that lives, and gives what it was.
    private func record(_ writer: LayerWriter) throws -> CopyRecord {
        // What changed in the moment of the copy counts as changed: let that moment pass.
        usleep(60_000)
        var writer = writer
        writer.pass = .living
        return try #require(try writer.write { _ in }.record)
    }

    /// How many entries of the record are found unchanged, in parts of a length; the rest of them.
    private func count(_ root: String, _ record: CopyRecord, length: Int = 7) throws -> (same: Int, changed: Int) {
        let found = try UnchangedEntries.find(
            below: root,
            since: record,
            copying: [],
            options: UnchangedEntries.Options(threads: 2, length: length),
            progress: LayerProgress()
        )
        let unchanged = try #require(found)
        let same = (0..<record.count).count { unchanged.contains($0) }
        return (same, record.count - same)
    }

    @Test("random changes to random trees", arguments: 1...8)
    func randomTrees(seed: Int) throws {
        let overlay = try OverlayFixture(prepare: LivingTreeScripts.lower)
        try overlay.mount()
        try SystemTool.python(LivingTreeScripts.changes, overlay.merged, "\(seed)", "300", "")
        let writer = try LayerWriter(mount: overlay.live())
        let record = try record(writer)
        try expectSame(writer, since: record)
        #expect(try count(overlay.upper, record).changed == 1, "only the root, which the walk looks at itself")
        for round in 1...4 {
            try SystemTool.python(LivingTreeScripts.changes, overlay.merged, "\(seed * 10 + round)", "\(round * 6)", "")
            try expectSame(writer, since: record)
        }
        let (same, changed) = try count(overlay.upper, record)
        #expect(same > 0 && changed > 10)
    }

    @Test("a single change, wherever it is in a deep and in a flat tree")
    func singleChange() throws {
        let folder = try ScratchFolder()
        try SystemTool.python(
            """
            import os, sys
            os.mkdir(sys.argv[1]); here = os.open(sys.argv[1], os.O_RDONLY)
            for i in range(300): os.close(os.open("flat%d" % i, os.O_CREAT, dir_fd=here))
            for i in range(150):
                os.mkdir("d", dir_fd=here); os.close(os.open("z", os.O_CREAT, dir_fd=here)); os.close(os.open("a", os.O_CREAT, dir_fd=here))
                below = os.open("d", os.O_RDONLY, dir_fd=here); os.close(here); here = below
            """,
            folder["t"]
        )
        let writer = LayerWriter(upperDirectory: folder["t"])
        let record = try record(writer)
        #expect(record.count == 1 + 300 + 450)
        let deep = { (depth: Int) in folder["t"] + String(repeating: "/d", count: depth) }
        // What is deeper than it is looked is left to the walk, with the directories above it.
        let looked = UnchangedEntries.depth - 1
        #expect(try count(folder["t"], record).same == 300 + 2 * (looked + 1))
        for depth in [0, 1, looked - 1, looked, looked + 1, 100, 150] {
            try folder.write("t\(String(repeating: "/d", count: depth))/new", "new")
            try expectSame(writer, since: record)
            unlink(deep(depth) + "/new")
            guard depth < 150 else { continue }
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: deep(depth) + "/z")
            try expectSame(writer, since: record)
        }
    }

    @Test("a name that was left out of the first copy is refused by the second, though its directory is as it was")
    func leftOut() throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("t/a/b")
        for name in ["t/a/b/file", "t/a/b/.wh.victim"] { try folder.write(name) }
        let writer = LayerWriter(upperDirectory: folder["t"])
        let record = try record(writer)
        #expect(try count(folder["t"], record, length: 2).same == 1)
        var changes = writer
        changes.pass = .changes(since: record)
        #expect(throws: RootfsError.reservedName(path: "a/b/.wh.victim")) { try changes.write { _ in } }
        try expectSame(writer, since: record)
    }

    @Test("what is mounted over something that is as it was is refused", arguments: ["t/a/b", "t/a/b/file"])
    func mounted(place: String) throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("t/a/b")
        try folder.makeFolder("other")
        for name in ["t/a/b/file", "file"] { try folder.write(name) }
        let writer = LayerWriter(upperDirectory: folder["t"])
        let record = try record(writer)
        try SystemTool.run("mount", "--bind", folder[place == "t/a/b" ? "other" : "file"], folder[place])
        defer { _ = try? SystemTool.run("umount", folder[place]) }
        var changes = writer
        changes.pass = .changes(since: record)
        #expect(throws: RootfsError.unsuitable(.mountInside(path: String(place.dropFirst(2))))) {
            try changes.write { _ in }
        }
        try expectSame(writer, since: record)
    }

    @Test("a search that is cancelled ends, and so does the walk")
    func cancelled() throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("t/a")
        var writer = LayerWriter(upperDirectory: folder["t"])
        writer.pass = .changes(since: try record(writer))
        let progress = LayerProgress()
        progress.cancel()
        #expect(throws: CancellationError.self) { try writer.write(progress: progress) { _ in } }
    }

    @Test("a record that is read in parts is the whole record", arguments: UInt64(1)...20)
    func ranges(seed: UInt64) {
        var random = SeededRandom(seed)
        var record = CopyRecord(since: FileTime(seconds: 0, nanoseconds: 0))
        var depth = 0
        record.append(.directory, name: [], fingerprint: 0)
        // Names are long, so that there are several chunks.
        for _ in 0..<Int.random(in: 1...9000, using: &random) {
            let name = [UInt8](repeating: 7, count: Int.random(in: 1...255, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                record.append(.opaqueDirectory, name: name, fingerprint: random.next(), inode: 1)
                depth += 1
            case 2 where depth > 0:
                record.appendEnd(isComplete: Bool.random(using: &random))
                depth -= 1
            default: record.append(.other, name: name, fingerprint: random.next())
            }
        }
        for _ in 0...depth { record.appendEnd() }
        let ranges = record.ranges(length: Int.random(in: 1...3000, using: &random), depth: 5)
        #expect(ranges.reduce(0) { $0 + $1.ordinals.count } == record.count)
        #expect(ranges.reduce(0) { $0 + $1.bytes.count } == record.size)
        #expect(ranges.allSatisfy { $0.directories.count <= 5 && ($0.deeper == 0 || $0.directories.count == 5) })
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.ordinals.upperBound == $1.ordinals.lowerBound })

        // Stepping through a directory and skipping it lead to the same place.
        var cursor = CopyRecordCursor(record)
        var visited = 0
        while visited < record.count {
            guard let entry = cursor.entry else {
                cursor.advance()
                continue
            }
            #expect(entry.ordinal == visited)
            var (skipping, stepping) = (cursor, cursor)
            skipping.skip()
            var open = entry.isDirectory ? 1 : 0
            stepping.advance()
            // Long ones only now and then.
            if visited % 50 == 0 {
                while open > 0 {
                    open += stepping.entry.map { $0.isDirectory ? 1 : 0 } ?? -1
                    stepping.advance()
                }
                #expect(skipping.entry?.ordinal == stepping.entry?.ordinal)
                #expect(skipping.entry?.name == stepping.entry?.name)
            }
            cursor.advance()
            visited += 1
        }
    }
}
