// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Programs that build a tree with everything in it, and look at the result with other eyes than the code under test.
enum GoldenScripts {
    /// Fills a lower directory: what the image has. Argument: the directory.
    static let lower = #"""
        import os, sys
        os.chdir(sys.argv[1])
        def file(path, content=b"", mode=0o644):
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with open(path, "wb") as f: f.write(content)
            os.chmod(path, mode)
        file("etc/passwd", b"root:x:0:0\n"); file("etc/group", b"root:x:0\n")
        file("etc/hosts", b"127.0.0.1\n"); os.link("etc/hosts", "etc/hosts.link")
        file("usr/bin/tool", b"#!tool\n", 0o4755); file("usr/bin/other", b"other\n", 0o755)
        file("var/lib/data/a", b"a"); file("var/lib/data/sub/c", b"c")
        file("was-folder/x", b"x"); file("was-folder/y/z", b"z"); file("was-file", b"f")
        file("opaque/old", b"old"); file("opaque/old-folder/deep", b"deep")
        file("deleted", b"gone"); file("deleted-folder/x", b"gone")
        file("linked-1", b"linked"); os.link("linked-1", "linked-2"); os.link("linked-1", "var/linked-3")
        file("untouched/file", b"same"); file("attributes-removed", b"x")
        os.setxattr("attributes-removed", "user.old", b"1")
        file("renamed-from", b"renamed"); file("moved/one", b"1"); file("moved/two/three", b"3")
        file("n" * 255, b"long"); os.symlink("etc/passwd", "link"); os.symlink("x", "link-to-folder")
        for d, _, files in os.walk("."):
            for f in files: os.utime(os.path.join(d, f), ns=(0, 1_000_000_000_123_456_789), follow_symlinks=False)
        for d, _, _ in os.walk(".", topdown=False): os.utime(d, ns=(0, 1_000_000_001_000_000_001))
        """#

    /// Changes what is mounted above it, as programs in a container would. Arguments: the mount point, and `deep` to make
    /// paths longer than the kernel takes in one piece.
    static let changes = #"""
        import os, random, shutil, socket, stat, subprocess, sys
        os.chdir(sys.argv[1])
        random.seed(7)
        def file(path, content=b"", mode=0o644):
            with open(path, "wb") as f: f.write(content)
            os.chmod(path, mode)
        with open("etc/passwd", "ab") as f: f.write(b"u:x:1000:1000\n")
        os.unlink("deleted"); shutil.rmtree("deleted-folder"); os.unlink("n" * 255)
        shutil.rmtree("was-folder"); file("was-folder", b"now a file")
        os.unlink("was-file"); os.makedirs("was-file/now/a/folder"); file("was-file/x", b"x")
        shutil.rmtree("opaque"); os.mkdir("opaque"); file("opaque/new", b"new")
        os.mkdir("opaque/old-folder"); file("opaque/old-folder/other", b"other")
        os.rename("renamed-from", "renamed-to"); subprocess.check_call(["mv", "moved", "moved-away"])
        os.mkdir("made"); file("made/x", b"x"); os.rename("made", "made-and-renamed")
        os.unlink("link-to-folder"); os.mkdir("link-to-folder"); file("link-to-folder/x")
        os.chmod("usr/bin/other", 0o2711); os.chmod("var/lib", 0o1777); os.chown("var/lib/data/a", 1000, 1000)
        os.chown("usr/bin/tool", 3_000_000_000, 2_097_152); os.chmod("usr/bin/tool", 0o6755)
        # Hard links: to a file of the image, among new files, of things that are no regular files.
        os.link("linked-1", "linked-new"); open("etc/hosts", "ab").write(b"::1\n")
        file("h-1", b"hard"); os.link("h-1", "var/h-2"); os.link("h-1", "etc/h-3")
        os.symlink("h-1", "s-1"); os.link("s-1", "var/s-2", follow_symlinks=False)
        os.mkfifo("fifo", 0o620); os.link("fifo", "fifo-2")
        os.mknod("null", 0o666 | stat.S_IFCHR, os.makedev(1, 3)); os.mknod("loop", 0o600 | stat.S_IFBLK, os.makedev(7, 200))
        os.mknod("large", 0o600 | stat.S_IFCHR, os.makedev(4095, 1048575))
        socket.socket(socket.AF_UNIX).bind("socket")
        # Attributes.
        os.setxattr("h-1", "user.text", b"v"); os.setxattr("h-1", "user.binary", b"\0\n=\xff\0")
        os.setxattr("var", "user.folder", b"x" * 2000)
        os.setxattr("etc/group", "user.added", b"1"); os.removexattr("attributes-removed", "user.old")
        os.setxattr("h-1", "trusted.private", b"no"); os.setxattr("h-1", "user.a=b", b"no")
        file("capable", b"\x7fELF", 0o755); subprocess.check_call(["setcap", "cap_net_raw+ep", "capable"])
        file("acl", b"acl", 0o640); subprocess.check_call(["setfacl", "-m", "u:1234:rwx,g:77:r", "acl"])
        os.mkdir("acl-folder"); subprocess.check_call(["setfacl", "-d", "-m", "u:1234:rx", "acl-folder"])
        # Contents around the sizes of blocks, and holes.
        for size in (0, 1, 511, 512, 513, 1 << 20, (1 << 20) + 17, 3_000_000): file("size-%d" % size, random.randbytes(size))
        with open("sparse", "wb") as f:
            f.seek(2_500_000); f.write(b"middle"); f.seek(4_000_000); f.write(random.randbytes(300_000)); f.truncate(9_000_001)
        with open("hole", "wb") as f: f.truncate(5_000_000)
        # Names.
        names = [b"x" * 255, b"y" * 100, b"z" * 101, b"bad\xff\xfename", b"new\nline", b" blank ", b"-dash", b"back\\slash",
            "\u00fcn\u00efc\u00f6de".encode(), ("\u2603" * 85).encode(), b"PaxHeaders", b"wh.x", b"..data", b"\x01\x7f", b"=", b"\xff" * 255]
        for name in names:
            with open(name, "wb") as f: f.write(name)
        os.mkdir(b"folder\xfe"); open(b"folder\xfe/in", "wb").close(); os.mkdir("f" * 200)
        os.symlink(b"target\xff\n", "bad-target"); os.symlink("t" * 4000, "long-target"); os.link(b"bad\xff\xfename", b"var/bad\xfe")
        os.makedirs("chain/" + "/".join("d" * 150)); path = "chain"
        for _ in range(150): file(path + "/z", path.encode()); path += "/d"
        if len(sys.argv) > 2:
            # Go's archive/tar takes an empty PAX value for none, so no unpacker in Go restores this.
            os.setxattr("h-1", "user.empty", b"")
            top = here = os.open(".", os.O_RDONLY)
            for i in range(23):
                name = "%02d-" % i + "p" * 200
                os.mkdir(name, dir_fd=here); here = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=here)); os.link("bottom", "link", src_dir_fd=here, dst_dir_fd=here)
            os.symlink("nowhere", "symlink", dir_fd=here); os.setxattr("/proc/self/fd/%d" % here, "user.deep", b"1")
        # Times.
        def time(path, ns): os.utime(path, ns=(0, ns), follow_symlinks=False)
        time("h-1", 1_700_000_000_123_456_789); time("fifo", 1_500_000_000_000_000_001); time("s-1", 1_234_567_890_100_000_000)
        file("before", b""); time("before", -1_500_000_000); file("long-before", b""); time("long-before", -1_000_000_000_000_000_001)
        file("whole-before", b""); time("whole-before", -5_000_000_000)
        file("far", b""); time("far", 9_000_000_000_500_000_000); file("whole", b""); time("whole", 1_600_000_000_000_000_000)
        time("opaque", 1_111_111_111_222_222_222); time("var", 1_222_222_222_333_333_333)
        os.chmod(".", 0o711); os.setxattr(".", "user.root", b"r")
        """#

    /// Applies a layer to a directory, by the OCI image specification, with Python's tarfile. Arguments: layer, directory, and
    /// `overlay` to leave the marks in an empty directory that overlayfs has for what is gone.
    static let apply = #"""
        import os, shutil, stat, sys, tarfile
        from decimal import Decimal
        root = os.open(sys.argv[2], os.O_RDONLY | os.O_DIRECTORY)
        def parent(path):
            parts = path.split(b"/"); here = os.dup(root)
            for part in parts[:-1]:
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here); os.close(here); here = below
            return here, parts[-1]
        def status(folder, name):
            try: return os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError: return None
        def remove(folder, name):
            found = status(folder, name)
            if found is None: return
            if stat.S_ISDIR(found.st_mode): shutil.rmtree(os.fsdecode(name), dir_fd=folder)
            else: os.unlink(name, dir_fd=folder)
        def carried(handle):
            return [n for n in os.listxattr(handle) if not n.startswith("trusted.") and n != "security.selinux"]
        folders = []; seen = set(); overlay = sys.argv[3:] == ["overlay"]
        archive = tarfile.open(sys.argv[1], "r:*", encoding="utf-8", errors="surrogateescape")
        for m in archive:
            name = os.fsencode(m.name)
            assert name not in seen, name
            seen.add(name)
            assert m.uname == "" and m.gname == "" and "atime" not in m.pax_headers and "ctime" not in m.pax_headers
            try: name.decode(); os.fsencode(m.linkname).decode()
            except UnicodeDecodeError: assert m.pax_headers["hdrcharset"] == "BINARY"
            folder, last = parent(name)
            if last == b".wh..wh..opq":
                assert folders[-1][0] == os.path.dirname(name), "an opaque mark must follow its directory"
                if overlay: os.setxattr(folder, "trusted.overlay.opaque", b"y")
                for child in os.listdir(folder): remove(folder, os.fsencode(child))
                continue
            if last.startswith(b".wh."):
                if overlay: os.mknod(last[4:], stat.S_IFCHR, 0, dir_fd=folder)
                else: remove(folder, last[4:])
                continue
            found = status(folder, last)
            if found is not None and not (m.isdir() and stat.S_ISDIR(found.st_mode)): remove(folder, last); found = None
            if m.isdir():
                if found is None: os.mkdir(last, dir_fd=folder)
                folders.append((name, m))
            elif m.islnk():
                target, target_last = parent(os.fsencode(m.linkname))
                os.link(target_last, last, src_dir_fd=target, dst_dir_fd=folder, follow_symlinks=False)
            elif m.issym(): os.symlink(os.fsencode(m.linkname), last, dir_fd=folder)
            elif m.isfifo(): os.mkfifo(last, dir_fd=folder)
            elif m.ischr() or m.isblk():
                os.mknod(last, (stat.S_IFCHR if m.ischr() else stat.S_IFBLK) | 0o600, os.makedev(m.devmajor, m.devminor), dir_fd=folder)
            else:
                assert m.isreg()
                with os.fdopen(os.open(last, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=folder), "wb") as f:
                    shutil.copyfileobj(archive.extractfile(m), f)
            os.chown(last, m.uid, m.gid, dir_fd=folder, follow_symlinks=False)
            opened = os.open(last, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder); handle = "/proc/self/fd/%d" % opened
            wanted = {k[13:]: v.encode("utf-8", "surrogateescape") for k, v in m.pax_headers.items() if k.startswith("SCHILY.xattr.")}
            if not stat.S_ISLNK(status(folder, last).st_mode):
                for n in carried(handle):
                    if n not in wanted: os.removexattr(handle, n)
                for n, v in wanted.items(): os.setxattr(handle, n, v)
                os.chmod(handle, m.mode)
            os.close(opened)
            ns = int(Decimal(m.pax_headers.get("mtime", str(m.mtime))) * 1_000_000_000)
            os.utime(last, ns=(0, ns), dir_fd=folder, follow_symlinks=False)
            os.close(folder)
        for name, m in reversed(folders):
            folder, last = parent(name)
            ns = int(Decimal(m.pax_headers.get("mtime", str(m.mtime))) * 1_000_000_000)
            os.utime(last, ns=(0, ns), dir_fd=folder, follow_symlinks=False)
        """#

    /// Compares two trees: names, kinds, modes, owners, contents, links, times to the nanosecond, attributes. Prints the
    /// number of entries, or the differences. Arguments: expected, actual, and `containerd` if it has unpacked the actual one:
    /// it leaves the root directory itself alone, and knows no time before 1970.
    static let compare = #"""
        import hashlib, os, stat, sys
        def attributes(handle):
            names = [n for n in os.listxattr(handle) if not n.startswith("trusted.") and n != "security.selinux" and "=" not in n]
            return {n: os.getxattr(handle, n) for n in names}
        def scan(folder, prefix, found, links):
            for name in sorted(os.fsencode(n) for n in os.listdir(folder)):
                path = prefix + name
                opened = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder); st = os.fstat(opened); kind = stat.S_IFMT(st.st_mode)
                if kind == stat.S_IFSOCK: continue
                entry = {"mode": oct(st.st_mode), "owner": (st.st_uid, st.st_gid), "mtime": st.st_mtime_ns}
                if kind != stat.S_IFLNK: entry["attributes"] = attributes("/proc/self/fd/%d" % opened)
                if kind == stat.S_IFREG:
                    with open("/proc/self/fd/%d" % opened, "rb") as f: entry["content"] = hashlib.sha256(f.read()).hexdigest()
                if kind == stat.S_IFLNK: entry["target"] = os.readlink(name, dir_fd=folder)
                if kind in (stat.S_IFCHR, stat.S_IFBLK): entry["device"] = st.st_rdev
                if kind != stat.S_IFDIR: links.setdefault((st.st_dev, st.st_ino), []).append(path)
                found[path] = entry
                if kind == stat.S_IFDIR:
                    below = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder); scan(below, path + b"/", found, links); os.close(below)
                os.close(opened)
        def tree(path):
            found, links = {}, {}
            root = os.open(path, os.O_RDONLY)
            scan(root, b"", found, links)
            for group in links.values():
                if len(group) > 1:
                    for name in group: found[name]["links"] = group
            st = os.fstat(root)
            found[b"."] = {"mode": oct(st.st_mode), "owner": (st.st_uid, st.st_gid), "attributes": attributes(path)}
            if sys.argv[3:] == ["containerd"]:
                del found[b"."]
                for entry in found.values(): entry["mtime"] = max(0, entry["mtime"])
            return found
        sys.setrecursionlimit(10000)
        expected, actual = tree(sys.argv[1]), tree(sys.argv[2]); differences = 0
        for path in sorted(set(expected) | set(actual)):
            a, b = expected.get(path), actual.get(path)
            if a != b:
                differences += 1
                keys = sorted(set(a or {}) | set(b or {}))
                print(path[-120:], {k: ((a or {}).get(k), (b or {}).get(k)) for k in keys if (a or {}).get(k) != (b or {}).get(k)})
        if differences: sys.exit("%d differences" % differences)
        print(len(expected))
        """#

    /// Makes an image layout of layers. Arguments: the layout's folder, then for each layer: file, diff ID, digest.
    static let layout = #"""
        import hashlib, json, os, sys
        folder, rest = sys.argv[1], sys.argv[2:]
        blobs = folder + "/blobs/sha256"; os.makedirs(blobs)
        def put(data):
            digest = hashlib.sha256(data).hexdigest()
            with open(blobs + "/" + digest, "wb") as f: f.write(data)
            return {"digest": "sha256:" + digest, "size": len(data)}
        layers, diffs = [], []
        for path, diff, digest in zip(rest[0::3], rest[1::3], rest[2::3]):
            with open(path, "rb") as f: layers.append({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **put(f.read())})
            assert layers[-1]["digest"] == digest, (layers[-1], digest)
            diffs.append(diff)
        config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diffs}}
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **put(json.dumps(config).encode())}, "layers": layers}
        index = {"schemaVersion": 2, "manifests": [{"mediaType": manifest["mediaType"], **put(json.dumps(manifest).encode()),
            "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}
        with open(folder + "/index.json", "w") as f: json.dump(index, f)
        with open(folder + "/oci-layout", "w") as f: json.dump({"imageLayoutVersion": "1.0.0"}, f)
        """#
}
