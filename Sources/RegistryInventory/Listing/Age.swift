// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A span of time as people write it: `90s`, `30m`, `24h`, `7d`.
public struct Age: Sendable, Hashable, CustomStringConvertible {
    /// In seconds.
    public var seconds: Double

    /// A span of so many seconds.
    public init(seconds: Double) {
        self.seconds = seconds
    }

    /// Reads what people write; `nil` if it is no such thing. A number alone is seconds.
    public init?(_ text: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        let unit = text.last.flatMap { units[$0] }
        guard let number = Double(unit == nil ? text : String(text.dropLast())), number.isFinite, number >= 0 else {
            return nil
        }
        seconds = number * (unit ?? 1)
    }

    /// In its largest unit of which there are two or more.
    public var text: String {
        for (unit, length) in [("d", 86400.0), ("h", 3600), ("m", 60)] where seconds >= 2 * length {
            return "\(Int(min(seconds / length, 1e9)))\(unit)"
        }
        return "\(Int(max(min(seconds, 1e9), 0)))s"
    }

    /// The same.
    public var description: String { text }
}
