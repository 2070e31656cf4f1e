// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

@testable import Server

@Suite struct WakeStateTests {
    static let looks: [WakeState.Look] = SandboxStatus.State.allCases.flatMap { state in
        [nil, "why"].flatMap { message in
            (state == .running ? [true, false] : [false]).map {
                WakeState.Look(state: state, message: message, hasAddress: $0)
            }
        }
    }

    static let events: [WakeState.Event] =
        looks.map { .saw($0) } + [.resumeAgreed, .resumeOutOfTurn, .resumeFailed(nil), .resumeFailed("r"), .gone]

    /// Every sequence of events, as far as the states go.
    @Test func everyWay() {
        var known: Set<WakeState> = [.watching]
        var open = Array(known)
        while let state = open.popLast() {
            for event in Self.events {
                var next = state
                let action = next.step(event)
                check(state, event, action, next)
                if known.insert(next).inserted { open.append(next) }
            }
        }
        // All states are reached, each look and each outcome in its turn.
        #expect(known.contains(.resuming))
        #expect(known.contains(.ended(.awake)) && known.contains(.ended(.gone)) && known.contains(.ended(.failed("r"))))
        #expect(known.contains { if case .asking = $0 { true } else { false } })
        #expect(known.contains { if case .agreed = $0 { true } else { false } })
    }

    private func check(_ state: WakeState, _ event: WakeState.Event, _ action: WakeState.Action, _ next: WakeState) {
        // It ends once, and says so exactly then.
        if case .ended = state {
            #expect(action == .wait && next == state)
        } else if case .ended(let outcome) = next {
            #expect(action == .finish(outcome))
        } else if case .finish = action {
            Issue.record("\(state) finished by \(event) and went on as \(next)")
        }
        // It is asked to resume only when it is seen paused, and never again before that was answered.
        if action == .resume {
            guard case .saw(let look) = event else { Issue.record("resumed by \(event)"); return }
            #expect(look.state == .paused && state == .watching && next == .asking(look))
        }
        // Nobody is sent to a sandbox that has no address.
        if action == .finish(.awake) {
            guard case .saw(let look) = event else { Issue.record("awake by \(event)"); return }
            #expect(look.state == .running && look.hasAddress)
        }
        // What runs and has an address is awake whatever was thought before.
        if case .saw(let look) = event, look.hasAddress, look.state == .running {
            #expect(next == .ended(.awake) || { if case .ended = state { true } else { false } }())
        }
    }

    static func states(_ events: [WakeState.Event]) -> [WakeState.Action] {
        var state = WakeState.watching
        return events.map { state.step($0) }
    }

    static func saw(_ state: SandboxStatus.State, _ message: String? = nil, address: Bool = false) -> WakeState.Event {
        .saw(.init(state: state, message: message, hasAddress: address))
    }

    @Test func aPauseIsWaitedFor() {
        let actions = Self.states([
            Self.saw(.pausing), Self.saw(.paused), .resumeAgreed, Self.saw(.paused), Self.saw(.resuming),
            Self.saw(.running), Self.saw(.running, address: true),
        ])
        #expect(actions == [.wait, .resume, .wait, .wait, .wait, .wait, .finish(.awake)])
    }

    @Test func aResumeThatFailsIsTold() {
        let seen = Self.states([Self.saw(.paused), .resumeAgreed, Self.saw(.resuming), Self.saw(.paused, "gone")])
        #expect(seen.last == .finish(.failed("gone")))
        // Even if it was not seen to resume.
        let unseen = Self.states([Self.saw(.paused, "old"), .resumeAgreed, Self.saw(.paused, "old"), Self.saw(.paused, "new")])
        #expect(unseen == [.resume, .wait, .wait, .finish(.failed("new"))])
    }

    @Test func aPauseInBetweenMakesItBeAskedAgain() {
        let actions = Self.states([
            Self.saw(.paused), .resumeAgreed, Self.saw(.resuming), Self.saw(.pausing), Self.saw(.paused),
        ])
        #expect(actions == [.resume, .wait, .wait, .wait, .resume])
        #expect(Self.states([Self.saw(.paused), .resumeOutOfTurn, Self.saw(.paused)]) == [.resume, .wait, .resume])
    }
}
