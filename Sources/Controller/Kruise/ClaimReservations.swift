// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import Synchronization

import struct Foundation.UUID

/// Which sandboxes the claims of this process aim at, so that its workers do not fight over one. A cache: what counts is what is
/// written into a sandbox.
final class ClaimReservations: Sendable {
    private let claims = Mutex<[String: String]>([:])

    /// Those that no other claim aims at.
    func free(_ sandboxes: [KruiseSandbox], for claim: String) -> [KruiseSandbox] {
        claims.withLock { claims in
            sandboxes.filter { sandbox in sandbox.metadata.uid.map { claims[$0] == nil } ?? false }
        }
    }

    /// Has a claim aim at some, at those that come first.
    func pick(_ count: Int, of sandboxes: [KruiseSandbox], for claim: String) -> [KruiseClaimPlace] {
        guard count > 0 else { return [] }
        return claims.withLock { claims in
            var places: [KruiseClaimPlace] = []
            for sandbox in sandboxes {
                guard places.count < count else { break }
                guard let uid = sandbox.metadata.uid, claims[uid] == nil else { continue }
                claims[uid] = claim
                places.append(KruiseClaimPlace(sandbox.metadata.name, uid: uid, lock: UUID().uuidString.lowercased()))
            }
            return places
        }
    }

    /// A claim aims at some no more.
    ///
    /// - Returns: Whether it did.
    func release(_ sandboxes: [String], of claim: String) -> Bool {
        claims.withLock { claims in
            let held = sandboxes.filter { claims[$0] == claim }
            for uid in held { claims[uid] = nil }
            return !held.isEmpty
        }
    }

    /// A claim aims at nothing any more.
    ///
    /// - Returns: Whether it did.
    func forget(_ claim: String) -> Bool {
        claims.withLock { claims in
            let count = claims.count
            claims = claims.filter { $0.value != claim }
            return claims.count != count
        }
    }

    /// Takes note of what has become of a sandbox: what is no set's any more need not be reserved.
    func observe(_ change: Change<KruiseSandbox>) {
        guard let uid = change.object.metadata.uid else { return }
        if case .updated = change, change.object.isInSet { return }
        if case .added = change, change.object.isInSet { return }
        claims.withLock { $0[uid] = nil }
    }
}

/// The claims that wait for sandboxes of a set. A cache: at the start they are all looked at.
final class ClaimsWaiting: Sendable {
    private struct State {
        /// By claim, its set and whether its owner was told.
        var sets: [ObjectKey: (set: ObjectKey, isTold: Bool)] = [:]
        var claims: [ObjectKey: Set<ObjectKey>] = [:]

        mutating func forget(_ claim: ObjectKey) {
            guard let old = sets.removeValue(forKey: claim) else { return }
            claims[old.set]?.remove(claim)
            if claims[old.set]?.isEmpty == true { claims[old.set] = nil }
        }
    }

    private let state = Mutex(State())

    /// Notes that a claim may wait.
    func note(_ claim: ObjectKey, set: ObjectKey) {
        state.withLock { state in
            guard state.sets[claim]?.set != set else { return }
            state.forget(claim)
            state.sets[claim] = (set, false)
            state.claims[set, default: []].insert(claim)
        }
    }

    /// Notes that the owner of a claim is told that it waits.
    ///
    /// - Returns: Whether that is news.
    func tell(_ claim: ObjectKey) -> Bool {
        state.withLock { state in
            guard let found = state.sets[claim], !found.isTold else { return false }
            state.sets[claim]?.isTold = true
            return true
        }
    }

    /// It waits no more.
    func forget(_ claim: ObjectKey) { state.withLock { $0.forget(claim) } }

    /// Those that wait for a set.
    func claims(of set: ObjectKey) -> [ObjectKey] { state.withLock { Array($0.claims[set] ?? []) } }
}

/// Claims as they were answered last, which the cache may not show yet.
final class ClaimMemory: Sendable {
    private let claims = Mutex<[ObjectKey: KruiseSandboxClaim]>([:])

    /// Takes note of an answer.
    func note(_ claim: KruiseSandboxClaim) { claims.withLock { $0[claim.key] = claim } }

    /// The newer one of what the cache shows and what was answered.
    func newest(_ cached: KruiseSandboxClaim) -> KruiseSandboxClaim {
        claims.withLock { claims in
            guard let answered = claims[cached.key], answered.metadata.uid == cached.metadata.uid,
                answered.isNewer(than: cached)
            else {
                claims[cached.key] = cached
                return cached
            }
            return answered
        }
    }

    /// A claim is gone.
    ///
    /// - Returns: The last of it that is known.
    func forget(_ claim: ObjectKey) -> KruiseSandboxClaim? { claims.withLock { $0.removeValue(forKey: claim) } }
}

/// What the API server has answered to several at once.
final class ClaimAnswers: Sendable {
    private let answers = Mutex<[String: KruiseSandbox?]>([:])

    /// All of them, by the name that was asked about; nil if there is none of it.
    var all: [String: KruiseSandbox?] { answers.withLock { $0 } }

    /// Takes note of one.
    func note(_ sandbox: KruiseSandbox?, _ name: String) {
        answers.withLock { _ = $0.updateValue(sandbox, forKey: name) }
    }
}
