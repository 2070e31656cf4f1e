// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotEngine
import SnapshotProvider

import struct Foundation.Date
import class Foundation.JSONEncoder

/// Prints how far a capture is, as lines of JSON: at every change of stage, and twice a second while bytes flow.
struct ProgressLines: Sendable {
    private static let interval = Duration.milliseconds(500)

    let meter: CaptureMeter
    let print: @Sendable (String) -> Void

    /// Prints until the task is cancelled.
    func run() async {
        var last: SnapshotProgress?
        while !Task.isCancelled {
            last = printChange(since: last)
            try? await Task.sleep(for: Self.interval)
        }
        _ = printChange(since: last)
    }

    private func printChange(since last: SnapshotProgress?) -> SnapshotProgress {
        let current = meter.current
        if current != last {
            print(Self.line(current, at: Date()))
        }
        return current
    }

    static func line(_ progress: SnapshotProgress, at time: Date) -> String {
        struct Line: Encodable {
            var time: String
            var stage: String
            var bytesRead: Int64
            var bytesWritten: Int64
            var bytesTotal: Int64?
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Line(
            time: time.formatted(.iso8601),
            stage: progress.stage,
            bytesRead: progress.bytesRead,
            bytesWritten: progress.bytesWritten,
            bytesTotal: progress.bytesTotal
        )
        // Strings and integers can always be encoded.
        return (try? encoder.encode(line)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
