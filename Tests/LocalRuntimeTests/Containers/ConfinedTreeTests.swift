// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SandboxModels
import SnapshotEngine
import TestSupport
import Testing

@testable import LocalRuntime

/// Reading files of images that nobody vouches for. It needs root, for mounts.
@Suite("Reading beneath a root filesystem")
struct ConfinedTreeTests: ~Copyable {
    private let folder = "\(FileManager.default.temporaryDirectory.path)/stasis-tree-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ path: String, _ text: String) throws {
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(atPath: "\(folder)/\(parent)", withIntermediateDirectories: true)
        let made = FileManager.default.createFile(atPath: "\(folder)/\(path)", contents: .init(text.utf8))
        try #require(made)
    }

    private func link(_ path: String, to target: String) throws {
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(atPath: "\(folder)/\(parent)", withIntermediateDirectories: true)
        try #require(symlink(target, "\(folder)/\(path)") == 0)
    }

    private func text(_ path: String, in mount: SnapshotMount, limit: Int = 1000) throws -> String? {
        let tree = try ConfinedTree(snapshot: mount, mountPoint: "\(folder)/look")
        return try tree.contents(of: path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("links are followed within the tree and never out of it")
    func links() throws {
        try write("secret", "outside")
        try write("root/etc/real", "inside")
        try write("root/secret", "the tree's own")
        try link("root/etc/absolute", to: "/etc/real")
        try link("root/etc/relative", to: "../etc/./real")
        try link("root/etc/climbing", to: "../../../../secret")
        try link("root/etc/outside", to: "\(folder)/secret")
        try link("root/etc/loop", to: "loop")
        try link("root/etc/process", to: "/proc/self/environ")
        try link("root/alias", to: "etc")
        try link("root/etc/through", to: "/alias/absolute")
        let mount = SnapshotMount(type: "bind", source: "\(folder)/root", options: ["rbind"])

        for name in ["real", "absolute", "relative", "through"] {
            #expect(try text("/etc/\(name)", in: mount) == "inside", "\(name)")
        }
        #expect(try text("/alias/../etc/real", in: mount) == "inside")
        #expect(try text("/etc/climbing", in: mount) == "the tree's own")
        for path in ["/etc/outside", "/etc/process", "/etc/nothing", "/etc", "/", "", "/secret/x", "/../../etc/passwd"]
        {
            #expect(try text(path, in: mount) == nil, "\(path)")
        }
        #expect(throws: SandboxError.self) { try text("/etc/loop", in: mount) }
    }

    @Test("what is no regular file is never opened, and a large one is refused")
    func kinds() throws {
        try write("root/large", String(repeating: "x", count: 1001))
        try #require(mkfifo("\(folder)/root/fifo", 0o644) == 0)
        try #require(mknod("\(folder)/root/null", S_IFCHR | 0o666, 0x103) == 0)
        let mount = SnapshotMount(type: "bind", source: "\(folder)/root", options: [])
        #expect(try text("fifo", in: mount) == nil)
        #expect(try text("null", in: mount) == nil)
        let error = try #require(throws: SandboxError.self) { try text("large", in: mount) }
        #expect(error.message.contains("1000 bytes"))
        #expect(try text("large", in: mount, limit: 1001)?.count == 1001)
    }

    @Test("an overlay is seen as a container would see it, and nothing stays mounted")
    func overlay() throws {
        try write("a/etc/passwd", "lowest")
        try write("a/etc/group", "group")
        try write("a/etc/gone", "gone")
        try write("b:c/etc/passwd", "middle")
        try #require(mknod("\(folder)/b:c/etc/gone", S_IFCHR, 0) == 0)
        try write("upper/etc/own", "own")
        let mount = SnapshotMount(
            type: "overlay",
            source: "overlay",
            options: [
                "index=off", "workdir=\(folder)/work", "upperdir=\(folder)/upper",
                "lowerdir=\(folder)/b\\:c:\(folder)/a",
            ]
        )
        #expect(try text("/etc/passwd", in: mount) == "middle")
        #expect(try text("/etc/group", in: mount) == "group")
        #expect(try text("/etc/own", in: mount) == "own")
        #expect(try text("/etc/gone", in: mount) == nil)
        #expect(access("\(folder)/look", F_OK) != 0)
        #expect(!MountTable.lines().contains { $0.contains(folder) })
    }

    @Test("more layers than a page has room for the names of")
    func manyLayers() throws {
        let long = String(repeating: "n", count: 200)
        var lower: [String] = []
        for number in 0..<128 {
            try write("\(long)-\(number)/etc/layer\(number)", "\(number)")
            lower.append("\(folder)/\(long)-\(number)")
        }
        let mount = SnapshotMount(
            type: "overlay",
            source: "overlay",
            options: ["lowerdir=" + lower.joined(separator: ":")]
        )
        #expect(try text("/etc/layer0", in: mount) == "0")
        #expect(try text("/etc/layer127", in: mount) == "127")
    }

    @Test("a snapshotter of another kind is told apart")
    func otherSnapshotter() throws {
        let mount = SnapshotMount(type: "ext4", source: "/dev/mapper/x", options: [])
        let error = try #require(throws: SandboxError.self) { try text("/etc/passwd", in: mount) }
        #expect(error.message.contains("`ext4`"))
    }

    @Test("name servers that only the machine reaches are left out")
    func resolver() {
        let machine = """
            # made by something
            nameserver 127.0.0.53
            nameserver ::1
              ; another remark
            nameserver\t10.1.2.3
            search a.example b.example
            options edns0

            nameserver
            """
        #expect(
            SandboxFolder.resolver(from: machine)
                == "nameserver\t10.1.2.3\nsearch a.example b.example\noptions edns0\n"
        )
        #expect(SandboxFolder.resolver(from: "") == "")
    }
}
