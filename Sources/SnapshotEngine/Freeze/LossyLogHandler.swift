// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging

import struct Foundation.Date

/// Writes log lines to a descriptor, and loses them rather than waiting: whoever reads them may have stopped, and a thaw
/// must not wait for that.
struct LossyLogHandler: LogHandler {
    /// What a pipe takes at once if it takes anything.
    private static let longestLine = 4096

    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    private let label: String
    private let descriptor: Int32

    init(label: String, descriptor: Int32) {
        self.label = label
        self.descriptor = descriptor
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
            .sorted { $0.key < $1.key }
            .map { " \($0.key)=\($0.value)" }
            .joined()
        let text = "\(Date().formatted(.iso8601)) \(event.level) \(label):\(fields) \(event.message)"
        var line = Array(text.utf8.prefix(Self.longestLine - 1))
        line.append(UInt8(ascii: "\n"))
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&request, 1, 0) == 1, request.revents & Int16(POLLOUT) != 0 else { return }
        _ = write(descriptor, line, line.count)
    }
}
