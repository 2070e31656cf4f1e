// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The explorations of what becomes of artifacts.
extension ModelCheck {
    /// A moment's work, optimized or not.
    package static let retentionChecks: [ModelCheck] = [retention(nil)]

    package static let retentionMutations: [ModelCheck] = RetentionMutation.allCases.map { retention($0) }

    private static func retention(_ mutation: RetentionMutation?) -> ModelCheck {
        let (creations, faults): (UInt8, UInt8) = (3, 3)
        let name = mutation.map { "\($0)" } ?? "\(creations) creations, \(faults) faults"
        return ModelCheck("retention, \(name)", breaks: mutation?.law) {
            var report = Explorer(model: RetentionModel(creations: creations, faults: faults, mutation: mutation)).run()
            report.gaps = report.neverHappened
            return report
        }
    }
}
