// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// The state machine of one sandbox: what to do next, and what may be asked of it.
///
/// Both functions are pure and total. How a pause, a resume or a deletion runs is in the file named for it.
public enum Lifecycle {
    /// Decides what comes next for one sandbox.
    ///
    /// The same arguments always give the same decision, and deciding again from the record of a decision, with
    /// nothing else changed, gives that decision again: `decision.record` is the end of everything that can be
    /// concluded, and `decision.actions` are what that record still lacks outside. So whoever runs the machine does
    /// this, in a loop, whenever an intent or an observation changed or `wakeAt` has come:
    ///
    /// 1. read the record and the intent, and observe; 2. decide; 3. if the record changed, store it, provided that
    /// the stored one is still the one that was read, else begin again; 4. carry out the actions.
    ///
    /// - Parameters:
    ///   - intent: What the owner asked for.
    ///   - recorded: What the machine has written down.
    ///   - observation: What is true outside.
    ///   - now: The present.
    ///   - policy: The machine's own time limits.
    public static func decide(
        intent: Intent,
        recorded: Recorded,
        observation: Observation,
        now: Date,
        policy: LifecyclePolicy = LifecyclePolicy()
    ) -> Decision {
        Situation(
            intent: intent,
            recorded: recorded.taking(observation),
            observation: observation,
            now: now,
            policy: policy
        ).decision
    }
}

extension Situation {
    /// What is decided in this situation.
    var decision: Decision {
        var situation = self
        // Each turn concludes one phase from the one before. The longest chain is a few phases long; the limit only
        // makes it evident that this ends.
        for _ in 0..<Phase.Name.allCases.count {
            switch situation.move {
            case .become(let record):
                situation.recorded = record
            case .stay(let actions, let wakeAt):
                return Decision(
                    record: situation.recorded,
                    conditions: situation.conditions,
                    actions: actions + situation.cleanup,
                    wakeAt: situation.earliest(wakeAt)
                )
            }
        }
        return Decision(record: situation.recorded, conditions: situation.conditions, actions: [])
    }
}
