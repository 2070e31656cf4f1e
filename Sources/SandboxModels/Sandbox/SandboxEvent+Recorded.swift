// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

extension SandboxEvent {
    /// The event of a sandbox that was asked for.
    public static func created(at: Date) -> SandboxEvent {
        SandboxEvent(at: at, "Created", "The sandbox was asked for.")
    }

    /// What happened between two records of one sandbox, in its order. Records that differ in nothing that an owner
    /// cares about give none.
    ///
    /// - Parameters:
    ///   - earlier: What was written down before.
    ///   - record: What is written down now.
    ///   - intent: What was asked for, which tells a deletion from an expiry.
    ///   - now: The present.
    public static func events(
        from earlier: Recorded,
        to record: Recorded,
        intent: Intent,
        now: Date
    ) -> [SandboxEvent] {
        var events: [SandboxEvent] = []
        if let setback = record.setback, setback != earlier.setback {
            events.append(SandboxEvent(setback, at: now))
        }
        if earlier.phase.name != record.phase.name,
            let event = SandboxEvent(entering: record, from: earlier, intent: intent, now: now)
        {
            events.append(event)
        }
        return events
    }

    /// A transition that did not come about.
    private init(_ setback: Recorded.Setback, at now: Date) {
        let (reason, what) =
            switch setback.transition {
            case .pause: ("PauseFailed", "The pause did not come about")
            case .resume: ("ResumeFailed", "The resume did not come about")
            }
        self.init(
            at: now,
            reason,
            "\(what): \(setback.problem.reason): \(setback.problem.message)",
            kind: .warning
        )
    }

    private init?(entering record: Recorded, from earlier: Recorded, intent: Intent, now: Date) {
        switch record.phase {
        case .pending:
            self.init(at: now, "Starting", "It is started from the image it was created from.")
        case .running:
            switch earlier.phase {
            case .pending: self.init(at: now, "Started", "It runs.")
            case .resuming: self.init(at: now, "Resumed", "It runs again.")
            // Back from a pause that failed, which is told as that.
            default: return nil
            }
        case .pausing(let capture):
            self.init(at: now, "Pausing", "It is being captured (\(capture.uid)).")
        case .sealing(_, let artifact):
            self.init(at: now, "Captured", "What was captured is durable and verified: \(artifact.told).")
        case .paused:
            if case .resuming = earlier.phase { return nil }
            self.init(at: now, "Paused", "Its compute is released. It is \(record.artifact?.told ?? "kept").")
        case .resuming:
            self.init(at: now, "Resuming", "It is started from \(record.artifact?.told ?? "what was kept").")
        case .failed(let problem):
            if case .resuming = earlier.phase { return nil }
            self.init(at: now, problem.reason, problem.message, kind: .warning)
        case .deleting:
            if intent.wish == .deleted {
                self.init(at: now, "Deleting", "It is being deleted.")
            } else {
                self.init(at: now, "Expired", "Its time has come; it is being deleted.")
            }
        case .releasing, .thawing, .deleted:
            return nil
        }
    }
}

extension Artifact {
    /// The images by digest, for people.
    fileprivate var told: String {
        parts.map { "\($0.reference) (\($0.digest))" }.joined(separator: ", ")
    }
}
