// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What owners do, in an order that chance has made, with a model beside it. It needs root.
///
/// 500 operations, or as many as four minutes allow; `STASIS_RANDOM_OPERATIONS=<n>` does that many, however long it takes,
/// and `STASIS_RANDOM_SEED=<n>` gives another order.
@Suite("Random operations")
struct RandomOperationsTests {
    private static let patience = Duration.seconds(240)

    @Test("agree with a model, and leave nothing")
    func random() async throws {
        let variables = ProcessInfo.processInfo.environment
        let fixed = variables["STASIS_RANDOM_OPERATIONS"].flatMap { Int($0) }
        let seed = variables["STASIS_RANDOM_SEED"].flatMap { UInt64($0) } ?? 20_260
        try await Testbed.with(role: nil) { testbed in
            let start = ContinuousClock.now
            try await testbed.start()
            let before = try await testbed.baseline()
            var history = RandomHistory(testbed, seed: seed)
            while history.operations < fixed ?? 500 {
                if fixed == nil, ContinuousClock.now - start > Self.patience { break }
                try await history.round()
            }
            try await history.deleteEverything()
            try await MachineState.expect(before, on: testbed)
            let counts = history.counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            let seconds = (ContinuousClock.now - start).components.seconds
            print("random operations: \(history.operations) in \(seconds) s: \(counts.joined(separator: ", "))")
            for (kind, time) in history.times.sorted(by: { $0.key < $1.key }) {
                let number = history.counts[kind] ?? 1
                print("random operations: \(kind): \(time / .milliseconds(1) / Double(max(number, 1))) ms each")
            }
            #expect(history.operations >= 20, "the machine is too slow for this to mean anything")
        }
    }
}
