// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SnapshotEngine

/// Trees that nobody thought of: an image and the changes to it are drawn by chance, the same ones for the same seed.
@Suite
struct RandomTreeTests {
    @Test("what tarfile unpacks is what the overlay showed, whatever was done to it", arguments: 1...6)
    func mergedTree(seed: Int) throws {
        let overlay = try OverlayFixture()
        try SystemTool.python(Self.changes, overlay.lower, "\(seed)", "120")
        try overlay.mount()
        let done = try SystemTool.python(Self.changes, overlay.merged, "\(seed + 1000)", "250")
        let layer = overlay.folder["layer.tar.gz"]
        let summary = try LayerWriter(mount: overlay.live()).write(toFile: layer)
        #expect(summary.counts.entries > 10 && summary.counts.whiteouts + summary.counts.opaqueDirectories > 0)

        try SystemTool.run("cp", "-a", overlay.lower, overlay.folder["applied"])
        do {
            try SystemTool.python(GoldenScripts.apply, layer, overlay.folder["applied"])
            try SystemTool.python(GoldenScripts.compare, overlay.merged, overlay.folder["applied"])
        } catch {
            Issue.record("seed \(seed): \(error)\nafter \(done)")
        }
    }

    /// Programs that unpack a layer over a folder as it is: not one of them knows of whiteouts, so there are none.
    @Test(
        "what GNU tar and bsdtar unpack is what there was",
        arguments: 11...14,
        [
            "tar --numeric-owner --xattrs --xattrs-include='*' -xpf",
            "bsdtar --numeric-owner --xattrs --acls -xpf",
        ]
    )
    func otherReaders(seed: Int, reader: String) throws {
        let folder = try ScratchFolder()
        for name in ["t", "applied"] { try folder.makeFolder(name) }
        try SystemTool.python(Self.changes, folder["t"], "\(seed)", "300")
        var writer = LayerWriter(upperDirectory: folder["t"])
        writer.options.root = .include
        let summary = try writer.write(toFile: folder["layer"])
        #expect(summary.counts.entries > 10 && summary.counts.whiteouts == 0)
        try SystemTool.run("sh", "-ec", "cd '\(folder["applied"])'; LC_ALL=C.UTF-8 \(reader) '\(folder["layer"])'")
        do {
            // bsdtar restores no list of access that is an attribute, and nothing that stands beside one.
            let looks = reader.hasPrefix("bsdtar") ? "import os; os.listxattr = lambda path: []\n" : ""
            try SystemTool.python(looks + GoldenScripts.compare, folder["t"], folder["applied"])
        } catch {
            Issue.record("seed \(seed): \(error)")
        }
    }

    /// Does things to a tree by chance. Arguments: the directory, the seed, how many things,
    /// and the latest second of a time. Prints which it did.
    static let changes = #"""
        import errno, os, random, shutil, stat, struct, subprocess, sys
        os.chdir(sys.argv[1])
        chance = random.Random(int(sys.argv[2])); number = int(sys.argv[2]) * 1000
        latest = int(sys.argv[4]) if len(sys.argv) > 4 else 2 ** 63
        def name():
            global number
            number += 1
            kind = chance.randrange(9); tail = b"%d" % number
            if kind == 0: return chance.randbytes(chance.randrange(1, 40)).replace(b"/", b"|").replace(b"\0", b"0").replace(b".wh", b"xwh") + tail
            if kind == 1: return (b"%c" % chance.choice(b"abc\xff\n")) * (255 - len(tail)) + tail
            if kind == 2: return "n\u00e4\u2603me ".encode() + tail + b"\n"
            if kind == 3: return chance.choice([b"-", b"=", b" ", b"\\", b"wh.", b"..", b"%"]) + tail
            return b"name" + tail
        def entries(wanted):
            found = [b"."] if wanted == "folder" else []
            for folder, folders, files in os.walk(b"."):
                found += [folder + b"/" + f for f in (folders if wanted == "folder" else files)]
                if wanted == "any": found += [folder + b"/" + f for f in folders]
            if wanted == "file": found = [f for f in found if stat.S_ISREG(os.lstat(f).st_mode)]
            return sorted(f for f in found if wanted != "folder" or not os.path.islink(f))
        def some(wanted):
            found = entries(wanted)
            return chance.choice(found) if found else None
        def new():
            return some("folder") + b"/" + name()
        def fill(path, mode="wb"):
            with open(path, mode) as f:
                for _ in range(chance.randrange(3)):
                    if chance.random() < 0.2: f.seek(chance.choice([4096, 70_000, 3_000_000]), os.SEEK_CUR)
                    f.write(chance.randbytes(chance.choice([1, 17, 511, 512, 513, 4096, 10_240, 150_000])))
                if chance.random() < 0.03: f.write(chance.randbytes((1 << 20) + chance.choice([-512, -1, 0, 1, 512])))
                if chance.random() < 0.1: f.truncate(f.tell() + chance.choice([1, 512, 5_000_000]))
        def remove(path):
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        def touch(path):
            whole = chance.choice([0, 1, 10 ** 9, 1_700_000_000, 4_000_000_000, 8_589_934_592, 15_000_000_000, -1, -1_000_000_000, -2_147_483_648])
            whole = min(whole, latest)
            os.utime(path, ns=(0, whole * 10 ** 9 + chance.choice([0, 0, 1, 999_999_999, 123_456_789])), follow_symlinks=False)
        def make_file(): path = new(); fill(path); os.chmod(path, chance.choice([0o644, 0o4755, 0o2711, 0o1600, 0, 0o7777]))
        def make_folder(): path = new(); os.mkdir(path); os.chmod(path, chance.choice([0o755, 0o1777, 0o2770, 0o700]))
        def make_deep():
            path = some("folder")
            for _ in range(chance.randrange(20)):
                path += b"/" + b"d" * chance.choice([1, 60, 120])
                if len(path) > 2000: return
                if not os.path.isdir(path): os.mkdir(path)
            fill(path + b"/" + name())
        def make_symlink(): os.symlink(chance.choice([b"target", b"/etc/\xff\n", b"t" * 300, some("any") or b"."]), new())
        def make_link():
            old = some("any")
            if old and not (os.path.isdir(old) and not os.path.islink(old)): os.link(old, new(), follow_symlinks=False)
        def make_special():
            kind = chance.choice([stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK])
            os.mknod(new(), kind | 0o640, os.makedev(chance.choice([1, 7, 300, 4095]), chance.choice([1, 255, 256, 1_000_000])))
        def change_file():
            path = some("file")
            if path: fill(path, chance.choice(["wb", "ab", "r+b"]))
        def change_mode():
            path = some("any")
            if path and not os.path.islink(path): os.chmod(path, chance.choice([0o600, 0o755, 0o6755, 0o1777]))
        def change_owner():
            path = some("any")
            if path: os.chown(path, chance.choice([0, 1000, 2_097_152, 4_000_000_000]), chance.choice([0, 5, 2_097_151]), follow_symlinks=False)
        def change_time():
            path = some("any")
            if path: touch(path)
        def change_attribute():
            path = chance.choice([some("file"), some("folder")])
            if path and path != b".": os.setxattr(path, b"user." + chance.choice([b"a", b"b c", b"\xc3\xa4", b"n" * 200]), chance.randbytes(chance.choice([1, 30, 900])))
        def change_rights():
            path = some("file")
            if path: os.setxattr(path, b"security.capability", struct.pack("<5I", 0x02000001, chance.getrandbits(20), 0, 0, 0))
        def change_list():
            path = chance.choice([some("file"), some("folder")])
            if path: subprocess.run([b"setfacl", *([b"-d"] if os.path.isdir(path) and chance.random() < 0.5 else []), b"-m",
                b"u:%d:r,g:%d:rwx" % (chance.randrange(9000), chance.randrange(9000)), b"--", path], check=True)
        def drop():
            path = some("any")
            if path and chance.random() < 0.7: remove(path)
        def replace():
            path = some("any")
            if not path: return
            remove(path)
            if chance.random() < 0.5: fill(path)
            else: os.mkdir(path); fill(path + b"/" + name())
        def move():
            path = some("any"); target = new()
            if path and not (target + b"/").startswith(path + b"/"): subprocess.run([b"mv", b"--", path, target], stderr=subprocess.DEVNULL)
        deeds = [make_file] * 5 + [make_folder] * 4 + [make_deep, make_symlink, make_link, make_link, make_special, change_file, change_file,
            change_mode, change_owner, change_time, change_attribute, change_attribute, change_rights, change_list, drop, drop, replace, move]
        for _ in range(int(sys.argv[3])):
            deed = chance.choice(deeds)
            try: deed(); print(deed.__name__, end=" ")
            except OSError as error:
                # A path may get too long or end at a file, or attributes get too large.
                if error.errno not in (errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ENOSPC, errno.E2BIG, errno.ERANGE): raise
        for path in entries("any"):
            if chance.random() < 0.1: touch(path)
        """#
}
