// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What probes are told.
final class ManagerHealth: Sendable {
    private struct State {
        var missing: String? = "the API server was not asked yet"
        var isEnding = false
    }

    private let state = Mutex(State())

    /// The kinds are served, or not, and why not.
    func sawSchema(missing: String?) { state.withLock { $0.missing = missing } }

    /// It was told to end.
    func ends() { state.withLock { $0.isEnding = true } }

    /// Why it is not ready, by the name of the check; empty if it is. One that waits for the lease is ready.
    var faults: [(check: String, fault: String)] {
        let state = state.withLock { $0 }
        var faults: [(check: String, fault: String)] = []
        if let missing = state.missing { faults.append(("schema", missing)) }
        if state.isEnding { faults.append(("shutdown", "it is ending")) }
        return faults
    }
}
