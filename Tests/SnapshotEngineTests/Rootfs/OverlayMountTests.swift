// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SnapshotEngine

@Suite
struct OverlayMountTests {
    private static let line =
        "45 27 0:39 / /run/m\\040x rw,relatime shared:7 master:1 - overlay overlay "
        + "rw,lowerdir=/a/2/fs:/a/1/fs,upperdir=/a/3\\054x/fs,workdir=/a/3/work,index=off,volatile"

    @Test("a line of mountinfo")
    func mountInfoLine() throws {
        let mount = try OverlayMount(mountInfoLine: Self.line)
        #expect(mount.mountPoint == "/run/m x")
        #expect(mount.lowerDirectories == ["/a/2/fs", "/a/1/fs"])
        #expect(mount.upperDirectory == "/a/3,x/fs")
        #expect(mount.workDirectory == "/a/3/work")
        #expect(mount.options == ["rw", "index=off", "volatile"])
        #expect(mount.flags == ["rw", "relatime"])
        #expect(mount.value(of: "index") == "off")
        #expect(mount.value(of: "metacopy") == nil)
    }

    @Test(
        "lower directories in the spellings of several kernels",
        arguments: [
            ("lowerdir=/a\\134:b:/c", ["/a:b", "/c"]),
            ("lowerdir=/a\\072b:/c", ["/a:b", "/c"]),
            ("lowerdir=/a\\134\\134:/c", ["/a\\", "/c"]),
            ("lowerdir+=/a:b,lowerdir+=/c", ["/a:b", "/c"]),
            ("lowerdir=12/fs:11/fs", ["12/fs", "11/fs"]),
            ("lowerdir=/\\303\\244\\040\\054", ["/ä ,"]),
        ]
    )
    func lowerDirectories(options: String, expected: [String]) throws {
        let mount = try OverlayMount(
            mountInfoLine: "1 2 0:3 / / rw - overlay overlay rw,\(options),upperdir=/u,workdir=/w"
        )
        #expect(mount.lowerDirectories == expected)
    }

    @Test("the commas in a context of SELinux do not end an option")
    func quotedContext() throws {
        let context = "context=\"system_u:object_r:container_file_t:s0:c1,c2\""
        let mount = try OverlayMount(
            mountInfoLine:
                "1 2 0:3 / / rw - overlay overlay rw,\(context),lowerdir=/a\"b,upperdir=/u\"v,workdir=/w,index=off"
        )
        #expect(mount.options == ["rw", context, "index=off"])
        #expect(mount.upperDirectory == "/u\"v")
        let open = try OverlayMount(
            mountInfoLine: "1 2 0:3 / / rw - overlay overlay rw,context=\"a,lowerdir=/a,upperdir=/u,workdir=/w"
        )
        #expect(open.options == ["rw", "context=\"a"])
    }

    @Test("fuse-overlayfs is no overlay of the kernel's")
    func fuse() {
        let line =
            "155 135 0:39 / / rw,nodev,noatime - fuse.fuse-overlayfs fuse-overlayfs "
            + "rw,user_id=0,group_id=0,default_permissions,allow_other"
        #expect(throws: RootfsError.notOverlay(mountPoint: "/", found: "fuse.fuse-overlayfs")) {
            try OverlayMount(at: "/", mountInfo: Array(line.utf8))
        }
    }

    @Test("data-only lower directories are told apart")
    func dataDirectories() throws {
        let mount = try OverlayMount(options: ["lowerdir=/a:/b::/c::/d", "upperdir=/u", "workdir=/w"])
        #expect(mount.lowerDirectories == ["/a", "/b"])
        #expect(mount.dataDirectories == ["/c", "/d"])
    }

    @Test("the options that containerd's snapshotter answers")
    func snapshotterOptions() throws {
        let mount = try OverlayMount(options: [
            "index=off", "workdir=/s/9/work", "upperdir=/s/9/fs", "lowerdir=/s/2\\:x/fs:/s/1\\\\/fs",
        ])
        #expect(mount.mountPoint == nil)
        #expect(mount.lowerDirectories == ["/s/2:x/fs", "/s/1\\/fs"])
        #expect(mount.upperDirectory == "/s/9/fs")
        #expect(mount.options == ["index=off"])
    }

    @Test(
        "malformed lines are refused",
        arguments: [
            "", "x", "-", " - ", "45 27 0:39 / /m rw - overlay overlay",
            "45 27 0:39 / /m rw - overlay",
            "45 27 0:39 / /m rw - overlay overlay rw,upperdir=/u,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a,upperdir=/u",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a,upperdir=u,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=,upperdir=/u,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a,upperdir=/u,upperdir=/v,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a,lowerdir=/b,upperdir=/u,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a,upperdir=/u\\04,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a,upperdir=/u\\0+7,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a,upperdir=/u\\777,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a,upperdir=/u\\377,workdir=/w",
            "45 27 0:39 / /m rw - overlay overlay rw,lowerdir=/a\\134,upperdir=/u,workdir=/w",
            "45 27 0:39 /part /m rw - overlay overlay rw,lowerdir=/a,upperdir=/u,workdir=/w",
        ]
    )
    func malformed(line: String) {
        #expect {
            try OverlayMount(mountInfoLine: line)
        } throws: {
            if case RootfsError.malformedMount = $0 { true } else { false }
        }
    }

    @Test("every cut of a good line is refused or read, never a crash")
    func cuts() {
        for count in 0..<Self.line.count {
            _ = try? OverlayMount(mountInfoLine: String(Self.line.prefix(count)))
            _ = try? OverlayMount(mountInfoLine: String(Self.line.dropFirst(count)))
        }
    }

    @Test("of several mounts at one place the last counts; other lines may hold anything")
    func lastMount() throws {
        let text =
            Array("1 2 0:3 / / rw - ext4 /dev/sda rw\n9 9 0:1 / /x\\777 bad\n".utf8.filter { $0 != 0x37 })
            + Array("5 2 0:3 / /\u{e9} rw - ext4 x rw\n\n".utf8) + [0xff, 0x0a]
            + Array("\(Self.line.replacing("/run/m\\040x", with: "/"))\n".utf8)
        #expect(try OverlayMount(at: "/", mountInfo: text).lowerDirectories.count == 2)
        #expect(throws: RootfsError.notOverlay(mountPoint: "/é", found: "ext4")) {
            try OverlayMount(at: "/é", mountInfo: text)
        }
        #expect(throws: RootfsError.notOverlay(mountPoint: "/none", found: nil)) {
            try OverlayMount(at: "/none", mountInfo: text)
        }
    }

    @Test("what this kernel shows of a mount is what it was given")
    func live() throws {
        let folder = try ScratchFolder()
        for name in ["a:b,c", "d e", "upper", "work", "merged"] { try folder.makeFolder(name) }
        let lower = folder["a\\:b\\,c"] + ":" + folder["d e"]
        try SystemTool.run(
            "mount",
            "-t",
            "overlay",
            "overlay",
            "-o",
            "lowerdir=\(lower),upperdir=\(folder["upper"]),workdir=\(folder["work"])",
            folder["merged"]
        )
        defer { _ = try? SystemTool.run("umount", folder["merged"]) }
        let mount = try OverlayMount(
            at: folder["merged"],
            mountInfo: SystemCall.contents(of: "/proc/self/mountinfo")
        )
        #expect(mount.lowerDirectories == [folder["a:b,c"], folder["d e"]])
        #expect(mount.upperDirectory == folder["upper"])
    }
}
