// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import SnapshotEngine

/// Two layers, the first made of a tree that lives and the second of what changed since, are together what a whole layer
/// is: the tree at the second one's instant.
@Suite
struct LivingTreeTests {
    /// Copies the changes, once more if links were torn, and says how many times.
    private func copyChanges(_ mount: OverlayMount, since record: CopyRecord, to file: String) throws -> LayerSummary {
        var writer = LayerWriter(mount: mount)
        writer.pass = .changes(since: record)
        do {
            return try writer.write(toFile: file)
        } catch let torn as TornLinks {
            writer.pass = .changes(since: record, copying: torn.files)
            return try writer.write(toFile: file)
        }
    }

    /// Copies a living tree, lets `change` change it meanwhile or afterwards, copies the changes, and compares.
    private func expectOneInstant(
        _ overlay: OverlayFixture,
        while living: (() throws -> Void) throws -> Void = { try $0() },
        then change: () throws -> Void = {},
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (first: LayerSummary, second: LayerSummary) {
        let mount = try overlay.live()
        let files = [overlay.folder["first"], overlay.folder["second"]]
        var first: LayerSummary?
        try living {
            var writer = LayerWriter(mount: mount)
            writer.pass = .living
            first = try writer.write(toFile: files[0])
        }
        try change()
        let summary = try #require(first)
        let second = try copyChanges(mount, since: try #require(summary.record), to: files[1])
        try SystemTool.run("cp", "-a", overlay.lower, overlay.folder["applied"])
        for file in files { try SystemTool.python(GoldenScripts.apply, file, overlay.folder["applied"]) }
        do {
            try SystemTool.python(GoldenScripts.compare, overlay.merged, overlay.folder["applied"])
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
        return (summary, second)
    }

    private func fixture(_ changes: String = "") throws -> OverlayFixture {
        let overlay = try OverlayFixture(prepare: LivingTreeScripts.lower)
        try overlay.mount()
        if !changes.isEmpty { try SystemTool.run("sh", "-ec", "cd '\(overlay.merged)'; \(changes)") }
        #expect(try LayerWriter(mount: overlay.live()).canCopyLiving())
        return overlay
    }

    @Test("nothing changed: nothing is copied twice")
    func unchanged() throws {
        let overlay = try fixture(
            "mkdir n; echo 1 > n/a; ln n/a n/b; rm d1/f1; rm -r d2; mkdir d2; chmod 711 .; sleep 0.05"
        )
        let (first, second) = try expectOneInstant(overlay)
        #expect(first.counts.entries > 5)
        #expect(second.isEmpty, "\(second.counts)")
    }

    @Test(
        "one change after the first copy",
        arguments: [
            "echo more >> n/a", "echo 2 > n/new", "rm n/a", "rm -r n", "mv n m", "mv n/sub n/sub2", "chmod 600 n/a",
            "chown 7 n/sub", "setfattr -n user.x -v 1 n/a", "touch -d @1 n/a", "ln n/a n/sub/a", "ln -sf x n/l",
            "rm n/l; mkdir n/l; touch n/l/x", "rm -r n/sub; echo f > n/sub", "rm d3/f3", "rm -r d3",
            "rm -r d3; mkdir d3",
            "chmod 700 .", "setfattr -n user.x -v 1 .", "echo again > d1/f1", "mkdir d1/f1", "rm -r d2; echo x > d2",
            "mkdir d4/sub/new; echo x > d4/sub/new/x", "rm -r n/sub/deep; mkdir n/sub/deep", "mv n/sub m; mv m n/sub",
            // What was moved away and back looks untouched, but the new directory hides it.
            "mv n e; mkdir n; mv e/sub n/sub",
            "mv n/sub e; mkdir n/sub; mv e/deep n/sub/deep; rm -r e",
            // One name of a file is moved with its directory: both names are to be one file again.
            "mv n/sub m", "mv n/hard m", "mkdir m; mv n/hard m/hard",
            "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('n/s')\"",
            "rm n/a; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('n/a')\"",
            "rm n/u; echo x > n/u", "mv d2 m", "rm -r d2; mkdir d2; echo y > d2/f0",
            "python3 -c \"import mmap; f=open('n/a','r+b'); m=mmap.mmap(f.fileno(),0); m[0]=65\"",
        ]
    )
    func oneChange(change: String) throws {
        let overlay = try fixture(
            """
            mkdir -p n/sub/deep n/hard; echo 1 > n/a; echo 2 > n/b; echo 3 > n/sub/c; echo 4 > n/sub/deep/d; ln -s a n/l
            ln n/b n/hard/b; ln n/sub/c n/c; rm d1/f1; rm -r d2; mkdir d2; echo x > d2/x
            python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('n/u')"
            sleep 0.05
            """
        )
        let (_, second) = try expectOneInstant(
            overlay,
            then: {
                try SystemTool.run("sh", "-ec", "cd '\(overlay.merged)'; \(change)")
            }
        )
        #expect(second.counts.entries < 20, "\(second.counts)")
    }

    @Test("a page that is written through a mapping after it was copied")
    func mappedWriter() throws {
        let overlay = try fixture("head -c 100000 /dev/zero > mapped")
        // Dirty before the copy, written again after it, by the same mapping: no write is a system call.
        let program = """
            import mmap, sys
            f = open('\(overlay.merged)/mapped', 'r+b'); m = mmap.mmap(f.fileno(), 0)
            m[5] = 1; print('dirty', flush=True); sys.stdin.readline(); m[5] = 2; print('again', flush=True); sys.stdin.readline()
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program]
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        defer {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
        try output.waitForLine("dirty")
        let (first, second) = try expectOneInstant(
            overlay,
            then: {
                try input.fileHandleForWriting.write(contentsOf: Data("\n".utf8))
                try output.waitForLine("again")
            }
        )
        #expect(first.counts.files == 1 && second.counts.files == 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: overlay.folder["applied/mapped"]))[5] == 2)
    }

    @Test("random changes after the first copy", arguments: UInt64(1)...12)
    func changesAfter(seed: UInt64) throws {
        let overlay = try fixture()
        try SystemTool.python(LivingTreeScripts.changes, overlay.merged, "\(seed)", "150", "")
        _ = try expectOneInstant(
            overlay,
            then: {
                try SystemTool.python(LivingTreeScripts.changes, overlay.merged, "\(seed + 1000)", "40", "")
            }
        )
    }

    @Test("random changes while the first copy is made", arguments: UInt64(1)...8)
    func changesMeanwhile(seed: UInt64) throws {
        let overlay = try fixture()
        try SystemTool.python(LivingTreeScripts.changes, overlay.merged, "\(seed)", "300", "")
        for _ in 0..<4 {
            try? FileManager.default.removeItem(atPath: overlay.folder["applied"])
            let writer = Process()
            writer.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            writer.arguments = [
                "python3", "-c", LivingTreeScripts.changes, overlay.merged, "\(seed + 500)", "0",
                overlay.folder["flag"],
            ]
            let output = Pipe()
            writer.standardOutput = output
            try overlay.folder.write("flag")
            _ = try expectOneInstant(
                overlay,
                while: { copy in
                    try writer.run()
                    defer {
                        try? FileManager.default.removeItem(atPath: overlay.folder["flag"])
                        writer.waitUntilExit()
                    }
                    try output.waitForLine("begun")
                    try copy()
                }
            )
            #expect(writer.terminationStatus == 0)
        }
    }

    @Test("a whole filesystem that writes nothing back is not copied while it lives")
    func memory() throws {
        #expect(try !LayerWriter(upperDirectory: "/dev/shm").canCopyLiving())
    }
}

extension Pipe {
    /// Waits until a program has printed a line; what it prints comes in pieces.
    fileprivate func waitForLine(_ line: String) throws {
        var text = ""
        while !text.hasSuffix("\n") {
            let bytes = fileHandleForReading.availableData
            guard !bytes.isEmpty else { throw SystemTool.Failure(description: "it ended after \"\(text)\"") }
            text += String(decoding: bytes, as: UTF8.self)
        }
        #expect(text == line + "\n")
    }
}
