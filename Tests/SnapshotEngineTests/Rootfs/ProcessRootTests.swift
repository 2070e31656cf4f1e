// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import SnapshotEngine

/// What a process has as its root, against what its snapshot says.
@Suite
struct ProcessRootTests {
    private func fixture() throws -> OverlayFixture {
        let overlay = try OverlayFixture()
        try RootedProcess.furnish(overlay.lower)
        try overlay.folder.makeFolder("lower/sub")
        return overlay
    }

    private func snapshot(_ overlay: OverlayFixture) throws -> OverlayMount {
        try OverlayMount(options: ["lowerdir=\(overlay.lower)", "upperdir=\(overlay.upper)", "workdir=\(overlay.work)"])
    }

    /// Checks a process, with another one's snapshot if that is given.
    private func verify(
        _ overlay: OverlayFixture,
        root: String? = nil,
        before: String = "",
        after: String = "",
        snapshot other: OverlayMount? = nil
    ) throws -> OverlayMount {
        var verified: OverlayMount?
        let expected = try other ?? snapshot(overlay)
        try RootedProcess.with(root: root ?? overlay.merged, before: before, after: after) { process in
            verified = try OverlayCheck.current().verify(process: process, snapshot: expected)
        }
        return try #require(verified)
    }

    @Test("the snapshot's mount is right, also with mounts inside and a relative spelling of the layers")
    func right() throws {
        let overlay = try fixture()
        try overlay.mount()
        let verified = try verify(overlay, before: "mount --bind '\(overlay.folder.path)' '\(overlay.merged)/sub'")
        #expect(verified.mountPoint == "/")
        #expect(verified.upperDirectory == overlay.upper)
        #expect(verified.lowerDirectories == [overlay.lower])
        // What is mounted inside is not part of it.
        let summary = try LayerWriter(mount: verified).write(toFile: overlay.folder["layer"])
        #expect(summary.counts.files == 0)
        try overlay.unmount()

        let lowers = overlay.folder["lower"].split(separator: "/").last.map(String.init) ?? ""
        let mounting = """
            cd '\(overlay.folder.path)'
            mount -t overlay overlay -o 'lowerdir=\(lowers),upperdir=\(overlay.upper),workdir=\(overlay.work)' merged
            """
        #expect(try verify(overlay, before: mounting).lowerDirectories == [overlay.lower])
    }

    @Test("a process that writes all the time does not make its root look like another")
    func busyRoot() throws {
        let overlay = try fixture()
        try overlay.mount()
        let writer = "(while kill -0 $$; do busybox touch /x; busybox rm /x; done) 2>/dev/null &"
        try RootedProcess.with(root: overlay.merged, after: writer + " true") { process in
            for _ in 0..<200 {
                _ = try OverlayCheck.current().verify(process: process, snapshot: try snapshot(overlay))
            }
        }
    }

    @Test("another upper directory")
    func otherUpper() throws {
        let overlay = try fixture()
        try overlay.mount()
        var other = try snapshot(overlay)
        other.upperDirectory = overlay.lower
        #expect(throws: RootfsError.unsuitable(.otherUpper(live: overlay.upper, expected: overlay.lower))) {
            try verify(overlay, snapshot: other)
        }
    }

    @Test("a second overlay over the root")
    func coveredRoot() throws {
        let overlay = try fixture()
        try overlay.mount()
        for name in ["upper2", "work2"] { try overlay.folder.makeFolder(name) }
        let options =
            "lowerdir=\(overlay.lower),upperdir=\(overlay.folder["upper2"]),workdir=\(overlay.folder["work2"])"
        let covering =
            "busybox mount -t overlay overlay -o \(options.replacing(overlay.folder.path, with: "/old" + overlay.folder.path)) /"
        #expect {
            _ = try verify(overlay, after: covering)
        } throws: {
            guard case RootfsError.unsuitable(.otherUpper(let live, _)) = $0 else { return false }
            return live.hasSuffix("/upper2")
        }
    }

    @Test("another mount as the root: no overlay, or a part of the right one")
    func otherMount() throws {
        let overlay = try fixture()
        try overlay.mount()
        let memory =
            "mount -t tmpfs none '\(overlay.work)'; cp /bin/busybox '\(overlay.work)'; mkdir '\(overlay.work)/old'"
        #expect(throws: RootfsError.notOverlay(mountPoint: "/", found: "tmpfs")) {
            try verify(overlay, root: overlay.work, before: memory)
        }
        let part =
            "cp /bin/busybox '\(overlay.merged)/sub'; mkdir '\(overlay.merged)/sub/old'; cd '\(overlay.merged)'; mount --bind sub sub"
        #expect(throws: RootfsError.malformedMount(reason: "only a part of the overlay is mounted at /")) {
            try verify(overlay, root: overlay.merged + "/sub", before: part)
        }
    }

    @Test("the right upper directory over other layers")
    func otherLower() throws {
        let overlay = try fixture()
        let other = try overlay.folder.makeFolder("other")
        try RootedProcess.furnish(other)
        try overlay.mount(lowers: "lowerdir=\(other)")
        #expect(throws: RootfsError.unsuitable(.otherLower(live: [other], expected: [overlay.lower]))) {
            try verify(overlay)
        }
        try overlay.unmount()
        try overlay.mount(lowers: "lowerdir=\(overlay.lower):\(other)")
        #expect(throws: RootfsError.unsuitable(.otherLower(live: [overlay.lower, other], expected: [overlay.lower]))) {
            try verify(overlay)
        }
    }

    @Test("a mount that names the right upper directory and has another one")
    func falseName() throws {
        let overlay = try fixture()
        // In the mounter's namespace the whole folder is another one, with the same names in it.
        let other = try ScratchFolder()
        for name in ["lower", "upper", "work", "merged"] { try other.makeFolder(name) }
        try RootedProcess.furnish(other["lower"])
        let before = """
            mount --bind '\(other.path)' '\(overlay.folder.path)'; cd /
            mount -t overlay overlay -o 'lowerdir=\(overlay.lower),upperdir=\(overlay.upper),workdir=\(overlay.work)' '\(overlay.merged)'
            """
        #expect(throws: RootfsError.unsuitable(.otherRoot(upper: overlay.upper))) {
            try verify(overlay, before: before)
        }
    }

    @Test("a user namespace of its own")
    func userNamespace() throws {
        let overlay = try fixture()
        try overlay.mount()
        #expect(throws: RootfsError.unsuitable(.userNamespace)) {
            try verify(
                overlay,
                after: "busybox mkdir -p /proc; busybox mount -t proc proc /proc; "
                    + "exec busybox unshare -U -r busybox sh -c \"busybox echo ready; exec busybox cat\""
            )
        }
    }

    @Test("an upper directory that is mounted with other owners")
    func idMapped() throws {
        let overlay = try fixture()
        try overlay.folder.makeFolder("store/upper")
        try overlay.folder.makeFolder("store/work")
        try overlay.folder.makeFolder("mapped")
        try SystemTool.run("chown", "-R", "100000:100000", overlay.folder["store"])
        let answer = try SystemTool.python(Self.mapOwners, overlay.folder["store"], overlay.folder["mapped"])
        if answer.hasPrefix("not here") { return }
        defer { _ = try? SystemTool.run("umount", overlay.folder["mapped"]) }
        let mapped = overlay.folder["mapped"]
        let mounting = """
            mount -t overlay overlay -o 'lowerdir=\(overlay.lower),upperdir=\(mapped)/upper,workdir=\(mapped)/work' '\(overlay.merged)'
            echo x >'\(overlay.merged)/new'
            """
        var expected = try snapshot(overlay)
        expected.upperDirectory = overlay.folder["store/upper"]
        #expect(throws: RootfsError.unsuitable(.idMapped)) {
            try verify(overlay, before: mounting, snapshot: expected)
        }
        // This is what would have gone into the layer: what the container has as root's is not.
        #expect(try SystemTool.run("stat", "-c", "%u", overlay.folder["store/upper/new"]) == "100000\n")
    }

    /// Mounts a folder at another place so that what is 100000's on the disk is root's there. Arguments: folder, place.
    /// Prints `not here` where the kernel or the filesystem cannot do it.
    private static let mapOwners = #"""
        import ctypes, errno, os, signal, sys
        libc = ctypes.CDLL(None, use_errno=True)
        class Attributes(ctypes.Structure): _fields_ = [(n, ctypes.c_uint64) for n in ("set", "clear", "propagation", "namespace")]
        def call(*arguments):
            value = libc.syscall(*arguments)
            if value < 0:
                code = ctypes.get_errno()
                if code in (errno.ENOSYS, errno.EINVAL, errno.EPERM): print("not here", os.strerror(code)); sys.exit()
                raise OSError(code, os.strerror(code), arguments[0])
            return value
        open_tree, move_mount, mount_setattr = 428, 429, 442
        read, write = os.pipe(); child = os.fork()
        if child == 0:
            try: libc.unshare(0x10000000); os.write(write, b"x"); os.close(write); signal.pause()
            finally: os._exit(0)
        try:
            os.read(read, 1)
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/{child}/{name}", "w") as f: f.write("100000 0 65536")
            namespace = os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
        finally: os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
        tree = call(open_tree, -100, sys.argv[1].encode(), 1 | os.O_CLOEXEC)
        attributes = Attributes(0x00100000, 0, 0, namespace)
        call(mount_setattr, tree, b"", 0x1000, ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes)))
        call(move_mount, tree, b"", -100, sys.argv[2].encode(), 4)
        """#
}
