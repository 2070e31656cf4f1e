// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SnapshotEngine

/// Packs a folder into layers that nobody takes, in a process of its own: how long that takes, and how much memory.
///
///     measure-walk FOLDER [PASSES [THREADS]]
///
/// Packs the folder once, or with a number of passes the first time as a tree that lives and then what has changed
/// since, so many times; with a number of threads for the comparison, or none for a walk that compares by itself. Prints a line a pass and one for the memory at its highest, all as `name=value`.
@main
struct MeasureWalk {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let folder = arguments.first, let passes = Int(arguments.dropFirst().first ?? "0") else {
            throw CocoaError(.formatting)
        }
        var writer = LayerWriter(upperDirectory: folder)
        if let threads = arguments.dropFirst(2).first.flatMap({ Int($0) }) { writer.comparing.threads = threads }
        writer.pass = passes == 0 ? .whole : .living
        let first = try measure("first", writer)
        for _ in 0..<passes {
            guard let record = first.record else { throw CocoaError(.formatting) }
            writer.pass = .changes(since: record)
            _ = try measure("changes", writer)
        }
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let highest = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?.split(separator: " ")
        print("record=\(first.record?.size ?? 0) kilobytes=\(highest?.dropFirst().first ?? "?")")
    }

    private static func measure(_ name: String, _ writer: LayerWriter) throws -> LayerSummary {
        let clock = ContinuousClock()
        let start = clock.now
        let summary = try writer.write { _ in }
        let took = (clock.now - start) / .microseconds(1)
        print("\(name) entries=\(summary.counts.entries) microseconds=\(Int(took)) tar=\(summary.uncompressedSize)")
        return summary
    }
}
