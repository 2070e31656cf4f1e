// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

package import KubeModels
package import SandboxModels
import Synchronization

/// An object that is a sandbox.
package protocol SandboxObject: KubeResource {
    /// What clients call the sandbox.
    var sandboxID: String { get }
    /// What it says, for those who ask for the sandbox.
    var sandbox: Sandbox { get }
    /// Whether it is somebody's, and so there for those who ask.
    var isTaken: Bool { get }
}

/// The sandboxes that are known, by identity and in the order in which they are listed, and who waits for changes of them.
///
/// Watches tell it, and so do the server's own writes, which are there before the watch has heard of them: whoever paused a
/// sandbox reads next that it is pausing.
package final class SandboxDirectory<Object: SandboxObject>: Sendable {
    /// One sandbox.
    package struct Entry: Sendable {
        /// The object, without its managed fields.
        package var object: Object
        /// What it says, for those who ask.
        package var sandbox: Sandbox

        /// Creates one.
        package init(object: Object, sandbox: Sandbox) {
            self.object = object
            self.sandbox = sandbox
        }
    }

    fileprivate struct State {
        var entries: [String: Entry] = [:]
        /// The sandboxes, newest first.
        var order: [Sandbox] = []
        var isSynced = false
        var watchers: [String: [UInt64: AsyncStream<Entry?>.Continuation]] = [:]
        var syncWatchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var lastWatcher: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Creates an empty one.
    package init() {}

    // MARK: Reading

    /// Whether everything is known.
    package var isSynced: Bool { state.withLock(\.isSynced) }

    /// How many sandboxes there are.
    package var count: Int { state.withLock(\.entries.count) }

    /// A sandbox; nil if there is none.
    package subscript(id: String) -> Entry? { state.withLock { $0.entries[id] } }

    /// All sandboxes, newest first.
    package var all: [Sandbox] { state.withLock(\.order) }

    /// A sandbox as it is and as it becomes: nil while there is none. Whoever is slow hears only of the newest state. It
    /// goes on until its reader ends.
    package func changes(of id: String) -> AsyncStream<Entry?> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let watcher = state.withLock { state in
                state.lastWatcher += 1
                state.watchers[id, default: [:]][state.lastWatcher] = continuation
                continuation.yield(state.entries[id])
                return state.lastWatcher
            }
            continuation.onTermination = { [weak self] _ in self?.unwatch(id, watcher) }
        }
    }

    /// Returns when everything is known; false if the task was cancelled.
    package func waitUntilSynced() async -> Bool {
        let changes = AsyncStream<Void>(bufferingPolicy: .bufferingNewest(1)) { continuation in
            state.withLock { state in
                if state.isSynced {
                    continuation.finish()
                } else {
                    state.lastWatcher += 1
                    state.syncWatchers[state.lastWatcher] = continuation
                }
            }
        }
        for await _ in changes {}
        return isSynced
    }

    private func unwatch(_ id: String, _ watcher: UInt64) {
        state.withLock { state in
            state.watchers[id]?[watcher] = nil
            if state.watchers[id]?.isEmpty == true { state.watchers[id] = nil }
        }
    }

    // MARK: Changing

    /// Takes a state of an object in, unless a newer one is known.
    ///
    /// - Returns: The sandbox as it is known then.
    @discardableResult
    package func put(_ object: Object) -> Sandbox {
        guard object.isTaken else {
            remove(object)
            return object.sandbox
        }
        let id = object.sandboxID
        var entry = Entry(object: object, sandbox: object.sandbox)
        return state.withLock { state in
            if let known = state.entries[id] {
                if known.object.metadata.name != object.metadata.name {
                    // Two objects that call themselves the same: the one of that name is meant.
                    if known.object.metadata.name == id { return known.sandbox }
                } else if !object.metadata.replaces(known.object.metadata) {
                    return known.sandbox
                }
                // Between two records of one state the time of the last change stays.
                if known.sandbox.status.state == entry.sandbox.status.state,
                    known.object.metadata.uid == object.metadata.uid
                {
                    entry.sandbox.status.lastTransitionAt = known.sandbox.status.lastTransitionAt
                }
                if let place = state.place(of: known.sandbox) { state.order.remove(at: place) }
            }
            state.entries[id] = entry
            state.order.insert(entry.sandbox, at: state.place(for: entry.sandbox))
            state.tell(id, entry)
            return entry.sandbox
        }
    }

    /// Forgets an object that is gone.
    package func remove(_ object: Object) {
        let id = object.sandboxID
        state.withLock { state in
            guard let known = state.entries[id], known.object.metadata.uid == object.metadata.uid else { return }
            state.entries[id] = nil
            if let place = state.place(of: known.sandbox) { state.order.remove(at: place) }
            state.tell(id, nil)
        }
    }

    /// Notes that everything is known.
    package func markSynced() {
        let watchers = state.withLock { state in
            state.isSynced = true
            defer { state.syncWatchers = [:] }
            return Array(state.syncWatchers.values)
        }
        for watcher in watchers { watcher.finish() }
    }
}

extension SandboxDirectory.State {
    fileprivate func tell(_ id: String, _ entry: SandboxDirectory.Entry?) {
        guard let watchers = watchers[id] else { return }
        for watcher in watchers.values { watcher.yield(entry) }
    }

    /// Where a sandbox is in the order.
    fileprivate func place(of sandbox: Sandbox) -> Int? {
        let place = place(for: sandbox)
        return order.indices.contains(place) && order[place].id == sandbox.id ? place : nil
    }

    /// Where a sandbox belongs in the order.
    fileprivate func place(for sandbox: Sandbox) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            let other = order[middle]
            if (other.createdAt, other.id) > (sandbox.createdAt, sandbox.id) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension ObjectMeta {
    /// Whether this state of an object is to take the place of another one. States of one object are numbered by the API
    /// server; a number that cannot be read is taken for the newer one.
    fileprivate func replaces(_ known: ObjectMeta) -> Bool {
        guard uid == known.uid, let old = known.resourceVersion.flatMap({ UInt64($0) }),
            let new = resourceVersion.flatMap({ UInt64($0) })
        else { return true }
        return new > old
    }
}
