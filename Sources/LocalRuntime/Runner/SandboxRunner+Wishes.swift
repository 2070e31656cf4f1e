// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// What is asked of one sandbox.
extension SandboxRunner {
    /// States a wish if the API admits it now.
    ///
    /// - Throws: `SandboxError` with `notFound` or `invalidState`, or what the store threw.
    func state(_ request: LifecycleRequest, api: LifecycleAPI) async throws {
        guard let wish = request.wish else { return }
        try await change(request, api: api) { intent in
            if request == .pause { try expectNoSnapshot() }
            if request == .resume { try expectNoMove() }
            intent.wish = wish
            intent.generation += 1
            if request == .resume { intent.timers.resume { endAfterResume($0) } }
        }
        wishRequest = RequestID.current
    }

    /// Makes the sandbox expire at another time, earlier or later. Not a new wish: a transition goes on as it is.
    ///
    /// - Throws: `SandboxError` with `notFound`, `neverExpires`, or what the store threw.
    func renew(until date: Date, api: LifecycleAPI) async throws {
        try await change(.renew, api: api) { intent in
            guard intent.timers.expireAt != nil else {
                throw SandboxError(
                    .neverExpires,
                    "the sandbox \(id) was created without a timeout and never expires, so there is nothing to renew"
                )
            }
            intent.timers.expireAt = date
        }
    }

    /// When the time of a sandbox that is resumed now ends: not before a whole lifetime has passed. Its time ran on while it
    /// was paused, and it must not be deleted the moment it is back.
    private func endAfterResume(_ end: Date) -> Date {
        guard let lifetime = row.lifetime else { return end }
        let least = max(lifetime, row.spec.timeout?.leastAfterResume ?? 0)
        return max(end, world.now().addingTimeInterval(least))
    }
}

extension SandboxError {
    /// What is told of a refusal.
    init(_ refusal: Admission.Refusal) {
        self.init(refusal.code == .notFound ? .notFound : .invalidState, refusal.problem.message)
    }
}

extension LifecycleRequest {
    /// The wish that the request states, if it states one.
    fileprivate var wish: Wish? {
        switch self {
        case .pause: .paused
        case .resume: .running
        case .delete: .deleted
        case .renew: nil
        }
    }
}
