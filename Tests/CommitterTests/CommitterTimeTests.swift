// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport
import Testing

/// Time that passes while nothing else can happen, and time that jumps.
@Suite("A commit and the time")
struct CommitterTimeTests {
    @Test("thaws when containerd comes back that was stopped during the freeze and beyond its deadline")
    func containerdStopped() async throws {
        try await ContainerdDaemon.with { daemon in
            try await CommitterPod.with(daemon, megabytes: CommitterPod.tooMuchToWait) { pod in
                let text = try String(contentsOfFile: "\(daemon.folder)/containerd.pid", encoding: .utf8)
                let pid = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
                let ending = try await pod.commitHeld(["STASIS_FREEZE_SECONDS": "2"]) { _ in
                    Glibc.kill(pid, SIGSTOP)
                    // There is nothing to wait for but the time.
                    try await Task.sleep(for: .seconds(3))
                    #expect(pod.areFrozen)
                    Glibc.kill(pid, SIGCONT)
                    try await pod.waitUntilThawed()
                }
                #expect(ending.exitStatus == 1)
                #expect(ending.terminationLog.contains("FreezeLost"), "\(ending.terminationLog)")
                try await CommitterPod.eventually { try await pod.freezes().isEmpty }
                let again = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)")
                #expect(again.exitStatus == 0, "\(again.errors)")
            }
        }
    }

    @Test("goes on when containerd was stopped for a while within the deadline")
    func containerdPaused() async throws {
        try await ContainerdDaemon.with { daemon in
            try await CommitterPod.with(daemon, megabytes: CommitterPod.tooMuchToWait) { pod in
                let text = try String(contentsOfFile: "\(daemon.folder)/containerd.pid", encoding: .utf8)
                let pid = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
                let ending = try await pod.commitHeld { _ in
                    Glibc.kill(pid, SIGSTOP)
                    // What is left to read and to ask meets a containerd that does not answer.
                    pod.holding.release()
                    try await Task.sleep(for: .seconds(2))
                    #expect(pod.areFrozen)
                    Glibc.kill(pid, SIGCONT)
                }
                #expect(ending.exitStatus == 0, "\(ending.errors)")
                #expect(!pod.isAnyFrozen)
            }
        }
    }

    @Test("keeps the deadline of the freeze when the clock is set", arguments: [-7200, 7200])
    func clockJumps(seconds: Int) async throws {
        try await CommitterPod.with(megabytes: CommitterPod.tooMuchToWait) { pod in
            let clock = try await SettableClock(folder: "\(pod.daemon.folder)/clock-\(pod.name)")
            // Set back, the deadline must not be two hours later; set forward, it must not have passed.
            let limit = seconds < 0 ? "3" : "600"
            let environment = clock.environment.merging(["STASIS_FREEZE_SECONDS": limit]) { $1 }
            let ending = try await pod.commitHeld(environment) { _ in
                try clock.set(forwardBy: seconds)
                if seconds < 0 {
                    try await pod.waitUntilThawed()
                } else {
                    // There is nothing to wait for but the time.
                    try await Task.sleep(for: .seconds(2))
                    #expect(pod.areFrozen)
                }
            }
            #expect(ending.exitStatus == (seconds < 0 ? 1 : 0), "\(ending.errors)")
            #expect(!pod.isAnyFrozen)
        }
    }
}

/// The time of day as some programs see it: a library that is loaded into them adds to it.
private struct SettableClock {
    let environment: [String: String]
    private let file: String

    init(folder: String) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        file = "\(folder)/offset"
        try Data(count: 8).write(to: URL(fileURLWithPath: file))
        try Self.source.write(toFile: "\(folder)/clock.c", atomically: true, encoding: .utf8)
        try await Command.run(
            "cc",
            ["-shared", "-fPIC", "-O1", "-o", "\(folder)/clock.so", "\(folder)/clock.c", "-ldl"]
        )
        environment = ["LD_PRELOAD": "\(folder)/clock.so", "STASIS_CLOCK": file]
    }

    func set(forwardBy seconds: Int) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
        defer { try? handle.close() }
        try handle.write(contentsOf: withUnsafeBytes(of: Int64(seconds)) { Data($0) })
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/time.h>
        #include <time.h>
        static volatile int64_t *offset;
        __attribute__((constructor)) static void begin(void) {
            int file = open(getenv("STASIS_CLOCK"), O_RDONLY | O_CLOEXEC);
            void *page = mmap(0, 4096, PROT_READ, MAP_SHARED, file, 0);
            if (page != MAP_FAILED) offset = page;
        }
        int clock_gettime(clockid_t clock, struct timespec *now) {
            int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(clock, now);
            if (offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset;
            return result;
        }
        int gettimeofday(struct timeval *now, void *zone) {
            struct timespec time;
            clock_gettime(CLOCK_REALTIME, &time);
            now->tv_sec = time.tv_sec;
            now->tv_usec = time.tv_nsec / 1000;
            return 0;
        }
        time_t time(time_t *now) {
            struct timespec time;
            clock_gettime(CLOCK_REALTIME, &time);
            if (now) *now = time.tv_sec;
            return time.tv_sec;
        }

        """
}
