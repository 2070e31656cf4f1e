// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

public import struct Foundation.Date

/// How long something is kept after its end: `metav1.Duration` as Go writes it, and days (`30m`, `24h`, `30d`, `1d12h`).
public enum KruiseTimeToLive: Sendable, Hashable {
    /// So long.
    case after(GoDuration)
    /// Longer than can be counted: for ever.
    case forever

    private static let units: Set<Substring> = ["ns", "us", "\u{B5}s", "\u{3BC}s", "ms", "s", "m", "h", "d"]

    /// Reads a text; nil if it is none, or less than nothing.
    ///
    /// One that is well written and too large is no mistake: it is for ever.
    public init?(_ text: String) {
        var rest = text[...]
        if rest.first == "+" { rest = rest.dropFirst() }
        if rest == "0" {
            self = .after(GoDuration(nanoseconds: 0))
            return
        }
        guard !rest.isEmpty else { return nil }
        var total: Int64 = 0
        var isTooLong = false
        while !rest.isEmpty {
            let number = rest.prefix(while: Self.isOfNumber)
            let unit = rest.dropFirst(number.count).prefix { !Self.isOfNumber($0) }
            rest = rest.dropFirst(number.count + unit.count)
            let points = number.count { $0 == "." }
            guard Self.units.contains(unit), points <= 1, number.count > points else { return nil }
            // What is well written and still no duration of Go's is too long for one.
            let part = GoDuration("\(number)\(unit == "d" ? "h" : unit)")
            let (scaled, isOver) = (part?.nanoseconds ?? .max).multipliedReportingOverflow(by: unit == "d" ? 24 : 1)
            let (sum, isSumOver) = total.addingReportingOverflow(scaled)
            isTooLong = isTooLong || part == nil || isOver || isSumOver
            total = isTooLong ? 0 : sum
        }
        self = isTooLong ? .forever : .after(GoDuration(nanoseconds: total))
    }

    private static func isOfNumber(_ character: Character) -> Bool {
        character.isASCII && (character == "." || "0"..."9" ~= character)
    }

    /// When it is over; nil for never.
    public func end(since time: Timestamp) -> Date? {
        guard case .after(let duration) = self else { return nil }
        // Whole seconds apart, so that nothing is lost of a part of one when the other part is large.
        let (seconds, rest) = duration.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return time.date.addingTimeInterval(Double(seconds)).addingTimeInterval(Double(rest) / 1e9)
    }
}

extension KruiseCheckpoint {
    /// What becomes of a checkpoint by itself.
    public enum Expiry: Sendable, Hashable {
        /// Nothing: it stays until somebody deletes it.
        case never
        /// It is deleted then. Before its end nobody knows when.
        case at(Date)
        /// Nothing: what is written there is no duration.
        case unreadable(String)
    }

    /// What becomes of it by itself. It counts from the time at which it ended, well or not, as that is written down.
    public var expiry: Expiry {
        guard let text = spec.ttlAfterFinished, !text.isEmpty else { return .never }
        guard let life = KruiseTimeToLive(text) else { return .unreadable(text) }
        guard status?.isFinal == true, let completed = status?.completionTime, let end = life.end(since: completed)
        else { return .never }
        return .at(end)
    }
}
