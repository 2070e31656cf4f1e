// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import Testing

@testable import KubeRuntime

struct ReflectorStateTests {
    private let backoff = Backoff(firstDelay: .seconds(1), longestDelay: .seconds(8))

    private func error(_ kind: KubeError.Kind) -> KubeError {
        KubeError(kind, operation: "watch", subject: "pods", reason: "it is so")
    }

    @Test func afterAFailureItGoesOnAfterAPauseThatGrows() {
        var state = ReflectorState()
        #expect(state.work == .list(isPaged: true))
        #expect(state.failed(error(.unreachable), backoff) == .seconds(1) && state.work == .list(isPaged: true))
        #expect(state.failed(error(.forbidden), backoff) == .seconds(2) && state.failure != nil)
        state.listed("7")
        #expect(state.work == .watch(from: "7") && state.failures == 0 && state.failure == nil)
        state.advanced(to: "9")
        #expect(state.failed(error(.unreachable), backoff) == .seconds(1) && state.work == .watch(from: "9"))
        state.advanced(to: nil)
        #expect(state.failure == nil && state.work == .watch(from: "9"))
    }

    /// From a state that is too old nothing can be watched: only a list helps, and at once.
    @Test func aStateThatIsTooOldIsListedAgain() {
        var state = ReflectorState()
        state.listed("7")
        #expect(state.failed(error(.expired), backoff) == .zero && state.work == .list(isPaged: true))
        // Pages that come too slowly are asked for in one.
        #expect(state.failed(error(.expired), backoff) == .seconds(1) && state.work == .list(isPaged: false))
        state.listed("8")
        #expect(state.work == .watch(from: "8"))
        #expect(state.failed(error(.expired), backoff) == .zero && state.work == .list(isPaged: true))
    }
}
