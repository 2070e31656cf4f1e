// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotEngine
import SnapshotProvider

import struct Foundation.Date
import class Foundation.JSONEncoder

/// Prints how far a capture is, as lines of JSON: at the beginning of every stage, and twice a second while bytes flow.
enum ProgressLines {
    private static let interval = Duration.milliseconds(500)
    /// How many lines may wait for somebody to read them; then the oldest are left out.
    private static let waitingLines = 256

    /// Prints for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - print: Prints a line.
    ///   - body: What is to be told of, with the meter that it keeps.
    static func printing<Result: Sendable>(
        to print: @escaping @Sendable (String) -> Void,
        _ body: @escaping @Sendable (CaptureMeter) async throws -> Result
    ) async throws -> Result {
        let (states, state) = AsyncStream.makeStream(
            of: SnapshotProgress.self,
            bufferingPolicy: .bufferingNewest(waitingLines)
        )
        let meter = CaptureMeter { state.yield($0) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                // Ends with the stream, not before: the last stages are told in any case.
                var last: SnapshotProgress?
                for await progress in states where progress != last {
                    print(line(progress, at: Date()))
                    last = progress
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: interval)
                    state.yield(meter.current)
                }
            }
            defer { state.finish() }
            return try await body(meter)
        }
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
