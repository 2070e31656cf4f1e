// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import SnapshotEngine

/// A tree with everything in it, changed five times: what container runtimes unpack is what the sandbox saw, after one
/// commit, after five stacked ones, and after these were merged. It needs root.
@Suite
struct GoldenStackTests {
    /// Further changes to the golden tree. Arguments: the mount point, the number of the commit, and `containerd` for a path
    /// of 4,001 bytes, which umoci does not unpack.
    private static let further = #"""
        import os, shutil, socket, stat, subprocess, sys
        os.chdir(sys.argv[1]); step = int(sys.argv[2])
        def file(path, content=b""):
            with open(path, "wb") as f: f.write(content)
        def deep(count, name):
            here = os.open(".", os.O_RDONLY)
            for i in range(count):
                part = "%02d-" % i + name * 197
                try: os.mkdir(part, dir_fd=here)
                except FileExistsError: pass
                here = os.open(part, os.O_RDONLY, dir_fd=here)
            return here
        file("step-%d" % step, b"%d" % step)
        if step == 2:
            # The first name of a file goes, the others stay; of another, one goes that is not the first.
            os.unlink("etc/h-3"); os.unlink("etc/hosts.link"); os.unlink("fifo"); os.unlink("s-1")
            shutil.rmtree("opaque"); os.mkdir("opaque"); file("opaque/second", b"2")
            shutil.rmtree("chain"); os.unlink("was-folder"); os.mkdir("was-folder"); file("was-folder/again", b"again")
            shutil.rmtree("was-file"); file("was-file", b"a file again")
            os.setxattr("acl", "user.more", b"1"); os.removexattr("var", "user.folder")
            if sys.argv[3] == "containerd":
                # The kernel takes 4,095 bytes, and an unpacker's own folder stands in front.
                here = deep(19, "p"); os.close(os.open("n" * (4001 - 19 * 201), os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=here))
            os.mkdir("run-app"); socket.socket(socket.AF_UNIX).bind("run-app/socket")
        if step == 3:
            os.makedirs("new/sub"); file("new/sub/a", b"a"); os.link("new/sub/a", "new/b"); os.link("new/b", "z-c")
            os.mknod("new/zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5)); os.link("new/zero", "zero-2")
            file("capable", b"\x7fELF2"); subprocess.check_call(["setcap", "cap_net_admin+ep", "capable"])
            shutil.rmtree("was-folder"); file("was-folder", b"a file for good"); os.unlink("deleted-folder") if os.path.islink("deleted-folder") else None
            os.mkdir("deleted-folder"); file("deleted-folder/other", b"other")
            subprocess.check_call(["mv", "var/lib", "var-lib"])
            with open("sparse", "r+b") as f: f.seek(8_000_000); f.write(b"end")
        if step == 4:
            os.unlink("new/sub/a"); os.unlink("new/zero"); shutil.rmtree("opaque"); shutil.rmtree("untouched")
            os.makedirs("untouched/now"); os.chmod("etc", 0o2750); os.chown("etc/group", 5, 6)
            subprocess.check_call([b"mv", b"folder\xfe", b"folder\xfd"]); os.unlink("bad-target"); os.symlink(b"other\xfe", "bad-target")
            subprocess.check_call(["setfacl", "-m", "u:77:r", "new"]); os.utime("made-and-renamed", ns=(0, 1_400_000_000_000_000_007))
        if step == 5:
            shutil.rmtree("new/sub"); subprocess.check_call(["mv", "new/b", "renamed-b"]); os.rmdir("deleted-folder") if not os.listdir("deleted-folder") else shutil.rmtree("deleted-folder")
            os.mkdir("opaque"); file("opaque/last", b"5"); os.unlink("h-1"); file("h-1", b"not linked any more")
            shutil.rmtree("untouched"); os.chmod(".", 0o755)
        """#

    @Test("what is unpacked is what the sandbox saw", arguments: Unpacker.allCases)
    func golden(unpacker: Unpacker) async throws {
        let stack = try StackFixture(prepare: GoldenScripts.lower)
        try stack.capture { try SystemTool.python(GoldenScripts.changes, $0) }
        try await check(stack, "one", stack.layers, unpacker)
        for step in 2...5 {
            let change: (String) throws -> Void = { root in
                try SystemTool.python(Self.further, root, "\(step)", unpacker.rawValue)
            }
            if step == 3 { try stack.capture({ _ in }, then: change) } else { try stack.capture(change) }
        }
        #expect(stack.layers.count >= 5)
        try await check(stack, "five", stack.layers, unpacker)
        let merged = try await stack.merge(stack.layers)
        try await check(stack, "merged", [merged], unpacker)
        #expect(unpacker == .umoci || merged.summary.counts.longestPath == 4001)
        // And with others above what was merged.
        let lower = try await stack.merge(Array(stack.layers.prefix(3)))
        let again = try await stack.merge([lower] + stack.layers.dropFirst(3))
        try await check(stack, "again", [again], unpacker)
    }

    enum Unpacker: String, CaseIterable {
        case containerd
        case umoci
    }

    /// Unpacks the base with layers on top, and compares.
    private func check(
        _ stack: StackFixture,
        _ name: String,
        _ layers: [StackFixture.Layer],
        _ unpacker: Unpacker
    ) async throws {
        let view = try stack.mountView(of: stack.lower, "view-\(name)")
        let layout = try stack.layout(layers)
        switch unpacker {
        case .umoci:
            let bundle = stack.folder["bundle-\(name)"]
            try SystemTool.run("umoci", "unpack", "--image", "\(layout):latest", bundle)
            compare(view, bundle + "/rootfs", "umoci, \(name)", unpacker)
        case .containerd:
            let daemon = try await ContainerdDaemon.shared()
            let (archive, target) = (stack.folder["\(name).tar"], try stack.folder.makeFolder("mounted-\(name)"))
            let image = "stasis.test/golden-\(UInt32.random(in: 0 ... .max))"
            try SystemTool.run("tar", "-C", layout, "-cf", archive, ".")
            try await daemon.ctr("images", "import", "--base-name", image, archive)
            try await daemon.ctr("images", "mount", "\(image):latest", target)
            compare(view, target, "containerd, \(name)", unpacker)
            try await daemon.ctr("images", "unmount", "--rm", target)
            try await daemon.ctr("images", "rm", "--sync", "\(image):latest")
        }
    }

    private func compare(_ expected: String, _ actual: String, _ comment: String, _ unpacker: Unpacker) {
        do {
            let count = try SystemTool.python(GoldenScripts.compare, expected, actual, unpacker.rawValue)
            #expect(Int(count.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 > 80)
        } catch {
            Issue.record("\(comment): \(error)")
        }
    }
}
