// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import LocalRuntime

/// Walks through folders that somebody else writes in.
@Suite("Paths of volumes")
struct VolumePathTests {
    private func withFolder(_ body: (String, OpenVolume) throws -> Void) throws {
        let top = FileManager.default.temporaryDirectory.appending(path: "stasis-volume-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: top) }
        let folder = "\(top)/allowed"
        try FileManager.default.createDirectory(atPath: "\(folder)/a/b", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: "\(top)/secret", withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(filePath: "\(folder)/a/file"))
        try body(folder, try open(folder))
    }

    private func open(_ path: String) throws -> OpenVolume {
        let descriptor = Glibc.open(path, ConfinedTree.pathOnly | O_DIRECTORY | O_CLOEXEC)
        try #require(descriptor >= 0)
        return OpenVolume(owning: descriptor)
    }

    private func inode(_ path: String) throws -> UInt64 {
        try #require(Inode(at: path)).number
    }

    private func inode(_ volume: OpenVolume) throws -> UInt64 {
        try #require(Inode(of: volume.descriptor)).number
    }

    @Test(
        "What is beneath is found, over links that stay there as well",
        arguments: [
            ("", ""), ("a", "a"), ("a/b", "a/b"), ("./a//b/.", "a/b"), ("a/b/..", "a"), ("a/file", "a/file"),
            ("link", "a/b"), ("a/up", "a"), ("link/../file", "a/file"),
        ]
    )
    func beneath(path: String, expected: String) throws {
        try withFolder { folder, root in
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "a/b")
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/a/up", withDestinationPath: "../a/b/..")
            let found = try VolumePath.open(path, beneath: root)
            #expect(try inode(found) == inode("\(folder)/\(expected)"))
        }
    }

    @Test(
        "Nothing leads out",
        arguments: ["..", "a/../..", "a/../../secret", "absolute", "absolute/x", "climbing", "a/climbing", "chain"]
    )
    func escapes(path: String) throws {
        try withFolder { folder, root in
            for (name, target) in [
                ("absolute", "/etc"), ("climbing", "a/../../secret"), ("a/climbing", "../../secret"),
                ("chain", "climbing"),
            ] {
                try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(name)", withDestinationPath: target)
            }
            #expect(throws: VolumePath.Failure.escapes) { try VolumePath.open(path, beneath: root) }
            #expect(throws: VolumePath.Failure.escapes) { try VolumePath.open(path, beneath: root, makingWith: 0o755) }
        }
    }

    @Test("What cannot be mounted is refused, and loops end")
    func unsuitable() throws {
        try withFolder { folder, root in
            #expect(throws: VolumePath.Failure.missing) { try VolumePath.open("none", beneath: root) }
            #expect(throws: VolumePath.Failure.unsuitable) { try VolumePath.open("a/file/x", beneath: root) }
            mkfifo("\(folder)/fifo", 0o600)
            #expect(throws: VolumePath.Failure.unsuitable) { try VolumePath.open("fifo", beneath: root) }
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/loop", withDestinationPath: "loop")
            #expect(throws: VolumePath.Failure.system(ELOOP)) { try VolumePath.open("loop", beneath: root) }
        }
    }

    @Test("Folders are made where none are, with the permissions that were asked for")
    func making() throws {
        try withFolder { folder, root in
            let mask = umask(0o077)
            defer { umask(mask) }
            let made = try VolumePath.open("new/er/folder", beneath: root, makingWith: 0o755)
            #expect(try inode(made) == inode("\(folder)/new/er/folder"))
            #expect(Inode(at: "\(folder)/new/er")?.permissions == 0o755)
            // A link to nothing does not make a folder where it points to.
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/out", withDestinationPath: "../secret/new")
            #expect(throws: VolumePath.Failure.escapes) { try VolumePath.open("out", beneath: root, makingWith: 0o755) }
        }
    }

    @Test("A name that changes into a link while it is walked leads nowhere else")
    func racing() throws {
        try withFolder { folder, root in
            let secret = try inode("\(folder)/../secret")
            let stop = DispatchSemaphore(value: 0)
            let done = DispatchSemaphore(value: 0)
            // Somebody exchanges a folder and a link that leads out, as fast as can be.
            Thread.detachNewThread {
                symlink("../secret", "\(folder)/evil")
                mkdir("\(folder)/good", 0o755)
                while stop.wait(timeout: .now()) == .timedOut {
                    rename("\(folder)/good", "\(folder)/name")
                    rename("\(folder)/name", "\(folder)/good")
                    rename("\(folder)/evil", "\(folder)/name")
                    rename("\(folder)/name", "\(folder)/evil")
                }
                done.signal()
            }
            // Both have to be met, often; the bound only ends a test that would never.
            var (found, refused) = (0, 0)
            for _ in 0..<20_000_000 where found < 200 || refused < 200 {
                do throws(VolumePath.Failure) {
                    let number = Inode(of: try VolumePath.open("name", beneath: root).descriptor)?.number
                    found += 1
                    #expect(number != secret)
                } catch {
                    if error == .escapes { refused += 1 }
                }
            }
            stop.signal()
            done.wait()
            #expect(found >= 200 && refused >= 200)
        }
    }
}
