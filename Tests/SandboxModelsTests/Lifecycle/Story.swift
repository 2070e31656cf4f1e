// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// One sandbox and its machine, told step by step: each `decide` starts from what the one before wrote down.
struct Story {
    var recorded = Recorded(identity: "box", now: Story.start)
    var intent = Intent(wish: .running, generation: 1)
    var seen = Observation()
    var now = Story.start
    var policy = LifecyclePolicy(captureTimeout: 100, thawGrace: 10)

    static let start = Date(timeIntervalSinceReferenceDate: 1000)

    mutating func decide() -> Decision {
        let decision = Lifecycle.decide(
            intent: intent,
            recorded: recorded,
            observation: seen,
            now: now,
            policy: policy
        )
        recorded = decision.record
        return decision
    }

    mutating func state(_ wish: Wish) {
        intent.wish = wish
        intent.generation += 1
    }

    mutating func pass(_ seconds: Double) {
        now = now.addingTimeInterval(seconds)
    }

    /// What is seen of the capture that is recorded.
    mutating func see(
        _ progress: Observation.Capture.Progress,
        _ hold: Observation.Capture.Hold
    ) {
        seen.capture = recorded.phase.capture.map { .init(uid: $0.uid, progress: progress, hold: hold) }
    }

    mutating func verify(_ outcome: Observation.Verification.Outcome, _ attempt: Int) {
        seen.verification = .init(attempt: attempt, outcome: outcome)
    }

    /// A sandbox that runs, as attempt 1.
    static func running() -> Story {
        var story = Story()
        story.seen.compute = .running(1)
        _ = story.decide()
        return story
    }

    /// A sandbox that is being captured, as attempt 2.
    static func pausing() -> Story {
        var story = running()
        story.state(.paused)
        _ = story.decide()
        return story
    }

    /// A sandbox that is captured and verified; its holder was asked to seal.
    static func sealing() -> Story {
        var story = pausing()
        story.see(.succeeded(artifact("a")), .held)
        story.verify(.verified, 2)
        _ = story.decide()
        return story
    }

    /// A sandbox that is paused.
    static func paused() -> Story {
        var story = sealing()
        story.see(.succeeded(artifact("a")), .sealed)
        _ = story.decide()
        story.seen.compute = .absent
        _ = story.decide()
        story.seen.capture = nil
        story.seen.cleaned = [.capture(uid: "box-2")]
        _ = story.decide()
        return story
    }

    /// A sandbox whose compute was lost while it ran, with the artifact of an earlier pause if it has one.
    static func failed(withArtifact: Bool) -> Story {
        var story = withArtifact ? paused() : running()
        if withArtifact {
            story.state(.running)
            _ = story.decide()
            story.seen.compute = .running(3)
            _ = story.decide()
        }
        story.seen.compute = .absent
        _ = story.decide()
        return story
    }
}

func artifact(_ digests: String...) -> Artifact {
    let parts = digests.map { Artifact.Part(container: $0, reference: "r/\($0):t", digest: "sha256:\($0)", size: 1) }
    return Artifact(provider: "test", parts: parts, platform: "linux/amd64")
}

extension Problem {
    static let told = Problem("Told", "Somebody said so.")
}

extension Decision {
    func condition(_ kind: Condition.Kind) -> Condition? {
        conditions.first { $0.kind == kind }
    }
}
