// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A point in time as HTTP headers write it (RFC 9110, 5.6.7), in whole seconds since 1970.
struct HTTPDate: Sendable, Hashable, Comparable {
    let seconds: Int64

    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    init(seconds: Int64) { self.seconds = seconds }

    /// Reads any of the three forms: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`,
    /// `Sun Nov  6 08:49:37 1994`.
    init?(_ text: String) {
        guard text.utf8.count <= 64 else { return nil }
        let words = text.lowercased().split { $0 == " " || $0 == "," || $0 == "-" }.dropFirst().map(String.init)
        guard words.count >= 4 else { return nil }
        let isUnixForm = Int64(words[0]) == nil
        let (day, month, year, time) =
            isUnixForm ? (words[1], words[0], words[3], words[2]) : (words[0], words[1], words[2], words[3])
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) ?? -1 }
        guard let day = Int64(day), var year = Int64(year), let month = Self.months.firstIndex(of: month),
            (1...31).contains(day), (0...9999).contains(year), clock.count == 3, (0...23).contains(clock[0]),
            (0...59).contains(clock[1]), (0...60).contains(clock[2]), isUnixForm || words.dropFirst(4) == ["gmt"]
        else { return nil }
        // Two digits are of the last century unless that is too long ago to be meant.
        if year < 100 { year += year < 70 ? 2000 : 1900 }
        let days = Self.days(year: year, month: Int64(month) + 1, day: day)
        seconds = days * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }

    static func < (left: HTTPDate, right: HTTPDate) -> Bool { left.seconds < right.seconds }

    /// Days from 1970-01-01 in the Gregorian calendar, with years that begin in March, so that a leap day is their last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}
