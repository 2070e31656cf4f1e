// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Refuses requests (503) while as many are being worked on as the configuration allows, so that a flood costs bounded
/// memory.
final class ConcurrencyLimit: Sendable {
    private let limit: Int
    private let running = Atomic(0)

    /// - Parameter limit: 0 for none.
    init(_ limit: Int) {
        self.limit = limit
    }

    /// Counts a request that begins; if this does not throw, ``leave()`` has to follow.
    ///
    /// - Throws: ``APIError`` (503).
    func enter() throws(APIError) {
        let before = running.wrappingAdd(1, ordering: .relaxed).oldValue
        guard limit == 0 || before < limit else {
            leave()
            throw .overloaded
        }
    }

    /// Counts a request that has ended.
    func leave() {
        running.wrappingSubtract(1, ordering: .relaxed)
    }
}
