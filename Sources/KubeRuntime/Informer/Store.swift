// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// The objects that an informer has seen. Reading waits for nothing; what is read is as old as the last event.
public final class Store<Object: KubeObject>: Sendable {
    struct State {
        var contents: StoreContents<Object>
        /// Whether the first list is complete.
        var isSynced = false
        /// What each listener has still to hear of.
        var backlogs: [UInt64: Backlog<Object>] = [:]
        var lastListener: UInt64 = 0

        mutating func tell(_ changes: [Change<Object>]) {
            for id in backlogs.keys {
                for change in changes { backlogs[id]?.append(change) }
            }
        }
    }

    let monitor: Monitor<State>
    private let backlogLimit: Int

    init(indexes: [StoreIndex<Object>], backlogLimit: Int) {
        monitor = Monitor(State(contents: StoreContents(indexes: indexes)))
        self.backlogLimit = backlogLimit
    }

    /// Whether all objects are in it that were there at the beginning.
    public var isSynced: Bool { monitor.read(\.isSynced) }

    /// How many objects there are.
    public var count: Int { monitor.read(\.contents.objects.count) }

    /// An object; `nil` if there is none.
    public subscript(key: ObjectKey) -> Object? { monitor.read { $0.contents.objects[key] } }

    /// An object; `nil` if there is none.
    public subscript(namespace: String?, name: String) -> Object? { self[ObjectKey(namespace: namespace, name: name)] }

    /// All objects, in no order.
    public var objects: [Object] { monitor.read { Array($0.contents.objects.values) } }

    /// The objects that are there but not as their type says, in no order: they are kept out, or as they were when they could
    /// be read last.
    public var malformed: [MalformedObject] { monitor.read { Array($0.contents.malformed.values) } }

    /// The objects under a value of an index, ordered by their keys.
    ///
    /// The index must be one that the informer was made with.
    public func objects(_ index: StoreIndex<Object>, _ value: String) -> [Object] {
        guard let found = monitor.read({ $0.contents.objects(index.name, value) }) else {
            preconditionFailure("the informer was made without the index '\(index.name)'")
        }
        return found
    }

    // MARK: Listening

    /// Begins to keep changes for somebody: first all that is there, as added.
    func listen() -> UInt64 {
        monitor.change { state in
            state.lastListener += 1
            var backlog = Backlog<Object>(limit: backlogLimit)
            for key in state.contents.objects.keys.sorted() {
                if let object = state.contents.objects[key] { backlog.append(.added(object, isInitial: true)) }
            }
            state.backlogs[state.lastListener] = backlog
            return state.lastListener
        }
    }

    func unlisten(_ listener: UInt64) { monitor.change { $0.backlogs[listener] = nil } }

    /// The next change for a listener; `nil` if its task was cancelled.
    func next(_ listener: UInt64) async -> Change<Object>? {
        await monitor.first { $0.backlogs[listener]?.next() }
    }
}
