// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels

/// What a store holds, and how it changes by events and lists. Pure.
struct StoreContents<Object: KubeObject> {
    private(set) var objects: [ObjectKey: Object] = [:]
    /// What is there but not as its type says. The last state that was is among the objects, if there was one: that it cannot be
    /// read any more does not mean that it is gone.
    private(set) var malformed: [ObjectKey: MalformedObject] = [:]
    private let indexes: [StoreIndex<Object>]
    /// By index, by value.
    private var found: [String: [String: Set<ObjectKey>]] = [:]

    init(indexes: [StoreIndex<Object>]) {
        self.indexes = indexes
        for index in indexes { found[index.name] = [:] }
    }

    /// The objects under a value of an index; `nil` if there is no such index.
    func objects(_ index: String, _ value: String) -> [Object]? {
        found[index].map { values in (values[value] ?? []).sorted().compactMap { objects[$0] } }
    }

    /// Takes an event of a watch in.
    ///
    /// - Returns: what has changed; nothing if the event was told before.
    mutating func apply(_ event: WatchEvent<Object>) -> [Change<Object>] {
        switch event {
        case .added(let object), .modified(let object):
            malformed[object.key] = nil
            return put(object, isInitial: false)
        case .deleted(let object):
            malformed[object.key] = nil
            guard let old = objects[object.key] else { return [] }
            set(object.key, nil)
            if old.metadata.uid == object.metadata.uid { return [.deleted(object, isFinalStateKnown: true)] }
            // The one that went came and went unseen, and the one that we have had gone before it.
            return [.deleted(old, isFinalStateKnown: false)]
        case .bookmark: return []
        }
    }

    /// Takes a whole list in.
    ///
    /// - Parameters:
    ///   - others: what is there but not as its type says.
    ///   - isInitial: whether it is the first one.
    /// - Returns: what has changed, deletions first.
    mutating func replace(
        with items: [Object],
        keepingOut others: [MalformedObject] = [],
        isInitial: Bool
    ) -> [Change<Object>] {
        var keys = Set(items.map(\.key))
        keys.formUnion(others.map(\.object.key))
        malformed = [:]
        let gone = objects.keys.filter { !keys.contains($0) }.sorted()
        var changes: [Change<Object>] = []
        for key in gone {
            guard let object = objects[key] else { continue }
            set(key, nil)
            changes.append(.deleted(object, isFinalStateKnown: false))
        }
        for other in others { changes += keepOut(other) }
        for item in items { changes += put(item, isInitial: isInitial) }
        return changes
    }

    /// Takes note of an object that is not as its type says.
    mutating func keepOut(_ other: MalformedObject) -> [Change<Object>] {
        let key = other.object.key
        malformed[key] = other
        // Another one of that name is gone, of which nobody was told.
        guard let old = objects[key], old.metadata.uid != other.object.metadata.uid else { return [] }
        set(key, nil)
        return [.deleted(old, isFinalStateKnown: false)]
    }

    /// An object that is not as its type says is gone.
    mutating func remove(_ other: MalformedObject) -> [Change<Object>] {
        let key = other.object.key
        malformed[key] = nil
        guard let old = objects[key] else { return [] }
        set(key, nil)
        return [.deleted(old, isFinalStateKnown: false)]
    }

    /// Whether nobody has heard of this state of such an object.
    func isNews(_ other: MalformedObject) -> Bool {
        let known = malformed[other.object.key]?.object.metadata
        let metadata = other.object.metadata
        return known == nil || known?.uid != metadata.uid || known?.resourceVersion != metadata.resourceVersion
    }

    private mutating func put(_ object: Object, isInitial: Bool) -> [Change<Object>] {
        let key = object.key
        guard let old = objects[key] else {
            set(key, object)
            return [.added(object, isInitial: isInitial)]
        }
        if old.metadata.uid != object.metadata.uid {
            set(key, object)
            return [.deleted(old, isFinalStateKnown: false), .added(object, isInitial: false)]
        }
        // Only whether they are the same can be read off them.
        if let version = object.metadata.resourceVersion, version == old.metadata.resourceVersion { return [] }
        set(key, object)
        return [.updated(old: old, new: object)]
    }

    private mutating func set(_ key: ObjectKey, _ object: Object?) {
        let old = objects[key]
        objects[key] = object
        for index in indexes {
            let before = Set(old.map(index.values) ?? [])
            let after = Set(object.map(index.values) ?? [])
            for value in before.subtracting(after) {
                found[index.name]?[value]?.remove(key)
                if found[index.name]?[value]?.isEmpty == true { found[index.name]?[value] = nil }
            }
            for value in after.subtracting(before) { found[index.name]?[value, default: []].insert(key) }
        }
    }
}
