// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The explorations of a sandbox of which a snapshot is taken.
extension ModelCheck {
    package static let smallSnapshotChecks: [ModelCheck] = [
        snapshot(Budget(intents: 1, writes: 0, faults: 0, takesSnapshot: true))
    ]

    package static let largeSnapshotChecks: [ModelCheck] = [
        snapshot(Budget(intents: 1, writes: 0, faults: 1, takesSnapshot: true)),
        snapshot(Budget(intents: 2, writes: 0, faults: 0, takesSnapshot: true)),
        snapshot(Budget(intents: 0, writes: 0, faults: 2, takesSnapshot: true)),
    ]

    package static let snapshotMutations: [ModelCheck] =
        SnapshotMutation.allCases.map { mutation in
            let budget = Budget(intents: 1, writes: 0, faults: 1, takesSnapshot: true)
            return snapshot(budget, "\(mutation)", mutation, breaks: mutation.law)
        }
        + [Mutation.pausesDuringSnapshot, .keepsTurn].map { mutation in
            snapshot(mutation.budget, "\(mutation)", ofSandbox: mutation, breaks: mutation.law)
        }

    private static func snapshot(
        _ budget: Budget,
        _ name: String? = nil,
        _ mutation: SnapshotMutation? = nil,
        ofSandbox sandboxMutation: Mutation? = nil,
        breaks law: Law? = nil
    ) -> ModelCheck {
        ModelCheck("snapshot, \(name ?? "\(budget)")", breaks: law) {
            let model = SandboxModel(
                budget: budget,
                machine: Machine(mutation: sandboxMutation),
                snapshots: SnapshotMachine(mutation: mutation)
            )
            return Explorer(model: model).run()
        }
    }
}
