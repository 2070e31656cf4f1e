// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// A point in time in whole seconds, as most of Kubernetes writes it: `2026-11-21T17:57:05Z` (`metav1.Time`).
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Seconds since the beginning of 1970, in UTC and without leap seconds.
    public var seconds: Int64

    /// Creates a point in time.
    public init(seconds: Int64) { self.seconds = seconds }

    /// The second that a point in time is in.
    public init(_ date: Date) { seconds = Int64(date.timeIntervalSince1970.rounded(.down)) }

    /// Reads RFC 3339 with any offset. A fraction of a second is dropped.
    public init?(_ text: String) {
        guard let time = RFC3339(text) else { return nil }
        seconds = time.seconds
    }

    /// The same for Foundation.
    public var date: Date { Date(timeIntervalSince1970: Double(seconds)) }

    /// The earlier one is less.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.seconds < right.seconds }
}

extension Timestamp: CustomStringConvertible {
    /// `2026-11-21T17:57:05Z`.
    public var description: String { RFC3339(seconds: seconds, nanoseconds: 0).text(digits: 0) }
}

extension Timestamp: JSONConvertible {
    /// Reads a string.
    public init(from reader: inout JSONReader) throws(JSONError) {
        seconds = try RFC3339(from: &reader).seconds
    }
    /// Writes a string.
    public func write(to writer: inout JSONWriter) { writer.write(description) }
}

/// A point in time in microseconds, as leases and events write it: `2026-11-21T17:57:05.123456Z` (`metav1.MicroTime`).
public struct MicroTime: Sendable, Hashable, Comparable {
    /// Microseconds since the beginning of 1970, in UTC and without leap seconds.
    public var microseconds: Int64

    /// Creates a point in time.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// The microsecond that a point in time is in.
    public init(_ date: Date) { microseconds = Int64((date.timeIntervalSince1970 * 1e6).rounded(.down)) }

    /// Reads RFC 3339 with any offset and fraction; what is less than a microsecond is dropped.
    public init?(_ text: String) {
        guard let time = RFC3339(text) else { return nil }
        self.init(time)
    }

    private init(_ time: RFC3339) { microseconds = time.seconds * 1_000_000 + Int64(time.nanoseconds / 1000) }

    /// The same for Foundation.
    public var date: Date { Date(timeIntervalSince1970: Double(microseconds) / 1e6) }

    /// The earlier one is less.
    public static func < (left: MicroTime, right: MicroTime) -> Bool { left.microseconds < right.microseconds }
}

extension MicroTime: CustomStringConvertible {
    /// `2026-11-21T17:57:05.123456Z`.
    public var description: String {
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let floored = rest < 0 ? (seconds - 1, rest + 1_000_000) : (seconds, rest)
        return RFC3339(seconds: floored.0, nanoseconds: Int(floored.1) * 1000).text(digits: 6)
    }
}

extension MicroTime: JSONConvertible {
    /// Reads a string.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init(try RFC3339(from: &reader))
    }
    /// Writes a string.
    public func write(to writer: inout JSONWriter) { writer.write(description) }
}

extension RFC3339 {
    /// Reads a string, without making one of it if that can be helped: there are many in each object.
    fileprivate init(from reader: inout JSONReader) throws(JSONError) {
        let offset = reader.offset
        let plain = try reader.readPlainBytes()
        let time = if let plain { RFC3339(plain) } else { RFC3339(try reader.readString()) }
        guard let time else { throw JSONError("is no time of RFC 3339", at: offset) }
        self = time
    }
}
