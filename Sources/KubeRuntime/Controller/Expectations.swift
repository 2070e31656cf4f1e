// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import Synchronization

/// What a controller has written and its informer has not seen yet.
///
/// A store lags behind: who has just created an object does not find it there, and would create another one. So every write
/// goes through here, every change that the informer tells is shown to ``observe(_:)``, and a key is left alone until the store
/// has caught up with what was written for it.
///
/// ```swift
/// guard expectations.areMet(for: key) else { return .requeue(after: expectations.patience) }
/// try await expectations.creation(for: key) { try await jobs.create(job) }
/// ```
///
/// The change that is waited for brings the key back. Of what never shows up, such as an object that does not match the
/// informer's selector, it is forgotten after a while.
public final class Expectations<Key: Hashable & Sendable>: Sendable {
    /// After what time a write is taken for seen.
    public let patience: Duration
    private let state: Mutex<ExpectationState<Key>>
    private let timeline: Timeline

    /// Creates an empty one.
    ///
    /// - Parameter patience: after what time a write is taken for seen.
    public init(patience: Duration = .seconds(300), clock: any Clock<Duration> = .continuous) {
        self.patience = patience
        timeline = Timeline(clock)
        state = Mutex(ExpectationState(patience: patience))
    }

    /// Whether the store shows everything that was written for a key.
    public func areMet(for key: Key) -> Bool { state.withLock { $0.areMet(for: key, at: timeline.now) } }

    /// Takes note of a change that the informer tells. Call it in the closure that finds the keys for a change, before they are
    /// added to the queue.
    public func observe(_ change: Change<some KubeObject>) {
        state.withLock { state in
            switch change {
            case .added(let object, _), .updated(_, let object): state.saw(object.metadata)
            case .deleted(let object, _): state.sawDeletion(of: object.metadata)
            }
        }
    }

    /// Creates or changes an object, and waits with the key until it is seen so.
    public func creation<Object: KubeObject>(
        for key: Key,
        _ write: () async throws -> Object
    ) async throws -> Object {
        state.withLock { $0.begin() }
        defer { state.withLock { $0.end() } }
        let object = try await write()
        state.withLock { $0.expect(object.metadata, for: key, at: timeline.now) }
        return object
    }

    /// Deletes an object, and waits with the key until it is seen gone.
    public func deletion<Result>(
        of object: some KubeObject,
        for key: Key,
        _ delete: () async throws -> Result
    ) async throws -> Result {
        state.withLock { $0.begin() }
        defer { state.withLock { $0.end() } }
        let result = try await delete()
        state.withLock { $0.expectDeletion(of: object.metadata, for: key, at: timeline.now) }
        return result
    }

    /// A key is of no interest any more.
    public func forget(_ key: Key) { state.withLock { $0.forget(key) } }
}

/// What was written and not seen yet. Pure.
struct ExpectationState<Key: Hashable & Sendable>: Sendable {
    private enum Wanted {
        /// It is there in this state or a later one.
        case version(String)
        /// It is gone, or going to be when its finalizers are done.
        case deletion
    }

    private struct Seen {
        let version: String?
        let isDeleted: Bool
        let isGone: Bool
    }

    private struct Expectation {
        let wanted: Wanted
        let since: Duration
    }

    let patience: Duration
    /// By key, by the UID of what was written.
    private var expected: [Key: [String: Expectation]] = [:]
    /// Which keys wait for an object.
    private var keys: [String: Set<Key>] = [:]
    /// How many writes are under way, and what was seen meanwhile: their answers may come later than what they bring about.
    private var writes = 0
    private var seen: [String: Seen] = [:]

    init(patience: Duration) { self.patience = patience }

    mutating func areMet(for key: Key, at now: Duration) -> Bool {
        for (uid, expectation) in expected[key] ?? [:] where now - expectation.since >= patience {
            meet(uid, for: key)
        }
        return expected[key] == nil
    }

    mutating func begin() { writes += 1 }

    mutating func end() {
        writes -= 1
        if writes == 0 { seen = [:] }
    }

    mutating func expect(_ metadata: ObjectMeta, for key: Key, at now: Duration) {
        guard let uid = metadata.uid, let version = metadata.resourceVersion else { return }
        expect(.version(version), uid, for: key, at: now)
    }

    mutating func expectDeletion(of metadata: ObjectMeta, for key: Key, at now: Duration) {
        guard let uid = metadata.uid else { return }
        expect(.deletion, uid, for: key, at: now)
    }

    mutating func saw(_ metadata: ObjectMeta) { saw(metadata, isGone: false) }

    mutating func sawDeletion(of metadata: ObjectMeta) { saw(metadata, isGone: true) }

    mutating func forget(_ key: Key) {
        for uid in expected[key].map({ Array($0.keys) }) ?? [] { meet(uid, for: key) }
    }

    private mutating func expect(_ wanted: Wanted, _ uid: String, for key: Key, at now: Duration) {
        if let seen = seen[uid], Self.meets(seen, wanted) { return }
        expected[key, default: [:]][uid] = Expectation(wanted: wanted, since: now)
        keys[uid, default: []].insert(key)
    }

    private mutating func saw(_ metadata: ObjectMeta, isGone: Bool) {
        guard let uid = metadata.uid else { return }
        let isDeleted = metadata.deletionTimestamp != nil
        let state = Seen(version: metadata.resourceVersion, isDeleted: isDeleted, isGone: isGone)
        if writes > 0 { seen[uid] = state }
        for key in keys[uid] ?? [] {
            if let expectation = expected[key]?[uid], Self.meets(state, expectation.wanted) { meet(uid, for: key) }
        }
    }

    private mutating func meet(_ uid: String, for key: Key) {
        expected[key]?[uid] = nil
        if expected[key]?.isEmpty == true { expected[key] = nil }
        keys[uid]?.remove(key)
        if keys[uid]?.isEmpty == true { keys[uid] = nil }
    }

    /// Versions are numbers that grow, wherever they come from etcd. Where they are not, only the very same one counts.
    private static func meets(_ seen: Seen, _ wanted: Wanted) -> Bool {
        if seen.isGone { return true }
        switch wanted {
        case .deletion: return seen.isDeleted
        case .version(let wanted):
            guard let version = seen.version else { return false }
            if let version = UInt64(version), let wanted = UInt64(wanted) { return version >= wanted }
            return version == wanted
        }
    }
}
