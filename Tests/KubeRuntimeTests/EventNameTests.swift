// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

@testable import KubeRuntime

@Suite("The names of events")
struct EventNameTests {
    @Test("are in the order of their times, also within a second, and have one length")
    func order() {
        let times: [Int64] = [0, 1, 999_999, 1_000_000, 1_800_000_000_000_000, 1_800_000_000_000_001]
        let names = times.map { EventRecorder.suffix(at: MicroTime(microseconds: $0)) }
        #expect(names == names.sorted())
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.utf8.count == 17 })
    }
}
