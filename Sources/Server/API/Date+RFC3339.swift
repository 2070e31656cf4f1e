// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

extension Date {
    /// The last second that RFC 3339 can write, 9999-12-31T23:59:59Z.
    static let endOfTime = Date(timeIntervalSince1970: 253_402_300_799)

    /// RFC 3339 in UTC with milliseconds, `2026-01-01T00:00:00.000Z`, for dates of the years 0 to 9999; others become the
    /// nearest of these.
    var rfc3339: String {
        // What was read with milliseconds is written with the same ones, whatever a binary fraction has made of them.
        let milliseconds = (timeIntervalSince1970 * 1000).rounded()
        let all = Int(min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999))
        let (second, millisecond) = Self.parts(of: all, by: 1000)
        let (day, secondOfDay) = Self.parts(of: second, by: 86_400)
        let date = Self.civil(day)
        return String(unsafeUninitializedCapacity: 24) { buffer in
            var place = 0
            func digits(_ value: Int, _ count: Int, _ after: Unicode.Scalar) {
                var rest = value
                for position in (place..<place + count).reversed() {
                    buffer[position] = UInt8(48 + rest % 10)
                    rest /= 10
                }
                buffer[place + count] = UInt8(ascii: after)
                place += count + 1
            }
            digits(date.year, 4, "-")
            digits(date.month, 2, "-")
            digits(date.day, 2, "T")
            digits(secondOfDay / 3600, 2, ":")
            digits(secondOfDay / 60 % 60, 2, ":")
            digits(secondOfDay % 60, 2, ".")
            digits(millisecond, 3, "Z")
            return 24
        }
    }

    /// A quotient that is rounded down, and what is left.
    private static func parts(of value: Int, by divisor: Int) -> (Int, Int) {
        let rest = ((value % divisor) + divisor) % divisor
        return ((value - rest) / divisor, rest)
    }

    /// The date of the Gregorian calendar so many days after 1970-01-01. Years begin in March here, so that a leap day is
    /// the last of its year.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = parts(of: days + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
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
