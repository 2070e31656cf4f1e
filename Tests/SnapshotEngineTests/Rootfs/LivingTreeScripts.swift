// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Python programs that live in a tree while it is copied.
enum LivingTreeScripts {
    /// Fills a lower directory. Argument: the directory.
    static let lower = #"""
        import os, sys
        os.chdir(sys.argv[1])
        for d in range(6):
            os.makedirs(f"d{d}/sub/deep")
            for f in range(8):
                for where in ("", "/sub", "/sub/deep"):
                    with open(f"d{d}{where}/f{f}", "w") as out: out.write(f"lower {d} {f}\n" * (f + 1))
        """#

    /// Changes a tree at random, as a sandbox does. Arguments: the directory, a seed, the number of changes or 0 for "until
    /// the third argument's file is gone", that file.
    static let changes = #"""
        import mmap, os, random, shutil, socket, sys
        top, seed, count, flag = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
        r = random.Random(seed); os.chdir(top)
        known = ([], [])
        def look():
            global known
            known = (["."], [])
            for path, names, leaves in os.walk("."):
                known[0].extend(path + "/" + n for n in names if not os.path.islink(path + "/" + n))
                known[1].extend(path + "/" + n for n in leaves)
        def folders(): return known[0]
        def files(): return known[1]
        def new(): return r.choice(folders()) + "/" + r.choice("abcdefgh") + str(r.randrange(6))
        def regular():
            some = [f for f in files() if os.path.isfile(f) and not os.path.islink(f)]
            return r.choice(some)
        def write():
            with open(new(), "wb") as f: f.write(r.randbytes(r.choice([0, 10, 5000, 200_000])))
        def append():
            with open(regular(), "ab") as f: f.write(b"more %d\n" % r.randrange(1000))
        def overwrite():
            with open(regular(), "r+b") as f: f.write(b"over")
        def mapped():
            with open(regular(), "r+b") as f:
                if os.fstat(f.fileno()).st_size == 0: return
                with mmap.mmap(f.fileno(), 0) as m: m[r.randrange(len(m))] = r.randrange(256)
        def sparse():
            with open(new(), "wb") as f: f.truncate(r.randrange(1 << 20)); f.seek(300_000); f.write(b"x")
        def move(): os.rename(r.choice(files() + folders()[1:]), new())
        def unlink(): os.unlink(r.choice(files()))
        def link(): os.link(regular(), new())
        def symlink(): os.symlink(r.choice(files()), new())
        def mkdir(): os.mkdir(new())
        def rmtree():
            if r.random() < 0.3: shutil.rmtree(r.choice(folders()[1:]))
        def again():
            d = r.choice(folders()[1:]); shutil.rmtree(d); os.mkdir(d)
            with open(d + "/f0", "w") as f: f.write("again")
        def there_and_back():
            d = r.choice(folders()[1:]); e = d + "x"
            inside = [n for n in os.listdir(d)]
            os.rename(d, e); os.mkdir(d)
            for n in inside: os.rename(e + "/" + n, d + "/" + n)
            os.rmdir(e)
        def part_back():
            d = r.choice(folders()[1:]); e = new(); inside = os.listdir(d)
            os.rename(d, e); os.mkdir(d)
            if inside: n = r.choice(inside); os.rename(e + "/" + n, d + "/" + n)
        def swap():
            a, b = r.choice(folders()[1:]), r.choice(folders()[1:]); t = "swap%d" % r.randrange(9999)
            os.rename(a, t)
            try: os.rename(b, a)
            finally: os.rename(t, b if not os.path.exists(b) else a if not os.path.exists(a) else t + "s")
        def mode(): os.chmod(r.choice(files() + folders()), r.choice([0o600, 0o644, 0o755, 0o700]))
        def own(): os.chown(r.choice(files() + folders()), r.randrange(5), r.randrange(5), follow_symlinks=False)
        def attribute(): os.setxattr(regular(), "user." + r.choice("ab"), b"%d" % r.randrange(99))
        def times(): os.utime(r.choice(files()), ns=(0, r.randrange(2_000_000_000_000_000_000)), follow_symlinks=False)
        def unix():
            s = socket.socket(socket.AF_UNIX); s.bind(new()); s.close()
        def replace():
            p = r.choice(files()); os.unlink(p); os.mkdir(p)
            with open(p + "/in", "w") as f: f.write("in")
        def flatten():
            d = r.choice(folders()[1:]); shutil.rmtree(d)
            with open(d, "w") as f: f.write("flat")
        kinds = [write] * 5 + [append, overwrite, mapped] * 3 + [move] * 4 + [unlink] * 3 + [link, symlink, mkdir, rmtree, again] * 2 + \
            [sparse, there_and_back, part_back, swap, mode, own, attribute, times, unix, replace, flatten]
        done = failed = 0
        if not count: print("begun", flush=True)
        while (done < count) if count else os.path.exists(flag):
            # Looking takes long, so others are named as they were a moment ago.
            if done % 10 == 0: look()
            try: r.choice(kinds)()
            except (OSError, IndexError): failed += 1
            done += 1
        assert failed < done * 0.7, (failed, done)
        """#
}
