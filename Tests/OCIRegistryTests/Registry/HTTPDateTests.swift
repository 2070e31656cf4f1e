// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import Testing

@testable import OCIRegistry

struct HTTPDateTests {
    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200), ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
        ("Sat, 31 Dec 2050 12:00:00 GMT", 2_556_100_800), ("Wednesday, 31-Dec-49 00:00:00 GMT", 2_524_521_600),
    ])
    func readsEachForm(_ text: String, _ seconds: Int64) {
        #expect(HTTPDate(text)?.seconds == seconds)
    }

    @Test(arguments: [
        "", "7", "Sun", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 19941 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:-9:37 GMT", String(repeating: "9", count: 10_000),
    ])
    func refusesOthers(_ text: String) {
        #expect(HTTPDate(text) == nil)
    }

    /// Each day of four centuries has the number of the day before and one.
    @Test func countsDays() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = .gmt
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        for day in stride(from: -25_000, to: 100_000, by: 37) {
            let seconds = day * 86400 + 3600
            let text = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(HTTPDate(text)?.seconds == Int64(seconds), "\(text)")
        }
    }

    @Test(arguments: [
        (["Retry-After": "7"], 7), (["Retry-After": "999999999"], 86400),
        (["Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT", "Date": "Sun, 06 Nov 1994 08:49:07 GMT"], 30),
        (["Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT", "Date": "Sun, 06 Nov 1994 09:00:00 GMT"], 0),
        (["Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"], 37), (["Retry-After": "-1"], nil),
        (["Retry-After": "soon"], nil), ([:], nil),
    ])
    func saysHowLongToWait(_ headers: [String: String], _ seconds: Int?) {
        let now = Date(timeIntervalSince1970: 784_111_740)
        let headers = HTTPHeaders(headers.map { ($0.key, $0.value) })
        #expect(RegistryTransport.retryAfter(headers, now: now) == seconds.map { .seconds($0) })
    }
}
