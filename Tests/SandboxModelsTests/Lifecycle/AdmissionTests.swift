// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

@Suite("Admission")
struct AdmissionTests {
    /// What each API answers: REST, custom resource, E2B. `+` accept, `=` noop, `~` queue, `!` invalid state,
    /// `?` not found.
    static let table: [(Phase.Name, pause: String, resume: String, delete: String, renew: String)] = [
        (.pending, "!~!", "!~=", "+++", "+++"),
        (.running, "+++", "!==", "+++", "+++"),
        (.pausing, "!~=", "!~!", "+++", "+++"),
        (.sealing, "!~=", "!~!", "+++", "+++"),
        (.releasing, "!~=", "!~!", "+++", "+++"),
        (.thawing, "!~!", "!~=", "+++", "+++"),
        (.paused, "!==", "+++", "+++", "+++"),
        (.resuming, "!~!", "!~=", "+++", "+++"),
        (.failed, "!!!", "+++", "+++", "+++"),
        (.deleting, "???", "???", "===", "???"),
        (.deleted, "???", "???", "???", "???"),
    ]

    @Test("answers as the table says", arguments: table.indices)
    func answers(row: Int) throws {
        let (name, pause, resume, delete, renew) = Self.table[row]
        for phase in RecordCodingTests.phases where phase.name == name {
            var recorded = Recorded(identity: "box", now: Story.start)
            recorded.phase = phase
            recorded.acknowledged = 1
            for (request, expected) in [
                (LifecycleRequest.pause, pause), (.resume, resume), (.delete, delete), (.renew, renew),
            ] {
                let answers = LifecycleAPI.allCases.map { api in
                    let intent = Intent(wish: .running, generation: 1)
                    return sign(Lifecycle.admit(request, intent: intent, recorded: recorded, api: api))
                }
                #expect(String(answers) == expected, "\(request) of \(phase)")
            }
        }
    }

    @Test("every phase is in the table")
    func complete() {
        #expect(Set(Self.table.map(\.0)) == Set(Phase.Name.allCases))
    }

    @Test("a wish that the machine has not seen yet counts")
    func unseen() {
        var running = Story.running()
        running.state(.paused)
        #expect(answers(.pause, running) == "!~=")
        #expect(answers(.resume, running) == "!~!")

        var paused = Story.paused()
        paused.state(.running)
        #expect(answers(.pause, paused) == "!~!")
        #expect(answers(.resume, paused) == "!~=")

        var deleted = Story.running()
        deleted.state(.deleted)
        #expect(answers(.pause, deleted) == "???")
        #expect(answers(.delete, deleted) == "===")
    }

    @Test("whatever is accepted leads somewhere", arguments: [LifecycleRequest.pause, .resume])
    func accepted(request: LifecycleRequest) {
        for var story in DeleteTransitionTests.stories {
            guard answers(request, story).contains("+") else { continue }
            story.seen.compute = story.recorded.phase == .running ? .running(story.recorded.incarnation) : .absent
            let before = story.recorded.phase.name
            story.state(request == .pause ? .paused : .running)
            #expect(story.decide().record.phase.name != before)
        }
    }

    private func answers(_ request: LifecycleRequest, _ story: Story) -> String {
        String(
            LifecycleAPI.allCases.map { api in
                sign(Lifecycle.admit(request, intent: story.intent, recorded: story.recorded, api: api))
            }
        )
    }

    private func sign(_ admission: Admission) -> Character {
        switch admission {
        case .accept: "+"
        case .noop: "="
        case .queue: "~"
        case .refuse(let refusal): refusal.code == .notFound ? "?" : "!"
        }
    }
}
