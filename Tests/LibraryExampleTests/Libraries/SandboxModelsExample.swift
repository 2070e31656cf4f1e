// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SandboxModels
import Testing

@Suite("The example of SandboxModels")
struct SandboxModelsExample {
    @Test("decides to create what is wanted and not there")
    func creates() {
        let now = Date(timeIntervalSince1970: 0)
        var recorded = Recorded(identity: "box", now: now)
        let intent = Intent(wish: .running, generation: 1)

        let decision = Lifecycle.decide(
            intent: intent,
            recorded: recorded,
            observation: Observation(compute: .absent),
            now: now
        )
        recorded = decision.record  // kept before anything is done
        for action in decision.actions {
            print(action)  // createCompute(attempt: 1, from: nil)
        }
        #expect(recorded == decision.record)
        #expect(decision.actions == [.createCompute(attempt: 1, from: nil)])
    }
}
