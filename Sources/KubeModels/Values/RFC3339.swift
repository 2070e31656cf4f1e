// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A point in time as RFC 3339 writes it, for the years 0 to 9999.
struct RFC3339: Hashable {
    /// Seconds since the beginning of 1970.
    let seconds: Int64
    /// 0 to 999,999,999.
    let nanoseconds: Int

    init(seconds: Int64, nanoseconds: Int) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Reads `2026-11-21T17:57:05[.fraction](Z|+hh:mm)`.
    init?(_ text: String) {
        var text = text
        guard let time = text.withUTF8({ RFC3339($0) }) else { return nil }
        self = time
    }

    /// Reads the same from bytes.
    init?(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let time = Self.readPlain(bytes) ?? Self.read(bytes[...]) else { return nil }
        self = time
    }

    /// Reads `2026-11-21T17:57:05Z`, as nearly all times are written. `nil` for all others and for what is none.
    private static func readPlain(_ text: UnsafeBufferPointer<UInt8>) -> RFC3339? {
        guard text.count == 20, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            text[10] == UInt8(ascii: "T"), text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
            text[19] == UInt8(ascii: "Z")
        else { return nil }
        var isNumber = true
        func pair(_ place: Int) -> Int {
            let (high, low) = (text[place] &- 48, text[place + 1] &- 48)
            isNumber = isNumber && high < 10 && low < 10
            return Int(high) * 10 + Int(low)
        }
        let (year, month, day) = (pair(0) * 100 + pair(2), pair(5), pair(8))
        let (hour, minute, second) = (pair(11), pair(14), pair(17))
        guard isNumber, 1...12 ~= month, 1...days(in: month, of: year) ~= day, hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = days(year: Int64(year), month: Int64(month), day: Int64(day))
        return RFC3339(seconds: days * 86400 + Int64(hour * 3600 + minute * 60 + second), nanoseconds: 0)
    }

    private static func read(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> RFC3339? {
        var text = bytes
        func number(_ digits: Int, _ range: ClosedRange<Int>) -> Int? {
            let part = text.prefix(digits)
            guard part.count == digits, part.allSatisfy({ 48...57 ~= $0 }) else { return nil }
            text = text.dropFirst(digits)
            let value = part.reduce(0) { $0 * 10 + Int($1 - 48) }
            return range.contains(value) ? value : nil
        }
        func skip(_ characters: StaticString) -> UInt8? {
            let wanted = UnsafeBufferPointer(start: characters.utf8Start, count: characters.utf8CodeUnitCount)
            guard let first = text.first, wanted.contains(first) else { return nil }
            text = text.dropFirst()
            return first
        }
        guard let year = number(4, 0...9999), skip("-") != nil, let month = number(2, 1...12), skip("-") != nil,
            let day = number(2, 1...days(in: month, of: year)), skip("Tt") != nil,
            let hour = number(2, 0...23), skip(":") != nil, let minute = number(2, 0...59), skip(":") != nil,
            // A leap second is the first of the next minute here.
            let second = number(2, 0...60)
        else { return nil }
        var nanoseconds = 0
        if skip(".") != nil {
            let fraction = text.prefix { 48...57 ~= $0 }
            guard !fraction.isEmpty else { return nil }
            text = text.dropFirst(fraction.count)
            for place in 0..<9 {
                let digit = place < fraction.count ? fraction[fraction.index(fraction.startIndex, offsetBy: place)] : 48
                nanoseconds = nanoseconds * 10 + Int(digit - 48)
            }
        }
        var offset = 0
        switch skip("Zz+-") {
        case .some(let sign) where sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"):
            guard let hours = number(2, 0...23), skip(":") != nil, let minutes = number(2, 0...59) else { return nil }
            offset = (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
        case nil: return nil
        default: break
        }
        guard text.isEmpty else { return nil }
        let days = days(year: Int64(year), month: Int64(month), day: Int64(day))
        let seconds = days * 86400 + Int64(hour * 3600 + minute * 60 + second - offset)
        return RFC3339(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// The time in UTC, with so many digits of the second's fraction.
    func text(digits: Int) -> String {
        var days = seconds / 86400
        var rest = Int(seconds % 86400)
        if rest < 0 { (days, rest) = (days - 1, rest + 86400) }
        let (year, month, day) = Self.date(days)
        var text = Self.pad(Int(year), 4) + "-" + Self.pad(month, 2) + "-" + Self.pad(day, 2) + "T"
        text += Self.pad(rest / 3600, 2) + ":" + Self.pad(rest / 60 % 60, 2) + ":" + Self.pad(rest % 60, 2)
        if digits > 0 { text += "." + Self.pad(nanoseconds, 9).prefix(digits) }
        return text + "Z"
    }

    private static func pad(_ value: Int, _ digits: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 in the Gregorian calendar, with years that begin in March, so that a leap day is their last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(_ days: Int64) -> (year: Int64, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), Int(month), Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        )
    }
}
