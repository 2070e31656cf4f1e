// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A program whose processes each count in shared memory as fast as they can: it shows whether one ran an instruction.
public struct SpinProgram: Sendable {
    /// The folder to mount at `/spin`: it has the program, and the counters while it runs.
    public let folder: String
    /// How many processes count.
    public let processes: Int

    /// Compiles it, without libraries, into a folder. Needs a C compiler.
    public init(folder: String, processes: Int) async throws {
        self.folder = folder
        self.processes = processes
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let source = "\(folder)/spin.c"
        try Self.source.write(toFile: source, atomically: true, encoding: .utf8)
        try await Command.run("cc", ["-O1", "-static", "-o", "\(folder)/spin", source])
    }

    /// The container's arguments.
    public var arguments: [String] { ["/spin/spin", "/spin/counters", String(processes)] }

    /// What the processes have counted so far; empty before they have begun.
    public func counters() throws -> [UInt64] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/counters"))
        return data.withUnsafeBytes { bytes in
            (0..<min(processes, bytes.count / 8)).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
        }
    }

    /// Returns when every process has counted.
    public func waitUntilAllCount() async throws {
        while (try? counters())?.filter({ $0 > 0 }).count != processes {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private static let source = """
        #include <fcntl.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            int count = atoi(argv[2]);
            int file = open(argv[1], O_RDWR | O_CREAT, 0644);
            if (file < 0 || ftruncate(file, count * 8L) != 0) return 1;
            volatile unsigned long *counters =
                mmap(0, count * 8L, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            // Whatever the other tests do comes first.
            nice(19);
            for (int i = 0; i < count; i++)
                if (fork() == 0)
                    for (;;) counters[i]++;
            for (;;) pause();
        }

        """
}
