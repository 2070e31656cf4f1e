// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@Suite("The dates of a Sandbox of the Kruise dialect")
struct KruiseSandboxTimersTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    /// One way in which dates can stand to the present.
    private struct World: CustomStringConvertible {
        var paused: Bool?
        var shutdown: Double?
        var pause: Double?
        var reservation: String?
        var isSpent: Bool

        var sandbox: KruiseSandbox {
            .with {
                $0.spec.paused = paused
                $0.spec.shutdownTime = shutdown.map { SpelledTime(now.addingTimeInterval($0)) }
                $0.spec.pauseTime = pause.map { SpelledTime(now.addingTimeInterval($0)) }
                if let reservation {
                    $0.metadata.annotations[Kruise.Annotation.reservePausedSandboxDuration] = reservation
                }
            }
        }

        var spent: Date? { isSpent ? pause.map { now.addingTimeInterval($0) } : nil }
        var action: KruiseTimerAction? { sandbox.due(at: now, spentPauseTime: spent) }
        var description: String {
            "paused \(paused as Any) shutdown \(shutdown as Any) pause \(pause as Any) \(reservation ?? "") spent \(isSpent)"
        }

        static var all: [World] {
            let dates: [Double?] = [nil, -86400, -1, 0, 1, 86400]
            var worlds: [World] = []
            for paused in [nil, false, true] {
                for shutdown in dates {
                    for pause in dates {
                        for reservation in [nil, "forever", "3m", "0s", "-1h", "later"] {
                            for isSpent in [false, true] {
                                worlds.append(
                                    World(
                                        paused: paused,
                                        shutdown: shutdown,
                                        pause: pause,
                                        reservation: reservation,
                                        isSpent: isSpent
                                    )
                                )
                            }
                        }
                    }
                }
            }
            return worlds
        }
    }

    @Test("in every world of dates nothing is deleted that was to be kept, and what is done once is not done again")
    func laws() {
        var counts = (deleted: 0, paused: 0, idle: 0)
        for world in World.all {
            let isPauseDue = world.paused != true && !world.isSpent && world.pause.map { $0 <= 0 } ?? false
            switch world.action {
            case .delete:
                counts.deleted += 1
                #expect(world.shutdown.map { $0 < 0 } == true, "\(world)")
                #expect(!(isPauseDue && world.reservation != nil), "it was to be kept: \(world)")
            case .pause(let spec):
                counts.paused += 1
                #expect(isPauseDue && spec.paused == true, "\(world)")
                #expect(spec.template == world.sandbox.spec.template, "\(world)")
                // What comes of it is neither deleted nor paused once more at the same moment.
                var next = world.sandbox
                next.spec = spec
                if world.reservation != nil {
                    #expect(next.due(at: Self.now, spentPauseTime: nil) == nil, "\(world)")
                    if world.shutdown != nil {
                        #expect(spec.shutdownTime == spec.pauseTime, "\(world)")
                        let kept = spec.shutdownTime?.date.timeIntervalSince(Self.now) ?? 0
                        #expect(kept >= (world.reservation == "3m" ? 180 : 3_000_000_000), "\(world)")
                    } else {
                        #expect(spec.shutdownTime == nil && spec.pauseTime == world.sandbox.spec.pauseTime, "\(world)")
                    }
                } else {
                    #expect(spec.shutdownTime == world.sandbox.spec.shutdownTime, "\(world)")
                }
            case nil:
                counts.idle += 1
                #expect(!isPauseDue, "\(world)")
                #expect(world.shutdown.map { $0 >= 0 } ?? true, "\(world)")
            }
            // Whatever is due later is looked at when its time has come, and not before.
            if let next = world.sandbox.nextDue(after: Self.now, spentPauseTime: world.spent) {
                #expect(next > Self.now, "\(world)")
                #expect(
                    world.action != nil || world.sandbox.due(at: next, spentPauseTime: world.spent) != nil,
                    "\(world)"
                )
                if world.action == nil {
                    let before = next.addingTimeInterval(-0.5)
                    #expect(world.sandbox.due(at: before, spentPauseTime: world.spent) == nil, "\(world)")
                }
            } else if world.action == nil {
                #expect(world.sandbox.due(at: .distantFuture, spentPauseTime: world.spent) == nil, "\(world)")
            }
        }
        #expect(counts.deleted > 0 && counts.paused > 0 && counts.idle > 0)
    }

    @Test("nothing is due any more of one that is being deleted")
    func deleted() {
        var sandbox = KruiseSandbox.with { $0.spec.shutdownTime = SpelledTime(Self.now.addingTimeInterval(-1)) }
        #expect(sandbox.due(at: Self.now, spentPauseTime: nil) == .delete)
        sandbox.metadata.deletionTimestamp = Timestamp(Self.now)
        #expect(sandbox.due(at: Self.now, spentPauseTime: nil) == nil)
        #expect(sandbox.nextDue(after: Self.now.addingTimeInterval(-60), spentPauseTime: nil) == nil)
    }

    @Test(
        "for how long one is kept, in whole seconds",
        arguments: [
            ("3m", "2027-01-15T08:03:00Z"), ("1h30m", "2027-01-15T09:30:00Z"), ("forever", "2126-12-22T08:00:00Z"),
            ("30d", "2126-12-22T08:00:00Z"), ("", "2126-12-22T08:00:00Z"),
        ]
    )
    func reservation(text: String, end: String) {
        #expect(KruiseReservation(text).end(from: Self.now).text == end)
    }
}
