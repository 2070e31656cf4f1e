// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import KubeModels

/// Changes that somebody has still to hear of, in their order.
///
/// Up to a limit each is kept. Beyond it, those of one object become one: from the state that was told last to the newest. So
/// who is slow does not make it grow without end, and still hears how everything is in the end, deletions as such. Pure.
struct Backlog<Object: KubeObject> {
    /// What there is to tell of one object.
    private struct Pending {
        let first: Change<Object>
        var last: Change<Object>
        /// The state that was told, or is going to be told before.
        var told: Object? { first.before }
        var newest: Object? { last.after }

        var changes: [Change<Object>] {
            switch (told, newest) {
            case (nil, nil): return []
            case (nil, let new?):
                if case .added = last { return [last] }
                return [.added(new, isInitial: false)]
            case (let old?, nil):
                // What was deleted last may be another one of that name.
                if last.object.metadata.uid == old.metadata.uid { return [last] }
                return [.deleted(old, isFinalStateKnown: false)]
            case (let old?, let new?):
                // It has left the selection and come back, and its final state is not the one that was told.
                if case .deleted(_, let isKnown) = first {
                    return [.deleted(old, isFinalStateKnown: isKnown), .added(new, isInitial: false)]
                }
                if old.metadata.uid == new.metadata.uid { return [.updated(old: old, new: new)] }
                return [.deleted(old, isFinalStateKnown: false), .added(new, isInitial: false)]
            }
        }
    }

    private let limit: Int
    private var changes: Deque<Change<Object>> = []
    private var merged: [ObjectKey: Pending] = [:]
    private var order: Deque<ObjectKey> = []

    init(limit: Int) { self.limit = max(limit, 2) }

    /// How many changes there are to tell, more or less: merged ones may turn out to be none or two.
    var count: Int { changes.count + order.count }

    /// Adds what comes next.
    mutating func append(_ change: Change<Object>) {
        // Once something is merged, what comes later must come after it.
        if order.isEmpty, changes.count < limit {
            changes.append(change)
        } else {
            merge(change)
        }
    }

    /// Takes the next change out.
    mutating func next() -> Change<Object>? {
        while true {
            if let change = changes.popFirst() { return change }
            guard let key = order.popFirst() else { return nil }
            guard let pending = merged.removeValue(forKey: key) else { continue }
            changes.append(contentsOf: pending.changes)
        }
    }

    private mutating func merge(_ change: Change<Object>) {
        let key = change.key
        if merged[key] == nil {
            order.append(key)
            merged[key] = Pending(first: change, last: change)
        }
        merged[key]?.last = change
    }
}

extension Change {
    fileprivate var before: Object? {
        switch self {
        case .added: nil
        case .updated(let old, _): old
        case .deleted(let object, _): object
        }
    }

    fileprivate var after: Object? {
        switch self {
        case .added(let object, _), .updated(_, let object): object
        case .deleted: nil
        }
    }
}
