// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

extension Date {
    /// The last second that RFC 3339 can write, 9999-12-31T23:59:59Z.
    static let endOfTime = Date(timeIntervalSince1970: 253_402_300_799)

    /// RFC 3339 in UTC with milliseconds: `2026-01-01T00:00:00.000Z`.
    var rfc3339: String {
        formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
    }

    /// Reads a date as RFC 3339 writes it, with any number of fractional digits. Two things that it does not allow are
    /// taken as well, because upstream takes them: a space for the `T`, and no offset, which then is UTC.
    ///
    /// - Returns: Nil if the text is no such date, or there is no such day or time of day.
    init?(rfc3339 text: String) {
        var digits = Digits(text.utf8[...])
        guard let year = digits.number(4), digits.skip("-"),
            let month = digits.number(2), (1...12).contains(month), digits.skip("-"),
            let day = digits.number(2), (1...Self.days(inMonth: month, year)).contains(day), digits.skip("Tt "),
            let hour = digits.number(2), hour < 24, digits.skip(":"),
            let minute = digits.number(2), minute < 60, digits.skip(":"),
            // 60 is a leap second, which is counted as the first second of the next minute.
            let second = digits.number(2), second <= 60,
            let fraction = digits.fraction(), let offset = digits.offset(), digits.isAtEnd
        else { return nil }
        let minutes = (Self.days(until: year, month, day) * 24 + hour) * 60 + minute - offset
        self.init(timeIntervalSince1970: Double(minutes * 60 + second) + fraction)
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func days(inMonth month: Int, _ year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 to a date of the Gregorian calendar.
    private static func days(until year: Int, _ month: Int, _ day: Int) -> Int {
        let before = year - 1
        // A multiple of 400 years is added, so that the divisions round in one direction for the year 0, too.
        let shifted = before + 400
        let wholeYears = before * 365 + shifted / 4 - shifted / 100 + shifted / 400 - 97
        let wholeMonths = (1..<month).reduce(0) { $0 + days(inMonth: $1, year) }
        return wholeYears + wholeMonths + day - 1 - 719_162
    }
}

/// The characters of a date that are still to be read.
private struct Digits {
    private var rest: Substring.UTF8View

    init(_ text: Substring.UTF8View) {
        rest = text
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// A number of exactly so many digits.
    mutating func number(_ count: Int) -> Int? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy(Self.isDigit) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    /// One of some characters.
    mutating func skip(_ characters: String) -> Bool {
        guard let first = rest.first, characters.utf8.contains(first) else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// A point and digits, or nothing, which is 0.
    mutating func fraction() -> Double? {
        guard skip(".") else { return 0 }
        let digits = rest.prefix(while: Self.isDigit)
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        return Double("0.\(Substring(digits))")
    }

    /// Minutes east of UTC: `Z`, `+02:00`, or nothing, which is UTC.
    mutating func offset() -> Int? {
        if isAtEnd || skip("Zz") { return 0 }
        let isWest = rest.first == UInt8(ascii: "-")
        guard skip("+-"), let hours = number(2), hours < 24, skip(":"), let minutes = number(2), minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isWest ? -1 : 1)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
