// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@testable import KruiseRuntime

/// What happens when the time of a sandbox is over.
@Suite struct SandboxTimeoutTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func after(_ seconds: Double) -> Date { now.addingTimeInterval(seconds) }

    private func written(_ timeout: SandboxTimeout) -> SandboxTimeout {
        var spec = KruiseSandboxSpec()
        (spec.shutdownTime, spec.pauseTime) = timeout.spelled
        return SandboxTimeout(spec)
    }

    @Test func written() {
        for timeout in [
            .never, .delete(at: after(30)), .pause(at: after(30), deleted: after(90)),
        ] as [SandboxTimeout] {
            #expect(written(timeout) == timeout)
        }
        #expect(
            SandboxTimeout(end: after(5), pauses: true, retention: .seconds(120))
                == .pause(at: after(5), deleted: after(125))
        )
        #expect(SandboxTimeout(end: nil, pauses: true, retention: .forever) == .never)
        #expect(SandboxTimeout(end: after(5), pauses: false, retention: .forever) == .delete(at: after(5)))
        #expect(SandboxTimeout.never.members == ["shutdownTime": .null, "pauseTime": .null])
    }

    /// Somebody has set a `pauseTime` by hand: it is paused and never deleted.
    @Test func pauseAlone() {
        var spec = KruiseSandboxSpec()
        spec.pauseTime = SpelledTime(after(5))
        let timeout = SandboxTimeout(spec)
        #expect(timeout.end == after(5) && timeout.pauses)
        #expect(timeout.members["shutdownTime"] == .null)
    }

    @Test func extended() {
        let present = SandboxTimeout.delete(at: after(100))
        #expect(present.extended(to: after(99), retention: .forever) == present)
        #expect(present.extended(to: after(101), retention: .forever) == .delete(at: after(101)))
        #expect(SandboxTimeout.never.extended(to: after(1), retention: .forever) == .never)
        let pausing = SandboxTimeout.pause(at: after(10), deleted: after(20))
        #expect(pausing.extended(to: after(30), retention: .seconds(10)) == .pause(at: after(30), deleted: after(40)))
        #expect(pausing.ending(at: after(1), retention: .seconds(10)) == .pause(at: after(1), deleted: after(11)))
    }

    /// Nothing deletes what is paused before it was to be deleted, and what it was is known when it is resumed.
    @Test func paused() {
        #expect(SandboxTimeout.never.paused(at: now, retention: .seconds(3)) == .never)
        #expect(
            SandboxTimeout.delete(at: after(1)).paused(at: now, retention: .seconds(180)) == .delete(at: after(180))
        )
        let kept = SandboxTimeout.pause(at: after(1), deleted: after(2)).paused(at: now, retention: .forever)
        #expect(kept.pauses)
        #expect(kept.end.map { $0 > after(99 * 365 * 86_400) } == true)
        #expect(written(kept) == kept)
    }

    @Test(arguments: [
        ("forever", PausedRetention.forever), ("2m", .seconds(120)), ("1h30m", .seconds(5400)), ("0", nil), ("0s", nil),
        ("-1s", nil), ("", nil), ("30d", nil), ("99999999999h", nil),
    ])
    func retentions(_ text: String, _ expected: PausedRetention?) {
        #expect(PausedRetention(kruise: text) == expected)
        if let expected { #expect(PausedRetention(kruise: expected.kruise) == expected) }
    }
}
