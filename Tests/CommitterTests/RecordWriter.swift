// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// A program that changes files all the time, so that one can tell afterwards whether a copy of them is one instant.
///
/// Its nth operation follows from n alone: it appends a record to a file (which is rotated when it is full), changes a slot
/// of a file through a mapping, moves a file between two folders, or replaces a file by renaming. So the number of operations
/// determines every byte, but for the operation that is being carried out: a copy is an instant if there is a number that
/// explains all of it.
enum RecordWriter {
    /// Compiles it, without libraries, into a folder. Needs a C compiler.
    static func make(in folder: String) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try program.write(toFile: "\(folder)/writer.c", atomically: true, encoding: .utf8)
        try await Command.run("cc", ["-O1", "-static", "-o", "\(folder)/writer", "\(folder)/writer.c"])
    }

    /// Reads images from a registry and explains them.
    ///
    /// - Parameter references: The images, in the order in which they were captured.
    /// - Returns: The number of operations in each.
    /// - Throws: `Command.Failure` if one of them is no instant, with what cannot be explained.
    static func explain(_ references: [String]) async throws -> [Int] {
        let output = try await Command.run("python3", ["-c", RegistryReader.module + checker] + references)
        return output.split(separator: "\n").compactMap { Int($0) }
    }

    /// Arguments: a folder. Two processes take turns, so that what is frozen first is not always the same.
    private static let program = #"""
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/stat.h>
        #include <time.h>
        #include <unistd.h>

        enum { FILES = 6, RECORDS = 512, MAPS = 2, SLOTS = 2048, PAIRS = 4, CURRENT = 3 };
        struct record { uint64_t number, place, check, end; };
        struct shared { _Atomic uint64_t turn; uint64_t count[FILES], moved[PAIRS]; };

        static uint64_t mix(uint64_t x) {
            x += 0x9e3779b97f4a7c15u;
            x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
            x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
            return x ^ (x >> 31);
        }
        static struct record make(uint64_t n, uint64_t place) {
            return (struct record){n, place, mix(n ^ mix(place)), ~n};
        }
        static void fail(const char *what) { perror(what); _exit(1); }
        static void put(const char *path, int flags, struct record record) {
            int file = open(path, O_WRONLY | O_CREAT | flags, 0644);
            if (file < 0 || write(file, &record, sizeof record) != sizeof record) fail(path);
            close(file);
        }

        int main(int argc, char **argv) {
            if (argc < 2 || chdir(argv[1])) fail("folder");
            mkdir("left", 0755); mkdir("right", 0755);
            struct record *maps[MAPS];
            char a[64], b[64];
            for (int m = 0; m < MAPS; m++) {
                sprintf(a, "map%d", m);
                int file = open(a, O_RDWR | O_CREAT, 0644);
                if (file < 0 || ftruncate(file, SLOTS * sizeof(struct record))) fail(a);
                maps[m] = mmap(0, SLOTS * sizeof(struct record), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
                if (maps[m] == MAP_FAILED) fail(a);
            }
            for (int p = 0; p < PAIRS; p++) {
                sprintf(a, "left/pair%d", p);
                put(a, 0, make(0, p));
            }
            struct shared *shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            if (shared == MAP_FAILED) fail("shared");
            put("ready", 0, make(0, 0));
            unsigned self = fork() == 0;
            for (;;) {
                // Two operations each, then it is the other one's turn.
                uint64_t n = shared->turn + 1;
                if (n / 2 % 2 != self) {
                    nanosleep(&(struct timespec){0, 50000}, 0);
                    continue;
                }
                uint64_t h = mix(n), kind = h % 8;
                if (kind < 4) {
                    int f = h >> 8 & 0xffff, i = f % FILES;
                    sprintf(a, "log%d", i);
                    if (shared->count[i] == RECORDS) {
                        sprintf(b, "log%d.old", i);
                        if (rename(a, b)) fail(a);
                        shared->count[i] = 0;
                    }
                    put(a, O_APPEND, make(n, i));
                    shared->count[i]++;
                } else if (kind < 6) {
                    int m = (h >> 8 & 0xffff) % MAPS, slot = (h >> 24 & 0xffff) % SLOTS;
                    struct record record = make(n, m * SLOTS + slot);
                    volatile uint64_t *to = (volatile uint64_t *)&maps[m][slot];
                    to[0] = record.number; to[1] = record.place; to[2] = record.check; to[3] = record.end;
                } else if (kind == 6) {
                    int p = (h >> 8 & 0xffff) % PAIRS;
                    sprintf(a, "%s/pair%d", shared->moved[p] % 2 ? "right" : "left", p);
                    sprintf(b, "%s/pair%d", shared->moved[p] % 2 ? "left" : "right", p);
                    if (rename(a, b)) fail(a);
                    shared->moved[p]++;
                } else {
                    int c = (h >> 8 & 0xffff) % CURRENT;
                    sprintf(a, "current%d.new", c); sprintf(b, "current%d", c);
                    put(a, O_TRUNC, make(n, c));
                    if (rename(a, b)) fail(a);
                }
                shared->turn = n;
            }
        }

        """#

    private static let checker = #"""

        import struct
        FILES, RECORDS, MAPS, SLOTS, PAIRS, CURRENT = 6, 512, 2, 2048, 4, 3
        MASK = (1 << 64) - 1
        def mix(x):
            x = (x + 0x9e3779b97f4a7c15) & MASK
            x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9 & MASK
            x = (x ^ (x >> 27)) * 0x94d049bb133111eb & MASK
            return x ^ (x >> 31)
        def record(n, place): return struct.pack("<4Q", n, place, mix(n ^ mix(place)), ~n & MASK)

        class State:
            """All files after n operations."""
            def __init__(self):
                self.n = 0
                self.logs, self.old = [[] for _ in range(FILES)], [None] * FILES
                self.maps = [bytearray(SLOTS * 32) for _ in range(MAPS)]
                self.moved, self.current = [0] * PAIRS, [None] * CURRENT
            def step(self):
                self.n += 1
                n, h = self.n, mix(self.n)
                kind, low = h % 8, h >> 8 & 0xffff
                if kind < 4:
                    i = low % FILES
                    if len(self.logs[i]) == RECORDS: self.old[i], self.logs[i] = self.logs[i], []
                    self.logs[i].append(n)
                elif kind < 6:
                    m, slot = low % MAPS, (h >> 24 & 0xffff) % SLOTS
                    self.maps[m][slot * 32:slot * 32 + 32] = record(n, m * SLOTS + slot)
                elif kind == 6: self.moved[low % PAIRS] += 1
                else: self.current[low % CURRENT] = n
            def next(self):
                """The operation after this state: what it is about."""
                h = mix(self.n + 1)
                kind, low = h % 8, h >> 8 & 0xffff
                if kind < 4: return "log", low % FILES
                if kind < 6: return "map", low % MAPS, (h >> 24 & 0xffff) % SLOTS
                return ("pair", low % PAIRS) if kind == 6 else ("current", low % CURRENT)
            def pair(self, p): return f"{'right' if self.moved[p] % 2 else 'left'}/pair{p}"

        def numbers(data, place):
            assert len(data) % 32 == 0, f"a torn record: {len(data)} bytes"
            found = [struct.unpack_from("<Q", data, at)[0] for at in range(0, len(data), 32)]
            for at, n in enumerate(found): assert data[at * 32:at * 32 + 32] == record(n, place), f"a bad record for {n}"
            return found

        def difference(state, files):
            """What of the files the state does not explain, but for the operation after it; None if all is explained."""
            after = state.next()
            for i in range(FILES):
                old, log = files.get(f"log{i}.old"), files.get(f"log{i}")
                if (old or None) != (state.old[i] or None) or (log or []) != state.logs[i]:
                    rotated = after == ("log", i) and len(state.logs[i]) == RECORDS and old == state.logs[i] and not log
                    if not rotated: return f"log{i}"
            for m in range(MAPS):
                data, expected = bytearray(files[f"map{m}"]), state.maps[m]
                if data != expected and after[:2] == ("map", m):
                    # Some words of the slot may be there already.
                    coming = record(state.n + 1, m * SLOTS + after[2])
                    for word in range(0, 32, 8):
                        at = after[2] * 32 + word
                        if data[at:at + 8] == coming[word:word + 8]: data[at:at + 8] = expected[at:at + 8]
                if data != expected: return f"map{m}"
            for p in range(PAIRS):
                there = [name for name in (f"left/pair{p}", f"right/pair{p}") if name in files]
                if there != [state.pair(p)]: return f"{there} instead of {state.pair(p)}"
            for c in range(CURRENT):
                if files.get(f"current{c}") != (state.current[c] and [state.current[c]]): return f"current{c}"
                fresh = files.get(f"current{c}.new")
                if fresh is not None and not (after == ("current", c) and fresh in ([], [state.n + 1])): return f"current{c}.new"
            return None

        def parse(tree, folder="data/"):
            files = {}
            for path, (kind, data) in tree.items():
                if not path.startswith(folder) or kind != "file": continue
                name = path[len(folder):]
                if name.startswith("map"):
                    assert len(data) == SLOTS * 32
                    files[name] = data
                elif name.startswith(("log", "current")):
                    place = int(name.removeprefix("log").removeprefix("current").split(".")[0])
                    files[name] = numbers(data, place)
                elif "/pair" in name: files[name] = numbers(data, int(name[-1]))
            return files

        state = State()
        for reference in sys.argv[1:]:
            files = parse(read(reference))
            last = max([n for name, found in files.items() if name.startswith(("log", "current")) for n in found] + [0])
            assert last >= state.n, f"{reference} is older than the one before: {last} after {state.n}"
            while state.n < last - 1: state.step()
            # The last complete record is of the last operation or of the one that was about to end, and moves and slots that
            # came after it leave no number.
            wrong = difference(state, files) if state.n else "nothing"
            tries = []
            while wrong is not None:
                tries.append(f"{state.n}: {wrong}")
                assert state.n < last + 400 and len(tries) < 500, f"{reference} is no instant: {tries[:3]} ... {tries[-3:]}"
                state.step()
                wrong = difference(state, files)
            print(state.n)
        """#
}
