// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@testable import ClusterRuntime

/// What the use of a sandbox changes, and when it has been idle for long enough.
@Suite struct AccessPolicyTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)
    private static func at(_ seconds: Double) -> Date { now.addingTimeInterval(seconds) }

    @Test func nothingAsked() {
        let policy = AccessPolicy([:])
        #expect(policy.idleDeadline(lastAccess: Self.now) == nil)
        let update = policy.update(at: Self.now, noted: nil, expiresAt: Self.now, renewed: nil, renewalInterval: 60)
        #expect(update.isEmpty)
    }

    /// An access is noted so often that nobody else takes a sandbox for idle that is in use.
    @Test func notes() {
        let policy = AccessPolicy([SandboxExtension.pauseWhenIdle: "100"])
        func note(_ noted: Date?) -> Date? {
            policy.update(at: Self.now, noted: noted, expiresAt: nil, renewed: nil, renewalInterval: nil).note
        }
        #expect(note(nil) == Self.now)
        #expect(note(Self.at(-24)) == nil)
        #expect(note(Self.at(-25)) == Self.now)
        // Whatever was not noted yet is younger than what the deadline allows for.
        #expect(policy.idleDeadline(lastAccess: Self.at(-25)) == Self.at(100))
    }

    @Test func renewals() {
        let policy = AccessPolicy([SandboxExtension.renewOnAccess: "600"])
        func end(_ expiresAt: Date?, renewed: Date? = nil, interval: Double? = 60) -> Date? {
            policy.update(at: Self.now, noted: nil, expiresAt: expiresAt, renewed: renewed, renewalInterval: interval)
                .expiresAt
        }
        #expect(end(Self.at(599)) == Self.at(600))
        #expect(end(Self.at(601)) == nil)
        #expect(end(nil) == nil)
        #expect(end(Self.at(1), interval: nil) == nil)
        #expect(end(Self.at(1), renewed: Self.at(-59)) == nil)
        #expect(end(Self.at(1), renewed: Self.at(-60)) == Self.at(600))
    }

    private static func duty(_ object: BatchSandbox, seen: Date? = nil) -> SandboxDuty? {
        SandboxDuty(SandboxDirectory<BatchSandbox>.Entry(object: object, sandbox: Sandbox(object)), seen: seen)
    }

    private static func idle(
        _ phase: BatchSandboxPhase,
        _ configure: (inout BatchSandbox) -> Void = { _ in }
    ) -> BatchSandbox {
        .made(created: 1_800_000_000, in: phase) {
            $0.metadata.annotations[OpenSandbox.Annotation.request] =
                SandboxRequest.with { $0.extensions = [SandboxExtension.pauseWhenIdle: "40"] }.jsonText
            configure(&$0)
        }
    }

    @Test func idlePauses() {
        #expect(Self.duty(.made(in: .succeed)) == nil)
        #expect(Self.duty(Self.idle(.paused)) == nil)
        #expect(Self.duty(Self.idle(.succeed)) == .pauseIdle(at: Self.at(50)))
        #expect(Self.duty(Self.idle(.succeed), seen: Self.at(10)) == .pauseIdle(at: Self.at(60)))
        let noted = Self.idle(.succeed) {
            $0.metadata.annotations[OpenSandbox.Annotation.lastAccess] = MicroTime(Self.at(20)).description
        }
        #expect(Self.duty(noted, seen: Self.at(10)) == .pauseIdle(at: Self.at(70)))
        // It was resumed a moment ago.
        let resumed = Self.idle(.succeed) { $0.tell(.ready, "PodsReady", "", at: 1_800_000_030) }
        #expect(Self.duty(resumed) == .pauseIdle(at: Self.at(80)))
        // One that could not be paused is left alone for a while.
        let failed = Self.idle(.succeed) {
            $0.spec.pause = true
            $0.tell(.pauseFailed, "SnapshotFailed", "", at: 1_800_000_045)
        }
        #expect(Self.duty(failed) == .pauseIdle(at: Self.at(95)))
        let asked = Self.idle(.succeed) { $0.spec.pause = true }
        #expect(Self.duty(asked) == nil)
    }

    @Test func unheardOf() {
        let object = BatchSandbox.made(in: .succeed) {
            $0.metadata.annotations[OpenSandbox.Annotation.createdUntil] = MicroTime(Self.now).description
        }
        #expect(Self.duty(object) == .deleteUnheardOf(at: Self.at(60)))
        var deleted = object
        deleted.metadata.deletionTimestamp = Timestamp(seconds: 1)
        #expect(Self.duty(deleted) == nil)
    }

    @Test func roster() {
        let roster = DutyRoster()
        roster.set("a", Self.at(2))
        roster.set("b", Self.at(1))
        #expect(roster.next == Self.at(1))
        #expect(roster.due(Self.at(1.5)) == ["b"])
        #expect(roster.next == Self.at(2))
        roster.set("a", nil)
        #expect(roster.next == nil)
    }

    /// Whoever waited and was cancelled does not keep the next one from waiting.
    @Test func everyWaitIsAWait() async {
        let roster = DutyRoster()
        for round in 0..<3 {
            let given = roster.changes()
            let waiting = Task { for await _ in given {} }
            waiting.cancel()
            await waiting.value
            var changes = roster.changes().makeAsyncIterator()
            roster.set("a", Self.at(Double(round)))
            #expect(await changes.next() != nil)
        }
    }

    @Test func ledger() {
        let ledger = AccessLedger()
        #expect(ledger.see("a", at: Self.now) == .some(nil))
        // While that is being written nobody else writes.
        #expect(ledger.see("a", at: Self.at(1)) == nil)
        #expect(ledger.lastSeen("a") == Self.at(1))
        ledger.wrote("a", renewed: Self.now)
        #expect(ledger.see("a", at: Self.at(2)) == .some(Self.now))
        ledger.forget("a")
        #expect(ledger.lastSeen("a") == nil)
    }
}
