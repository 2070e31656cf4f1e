// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import NIOCore
import Testing

@testable import SnapshotEngine

/// A tree that somebody changes while it is walked, so that it leads out of itself: nothing out there is read, and nothing
/// that is no file or folder is opened.
@Suite
struct HostileTreeTests {
    private static let secret = "9b8b4a52-the-secret-6a0f"

    /// A tree, and beside it what must not be read and what may be put into the tree.
    private func fixture() throws -> ScratchFolder {
        let folder = try ScratchFolder()
        for name in ["t/d/sub", "t/e/deep/er", "t/m", "outside/d/sub", "spare", "away"] { try folder.makeFolder(name) }
        for name in ["t/f", "t/g", "t/h", "t/d/inside", "t/d/sub/inside", "t/e/deep/inside", "t/e/deep/er/inside"] {
            try folder.write(name, "harmless")
        }
        for name in ["outside/secret", "outside/d/inside", "outside/d/sub/inside", "away/secret"] {
            try folder.write(name, Self.secret)
        }
        symlink(folder["outside/d"], folder["spare/d"])
        symlink(folder["outside/secret"], folder["spare/f"])
        mkfifo(folder["spare/fifo"], 0o600)
        try SystemTool.run("mknod", folder["spare/zero"], "c", "1", "5")
        try SystemTool.run("mknod", folder["spare/loop"], "b", "7", "250")
        return folder
    }

    /// The bytes of a layer, not compressed; nil if the walk was refused.
    private func tar(of folder: ScratchFolder, vanished: VanishedFiles) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        let progress = LayerProgress()
        do {
            var tar = TarWriter(blocks: BlockBuffer(blockSize: 64 << 10) { bytes += $0.readableBytesView })
            var entries = EntryWriter(baseline: try RootBaseline(.include), sizeLimit: 1 << 30, progress: progress)
            var walk = UpperWalk(root: folder["t"], reservedNames: .refuse, vanishedFiles: vanished)
            try walk.run { try entries.write($0, to: &tar) }
            try tar.finish()
        } catch is RootfsError {
            return nil
        }
        return bytes
    }

    @Test(
        "whatever is swapped in, nothing outside is read and nothing but files and folders is opened",
        arguments: [VanishedFiles.skip, .refuse]
    )
    func swapped(vanished: VanishedFiles) throws {
        let folder = try fixture()
        let watch = try OpenWatch()
        for name in [
            "outside", "outside/secret", "outside/d", "outside/d/inside", "outside/d/sub", "outside/d/sub/inside",
            "away/secret", "spare/fifo", "spare/zero", "spare/loop",
        ] {
            try watch.add(folder[name])
        }
        let deeds: [HostileWriter.Deed] = [
            .exchange("t/d", "spare/d"), .exchange("t/f", "spare/f"), .exchange("t/g", "spare/fifo"),
            .exchange("t/h", "spare/zero"), .exchange("t/h", "spare/loop"), .exchange("t/f", "t/d"),
            .move("t/e/deep", "away/deep"), .move("t/e", "away/e"), .mount("outside/d", on: "t/m"),
        ]
        var (whole, refused) = (0, 0)
        try HostileWriter.with(deeds, in: folder) {
            // Until both have happened often, which is a matter of chance.
            for _ in 0..<100_000 where whole < 60 || (vanished == .refuse && refused < 10) {
                guard let bytes = try tar(of: folder, vanished: vanished) else {
                    refused += 1
                    continue
                }
                whole += 1
                #expect(bytes.firstRange(of: Array(Self.secret.utf8)) == nil)
            }
        }
        #expect(whole >= 60)
        #expect(try watch.events() == [], "it was opened")
        // The watch sees what it is to see.
        _ = try Data(contentsOf: URL(fileURLWithPath: folder["outside/secret"]))
        #expect(try watch.events() == [folder["outside/secret"]])
        let last = try #require(try tar(of: folder, vanished: .refuse))
        #expect(last.firstRange(of: Array("harmless".utf8)) != nil)
    }

    @Test("the second walk reads nothing outside either")
    func swappedAfterwards() throws {
        let folder = try fixture()
        try SystemTool.run("find", folder["t"], "-exec", "touch", "-h", "-d", "2020-01-01", "{}", "+")
        // The change times, too, are to be before the first copy.
        usleep(60_000)
        var writer = LayerWriter(upperDirectory: folder["t"])
        writer.pass = .living
        let record = try #require(try writer.write { _ in }.record)
        let watch = try OpenWatch()
        for name in ["outside", "outside/d", "outside/d/inside", "outside/d/sub", "outside/secret", "spare/fifo"] {
            try watch.add(folder[name])
        }
        let deeds: [HostileWriter.Deed] = [
            .exchange("t/d", "spare/d"), .exchange("t/f", "spare/f"), .exchange("t/g", "spare/fifo"),
            .move("t/e", "away/e"), .mount("outside/d", on: "t/m"),
        ]
        writer.pass = .changes(since: record)
        var done = 0
        try HostileWriter.with(deeds, in: folder) {
            for _ in 0..<100_000 where done < 60 {
                let layer = folder["layer"]
                guard (try? writer.write(toFile: layer)) != nil else { continue }
                done += 1
                if done % 20 == 0 {
                    let tar = try SystemTool.run("sh", "-c", "gzip -dc '\(layer)'")
                    #expect(!tar.contains(Self.secret))
                }
            }
        }
        #expect(done == 60)
        #expect(try watch.events() == [], "it was opened")
    }
}

/// Tells what was opened, by the kernel's own account.
private final class OpenWatch {
    private let descriptor: Int32
    private var names: [Int32: String] = [:]

    init() throws {
        descriptor = try SystemCall.result("inotify_init", "") { inotify_init1(O_NONBLOCK | O_CLOEXEC) }
    }

    deinit { close(descriptor) }

    /// Watches one file, folder, fifo or device, wherever it is moved.
    func add(_ path: String) throws {
        let (opened, read) = (UInt32(0x20), UInt32(0x1))
        let watch = try SystemCall.result("inotify_add_watch", path) {
            inotify_add_watch(descriptor, path, opened | read)
        }
        names[watch] = path
    }

    /// What was opened or read since the last time, each path once.
    func events() throws -> Set<String> {
        var found: Set<String> = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return found }
            var offset = 0
            buffer.withUnsafeBytes { bytes in
                // inotify_event: watch, mask, cookie, length of the name that follows.
                while offset + 16 <= count {
                    let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
                    // A name in a watched folder has a watch of its own.
                    let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
                    if length == 0, let name = names[watch] { found.insert(name) }
                    offset += 16 + length
                }
            }
        }
    }
}
