// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
public import Logging
public import ServiceLifecycle

/// Gives the memory back that only a program's start has needed.
///
/// A start reads much of a program once: what the loader moves into place, what the language's runtime searches for
/// conformances, what reads a configuration and sets connections up. Those pages count as the process's until memory is
/// short. They are unmapped once it has started; what is used again comes back from the kernel's cache of the file.
public struct StartupMemory: Service {
    private let logger: Logger
    /// By then whatever a server reads at its start has been read.
    private let delay = Duration.seconds(10)

    /// Creates the service.
    public init(logger: Logger) { self.logger = logger }

    /// Waits until the start is over, gives its pages back, and then does nothing until it is told to stop.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await Task.sleep(for: delay) }
        } catch is CancellationError {
            return
        }
        // Whether it is told or not: a logger asks for what it tells only then.
        let kilobytes = Self.unmapUnchanged()
        logger.debug("unmapped what the start has read", metadata: ["kilobytes": "\(kilobytes)"])
        try await gracefulShutdown()
    }

    /// Unmaps what stands in files as it stands in memory.
    ///
    /// - Returns: How many kilobytes.
    static func unmapUnchanged() -> Int {
        // Without it nothing is wrong but that the process is larger.
        guard let file = fopen("/proc/self/smaps", "r") else { return 0 }
        defer { fclose(file) }
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = fread(&part, 1, part.count, file), count > 0 { text += part.prefix(count) }
        let mappings = FileMapping.unchanged(in: String(decoding: text, as: UTF8.self))
        return mappings.reduce(0) { kilobytes, mapping in
            let isUnmapped =
                madvise(UnsafeMutableRawPointer(bitPattern: mapping.start), mapping.count, MADV_DONTNEED) == 0
            return kilobytes + (isUnmapped ? mapping.resident : 0)
        }
    }
}

/// Memory that shows a part of a file.
struct FileMapping: Hashable {
    /// Its address.
    var start: UInt
    /// How many bytes.
    var count: Int
    /// How many kilobytes of it are in memory.
    var resident: Int

    /// Those that nobody can write into and nobody has: what they show stands in their files. A page that the loader has changed
    /// before it took the right to write away is in no file.
    ///
    /// - Parameter text: Linux's `smaps` of a process.
    static func unchanged(in text: String) -> [FileMapping] {
        var found: [FileMapping] = []
        var current: FileMapping?
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard let first = words.first else { continue }
            if !first.hasSuffix(":") {
                current = FileMapping(line: words)
            } else if words.count > 1, let kilobytes = Int(words[1]) {
                if first == "Rss:" { current?.resident = kilobytes }
                if first == "Anonymous:", kilobytes == 0, let mapping = current, mapping.resident > 0 {
                    found.append(mapping)
                }
            }
        }
        return found
    }

    /// Reads a mapping's first line: addresses, rights, offset, device, inode, path. Nil if it is not one of a file that
    /// can be read alone.
    private init?(line words: [Substring]) {
        let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard words.count > 5, words[5].hasPrefix("/"), ends.count == 2, ends[0] < ends[1],
            ["r-xp", "r--p"].contains(words[1])
        else { return nil }
        self.init(start: ends[0], count: Int(ends[1] - ends[0]), resident: 0)
    }

    init(start: UInt, count: Int, resident: Int) {
        self.start = start
        self.count = count
        self.resident = resident
    }
}
