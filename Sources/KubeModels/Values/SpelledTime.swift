// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// A point in time as its author spelled it, with any offset and fraction: for what others write and nobody may change.
///
/// Two are equal when they are spelled alike.
public struct SpelledTime: Sendable, Hashable {
    /// The spelling.
    public let text: String
    private let time: MicroTime

    /// Reads RFC 3339 with any offset and fraction.
    public init?(_ text: String) {
        guard let time = MicroTime(text) else { return nil }
        self.text = text
        self.time = time
    }

    /// Spells a point in time in microseconds.
    public init(_ date: Date) {
        time = MicroTime(date)
        text = time.description
    }

    /// The point in time; what is less than a microsecond is dropped.
    public var date: Date { time.date }
}

extension SpelledTime: CustomStringConvertible {
    /// The spelling.
    public var description: String { text }
}

extension SpelledTime: JSONConvertible {
    /// Reads a string.
    public init(from reader: inout JSONReader) throws(JSONError) {
        let error = reader.error("is no time of RFC 3339")
        guard let time = SpelledTime(try reader.readString()) else { throw error }
        self = time
    }
    /// Writes a string.
    public func write(to writer: inout JSONWriter) { writer.write(text) }
}
