// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A span of time as Go writes it: `1h15m30.5s` (`metav1.Duration`).
public struct GoDuration: Sendable, Hashable, Comparable {
    /// Its length in nanoseconds; about 292 years at most.
    public var nanoseconds: Int64

    /// Creates a span.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Creates a span, to the nanosecond below, of at most 292 years.
    public init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflow2) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        nanoseconds = overflow || overflow2 ? (seconds < 0 ? .min : .max) : sum
    }

    /// Reads what Go's `time.ParseDuration` reads: numbers with units, `ns`, `us` (`µs`), `ms`, `s`, `m` and `h`.
    public init?(_ text: String) {
        var rest = text.utf8[...]
        var isNegative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            rest = rest.dropFirst()
        }
        if rest.elementsEqual("0".utf8) {
            nanoseconds = 0
            return
        }
        guard !rest.isEmpty else { return nil }
        // The smallest value has no positive counterpart.
        var total: UInt64 = 0
        while !rest.isEmpty {
            let whole = rest.prefix { 48...57 ~= $0 }
            rest = rest.dropFirst(whole.count)
            var fraction = rest.prefix(0)
            if rest.first == UInt8(ascii: ".") {
                fraction = rest.dropFirst().prefix { 48...57 ~= $0 }
                rest = rest.dropFirst(1 + fraction.count)
            }
            guard whole.count + fraction.count > 0 else { return nil }
            let unit = rest.prefix { !(48...57 ~= $0) && $0 != UInt8(ascii: ".") }
            rest = rest.dropFirst(unit.count)
            guard let scale = Self.units[String(Substring(unit))],
                let value = whole.isEmpty ? 0 : UInt64(String(Substring(whole)))
            else { return nil }
            let (scaled, overflow) = value.multipliedReportingOverflow(by: scale)
            // Digits beyond what fits are dropped, as Go does.
            var numerator: UInt64 = 0
            var denominator: UInt64 = 1
            for digit in fraction where denominator < 1_000_000_000_000_000 {
                numerator = numerator * 10 + UInt64(digit - 48)
                denominator *= 10
            }
            let part = denominator.dividingFullWidth(numerator.multipliedFullWidth(by: scale)).quotient
            let (sum, overflow2) = total.addingReportingOverflow(scaled)
            let (sum2, overflow3) = sum.addingReportingOverflow(part)
            guard !overflow, !overflow2, !overflow3, sum2 <= 1 << 63 else { return nil }
            total = sum2
        }
        if isNegative {
            nanoseconds = Int64(truncatingIfNeeded: 0 &- total)
        } else {
            guard let value = Int64(exactly: total) else { return nil }
            nanoseconds = value
        }
    }

    private static let units: [String: UInt64] = [
        "ns": 1, "us": 1000, "\u{B5}s": 1000, "\u{3BC}s": 1000, "ms": 1_000_000, "s": 1_000_000_000,
        "m": 60_000_000_000, "h": 3_600_000_000_000,
    ]

    /// The same for the standard library.
    public var duration: Duration { .nanoseconds(nanoseconds) }

    /// The shorter one is less.
    public static func < (left: GoDuration, right: GoDuration) -> Bool { left.nanoseconds < right.nanoseconds }
}

extension GoDuration: CustomStringConvertible {
    /// As Go prints it: `1h15m30.5s`, `1.5ms`, `0s`.
    public var description: String {
        let total = nanoseconds.magnitude
        let sign = nanoseconds < 0 ? "-" : ""
        switch total {
        case 0: return "0s"
        case 1..<1000: return "\(sign)\(total)ns"
        case 1000..<1_000_000: return "\(sign)\(Self.decimal(total, 1000))\u{B5}s"
        case 1_000_000..<1_000_000_000: return "\(sign)\(Self.decimal(total, 1_000_000))ms"
        default:
            let minutes = total / 60_000_000_000
            var text = sign
            if minutes >= 60 { text += "\(minutes / 60)h" }
            if minutes > 0 { text += "\(minutes % 60)m" }
            return text + Self.decimal(total % 60_000_000_000, 1_000_000_000) + "s"
        }
    }

    private static func decimal(_ value: UInt64, _ unit: UInt64) -> String {
        let whole = String(value / unit)
        guard value % unit != 0 else { return whole }
        var fraction = String(value % unit + unit).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(whole).\(fraction)"
    }
}

extension GoDuration: JSONConvertible {
    /// Reads a string.
    public init(from reader: inout JSONReader) throws(JSONError) {
        let error = reader.error("is no duration as Go writes it")
        guard let duration = GoDuration(try reader.readString()) else { throw error }
        self = duration
    }
    /// Writes a string.
    public func write(to writer: inout JSONWriter) { writer.write(description) }
}
