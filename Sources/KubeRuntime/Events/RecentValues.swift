// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A dictionary that forgets what was not used for long, so that it never grows beyond a limit.
struct RecentValues<Key: Hashable, Value> {
    private let limit: Int
    /// What was used since the last time it was full.
    private var young: [Key: Value] = [:]
    /// What was used before that. When it is full again, all that is left here is forgotten.
    private var old: [Key: Value] = [:]

    /// - Parameter limit: how many values there are at most.
    init(limit: Int) { self.limit = max(limit, 2) }

    var count: Int { young.count + old.count }

    subscript(key: Key) -> Value? {
        mutating get {
            if let value = young[key] { return value }
            guard let value = old.removeValue(forKey: key) else { return nil }
            keep(value, key)
            return value
        }
        set {
            old[key] = nil
            if let newValue { keep(newValue, key) } else { young[key] = nil }
        }
    }

    private mutating func keep(_ value: Value, _ key: Key) {
        if young[key] == nil, young.count >= limit / 2 {
            old = young
            young = [:]
        }
        young[key] = value
    }
}
