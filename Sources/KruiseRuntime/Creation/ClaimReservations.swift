// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Which sandboxes of sets requests of this server are about to take, so that two of them do not try the same one. What counts is
/// the write, which only one of all servers can do.
final class ClaimReservations: Sendable {
    private let reserved = Mutex<Set<String>>([])

    /// Reserves the first of some sandboxes that nobody else is about to take; nil if there is none.
    func reserve<Candidate: Sendable>(_ candidates: [Candidate], by uid: (Candidate) -> String) -> Candidate? {
        reserved.withLock { reserved in
            guard let found = candidates.first(where: { !reserved.contains(uid($0)) }) else { return nil }
            reserved.insert(uid(found))
            return found
        }
    }

    /// Gives one back, taken or not.
    func release(_ uid: String) { reserved.withLock { _ = $0.remove(uid) } }
}
