// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging

import struct Foundation.Date

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Writes a line for each message to standard error: time, level, label, metadata, source, message.
///
/// Values that could be taken for something else (with spaces, quotes, control characters) are written as JSON strings, so
/// that nobody who chooses a value chooses what the log says. A line is one write: lines do not mix, and none is lost when
/// the process ends.
public struct LineLogHandler: LogHandler {
    private let label: String
    private let descriptor: Int32
    /// The least severe messages that are written.
    public var logLevel = Logger.Level.info
    /// What stands in every line.
    public var metadata: Logger.Metadata = [:]
    /// What else stands in every line.
    public var metadataProvider: Logger.MetadataProvider?

    /// Creates a handler.
    ///
    /// - Parameter descriptor: What is written to; standard error if nothing is said.
    public init(label: String, descriptor: Int32 = 2) {
        self.label = label
        self.descriptor = descriptor
    }

    /// One entry of what stands in every line.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a message.
    public func log(event: LogEvent) {
        var line = LogLine(label: label, level: event.level)
        var entries: [(key: String, value: Logger.Metadata.Value)] = []
        entries.reserveCapacity(metadata.count + (event.metadata?.count ?? 0) + 1)
        let own = event.metadata ?? [:]
        for entry in metadata where own[entry.key] == nil { entries.append(entry) }
        for entry in metadataProvider?.get() ?? [:] where own[entry.key] == nil && metadata[entry.key] == nil {
            entries.append(entry)
        }
        entries.append(contentsOf: own.lazy.map { ($0.key, $0.value) })
        if let error = event.error { entries.append(("error.message", "\(error)")) }
        entries.sort { $0.key < $1.key }
        for (key, value) in entries { line.add(key, value) }
        line.end(source: event.source, message: event.message)
        line.write(to: descriptor)
    }
}

/// A line that is being made.
private struct LogLine {
    private var text = JSONText(reserving: 512)

    init(label: String, level: Logger.Level) {
        text.raw(Date().rfc3339.utf8)
        text.raw(" ")
        text.raw(level.rawValue.utf8)
        text.raw(" ")
        text.raw(label.utf8)
        text.raw(":")
    }

    mutating func add(_ key: String, _ value: Logger.Metadata.Value) {
        text.raw(" ")
        text.raw(key.utf8)
        text.raw("=")
        switch value {
        case .string(let string): add(string)
        case .stringConvertible(let convertible): add(convertible.description)
        case .array, .dictionary: add(value.description)
        }
    }

    private mutating func add(_ value: String) {
        let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != 0x7F }
        if isPlain, !value.isEmpty { text.raw(value.utf8) } else { text.string(value) }
    }

    mutating func end(source: String, message: Logger.Message) {
        text.raw(" [")
        text.raw(source.utf8)
        text.raw("] ")
        // A message is a sentence, but may have something in it that somebody else chose.
        text.raw(message.description.utf8.lazy.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 })
        text.raw("\n")
    }

    func write(to descriptor: Int32) {
        text.bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = writeOut(descriptor, part.baseAddress, part.count)
                // Where nothing can be written, nothing can be said about it.
                guard count > 0 || errno == EINTR else { return }
                rest = rest.dropFirst(max(count, 0))
            }
        }
    }
}

private func writeOut(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
