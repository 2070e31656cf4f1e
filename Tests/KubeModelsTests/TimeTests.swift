// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import TestSupport
import Testing

struct TimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-21T17:57:05Z", 1_795_283_825), ("2000-02-29T12:00:00Z", 951_825_600),
        ("2026-11-21T18:57:05+01:00", 1_795_283_825), ("2026-11-21t12:27:05.999-05:30", 1_795_283_825),
        ("1969-12-31T23:59:59Z", -1), ("0000-01-01T00:00:00Z", -62_167_219_200),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("2016-12-31T23:59:60Z", 1_483_228_800),
    ])
    func readsTimes(_ text: String, _ seconds: Int64) { #expect(Timestamp(text)?.seconds == seconds) }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T17:57:05", "2026-11-21 17:57:05Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zx", "26-01-01T00:00:00Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0100",
        "-026-01-01T00:00:00Z", "1900-02-29T00:00:00Z", "２026-01-01T00:00:00Z",
    ])
    func refusesWhatIsNone(_ text: String) { #expect(Timestamp(text) == nil) }

    /// What is read the short way is what is read the long way, which a fraction makes it go.
    @Test func readsDocumentsAsTexts() throws {
        var generator = SeededGenerator(seed: 9)
        let characters = Array("0123456789-:TZ+. ")
        for _ in 0..<2000 {
            var text = Array("2026-11-21T17:57:05Z")
            for _ in 0...Int.random(in: 0...2, using: &generator) {
                let place = Int.random(in: 0..<text.count, using: &generator)
                text[place] = characters.randomElement(using: &generator) ?? "0"
            }
            let long = text.last == "Z" ? String(text.dropLast()) + ".0Z" : String(text)
            #expect((try? Timestamp(json: "\"\(String(text))\"")) == Timestamp(long), "\(String(text))")
        }
    }

    @Test func writesMicroseconds() throws {
        let time = try #require(MicroTime("2026-11-21T17:57:05.123456789Z"))
        #expect(time.description == "2026-11-21T17:57:05.123456Z")
        #expect(try #require(MicroTime("1969-12-31T23:59:59.5Z")).description == "1969-12-31T23:59:59.500000Z")
        #expect(MicroTime("2026-11-21T17:57:05Z")?.description == "2026-11-21T17:57:05.000000Z")
        #expect(try MicroTime(json: time.json()) == time)
    }

    /// Against Foundation, for days all over the calendar.
    @Test func agreesWithFoundation() throws {
        var generator = SeededGenerator(seed: 2)
        let format = Date.ISO8601FormatStyle()
        for _ in 0..<5000 {
            let seconds = Int64.random(in: -62_135_596_800...253_402_300_799, using: &generator)
            // Foundation changes calendars in 1582.
            guard seconds > -12_219_292_800 else { continue }
            let time = Timestamp(seconds: seconds)
            #expect(time.description == Date(timeIntervalSince1970: Double(seconds)).formatted(format))
            #expect(Timestamp(time.description) == time)
        }
    }

    @Test(
        arguments: [
            ("0", "0s", 0), ("0s", "0s", 0), ("1h15m30.5s", "1h15m30.5s", 4_530_500_000_000),
            ("90m", "1h30m0s", 5_400_000_000_000),
            ("1.5h", "1h30m0s", 5_400_000_000_000), ("100ms", "100ms", 100_000_000), ("1.5us", "1.5\u{B5}s", 1500),
            ("1\u{B5}s", "1\u{B5}s", 1000), ("1\u{3BC}s", "1\u{B5}s", 1000), ("-5m", "-5m0s", -300_000_000_000),
            (".5s", "500ms", 500_000_000),
            ("+1ns", "1ns", 1), ("1s1s", "2s", 2_000_000_000),
            ("2540400h10m10.000000000s", "2540400h10m10s", 9_145_440_610_000_000_000),
            ("-9223372036854775808ns", "-2562047h47m16.854775808s", .min),
            ("9223372036854775.807us", "2562047h47m16.854775807s", .max),
            ("0.3333333333333333333h", "20m0s", 1_200_000_000_000), ("1.s", "1s", 1_000_000_000),
        ] as [(String, String, Int64)]
    )
    func readsDurationsAsGoDoes(_ text: String, _ printed: String, _ nanoseconds: Int64) throws {
        let duration = try #require(GoDuration(text))
        #expect(
            duration.nanoseconds == nanoseconds
                || text.hasPrefix("0.333") && abs(duration.nanoseconds - nanoseconds) <= 1
        )
        if !text.hasPrefix("0.333") { #expect(duration.description == printed) }
    }

    @Test(arguments: [
        "", "-", "+", "3", "s", ".s", "1", "1 s", "1d", "1.2.3s", "-.s", "1hm", "9223372036854775808ns", "2562048h",
        "1e3s",
        "99999999999999999999h", "1S", "--1s",
    ])
    func refusesDurationsThatAreNone(_ text: String) { #expect(GoDuration(text) == nil) }

    @Test func durationsSurvive() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let shift = UInt64.random(in: 0...62, using: &generator)
            let duration = GoDuration(nanoseconds: Int64.random(in: .min ... .max, using: &generator) >> Int64(shift))
            #expect(GoDuration(duration.description) == duration)
        }
        #expect(GoDuration(.seconds(Int64.max)).nanoseconds == .max)
        #expect(GoDuration(.milliseconds(1500)).description == "1.5s")
    }
}
