// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

/// How long a checkpoint is kept after its end.
struct KruiseTimeToLiveTests {
    private static let day: Int64 = 86400 * 1_000_000_000

    private static let readable: [(String, Int64)] = [
        ("30s", 30_000_000_000), ("30m", 1_800_000_000_000), ("30h", 108_000_000_000_000), ("30d", 30 * day),
        ("1d12h", day + day / 2), ("12h1d", day + day / 2), ("1.5d", day + day / 2), (".5d", day / 2), ("1.d", day),
        ("+1h", 3_600_000_000_000), ("0", 0), ("0s", 0), ("0d", 0), ("1h30m0.5s", 5_400_500_000_000),
        ("100us", 100_000),
        ("100\u{B5}s", 100_000), ("1ms1ns", 1_000_001), ("106751d", 106_751 * day),
    ]

    @Test(arguments: readable)
    func readsWhatGoReadsAndDays(_ text: String, _ nanoseconds: Int64) {
        #expect(KruiseTimeToLive(text) == .after(GoDuration(nanoseconds: nanoseconds)))
    }

    @Test(arguments: [
        "", " ", "30", "d", "1", "-1s", "-30d", "+", "+-1s", "1D", "1 d", " 1d", "1d ", "1.2.3d", ".d", ".", "1w", "1y",
        "1dd",
        "one", "1e3s", "\u{0661}d", "1\u{301}d", "1d\n", "30days", "d1", "1h-1m", "nan", "0x1h",
    ])
    func readsNothingElse(_ text: String) {
        #expect(KruiseTimeToLive(text) == nil)
    }

    /// What is well written and too large never comes; it does not come at once either.
    @Test(arguments: [
        "106752d", "1000000d", "99999999999999999999999999h", "9223372036854775807d", "106751d24h", "200000d200000d",
        "18446744073709551616ns", "999999999999999999999.5d",
    ])
    func whatIsTooLargeIsForEver(_ text: String) {
        #expect(KruiseTimeToLive(text) == .forever)
        #expect(KruiseTimeToLive(text)?.end(since: Timestamp(seconds: 0)) == nil)
    }

    @Test func endsExactly() {
        let time = Timestamp(seconds: 1_794_000_000)
        #expect(KruiseTimeToLive("30d")?.end(since: time) == Date(timeIntervalSince1970: 1_796_592_000))
        #expect(KruiseTimeToLive("0s")?.end(since: time) == time.date)
        #expect(KruiseTimeToLive("1.5s")?.end(since: time) == Date(timeIntervalSince1970: 1_794_000_001.5))
        #expect(
            KruiseTimeToLive("106751d")?.end(since: time)
                == Date(timeIntervalSince1970: 1_794_000_000 + 106_751 * 86400)
        )
    }

    private func checkpoint(
        _ text: String?,
        _ phase: KruiseCheckpointPhase?,
        completed: Timestamp? = Timestamp(seconds: 100)
    ) -> KruiseCheckpoint {
        .with {
            $0.spec.ttlAfterFinished = text
            $0.status = phase.map { phase in
                .with {
                    $0.phase = phase
                    $0.completionTime = completed
                }
            }
        }
    }

    @Test(arguments: [KruiseCheckpointPhase.succeeded, .failed]) func countsFromItsEnd(_ phase: KruiseCheckpointPhase) {
        #expect(checkpoint("1m", phase).expiry == .at(Date(timeIntervalSince1970: 160)))
        #expect(checkpoint(nil, phase).expiry == .never)
        #expect(checkpoint("", phase).expiry == .never)
        #expect(checkpoint("1000000d", phase).expiry == .never)
        #expect(checkpoint("soon", phase).expiry == .unreadable("soon"))
        #expect(checkpoint("1m", phase, completed: nil).expiry == .never)
    }

    @Test(arguments: [
        nil, KruiseCheckpointPhase.pending, .creating, .terminating, KruiseCheckpointPhase(rawValue: "Later"),
    ])
    func doesNotBeginBeforeItsEnd(_ phase: KruiseCheckpointPhase?) {
        #expect(checkpoint("0s", phase).expiry == .never)
        #expect(checkpoint("-1s", phase).expiry == .unreadable("-1s"))
    }
}
