// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import HeapModule

/// Which keys wait, which are delayed, and which are worked on. Pure.
///
/// A key waits at most once. One that is added while it is worked on waits when that is done, so that no two work on it at a
/// time and nothing that happened meanwhile is overlooked.
struct WorkQueueState<Key: Hashable & Sendable>: Sendable {
    private struct Delayed: Sendable, Comparable {
        let time: Duration
        /// Those of one time come in the order in which they were added.
        let number: UInt64
        let key: Key

        static func == (left: Delayed, right: Delayed) -> Bool { left.number == right.number }
        static func < (left: Delayed, right: Delayed) -> Bool {
            (left.time, left.number) < (right.time, right.number)
        }
    }

    private struct Waiting: Sendable {
        let key: Key
        let since: Duration
    }

    private var waiting: Deque<Waiting> = []
    /// Those that wait, and those that are going to when they are not worked on any more.
    private var dirty: Set<Key> = []
    /// Those that are worked on, and since when.
    private var processing: [Key: Duration] = [:]
    private var delayed = Heap<Delayed>()
    /// The time that counts for each delayed key: the earliest. What the heap has besides is passed over.
    private var times: [Key: Duration] = [:]
    private var failures: [Key: Int] = [:]
    private var lastNumber: UInt64 = 0
    private(set) var isShutDown = false

    /// How many keys wait to be worked on now.
    var depth: Int { waiting.count }
    /// How many keys are worked on.
    var processingCount: Int { processing.count }
    /// How many keys wait for their time.
    var delayedCount: Int { times.count }
    /// Since when the key is worked on that has been for the longest time.
    var oldestStart: Duration? { processing.values.min() }

    /// Adds a key, if it does not wait already.
    ///
    /// - Returns: whether it was added.
    @discardableResult
    mutating func add(_ key: Key, at now: Duration) -> Bool {
        guard !isShutDown, dirty.insert(key).inserted else { return false }
        if processing[key] == nil { waiting.append(Waiting(key: key, since: now)) }
        return true
    }

    /// Adds a key at a time. If it is delayed already, the earlier time counts.
    mutating func add(_ key: Key, due time: Duration, at now: Duration) {
        guard !isShutDown else { return }
        guard time > now else {
            add(key, at: now)
            return
        }
        if let earlier = times[key], earlier <= time { return }
        times[key] = time
        lastNumber += 1
        delayed.insert(Delayed(time: time, number: lastNumber, key: key))
    }

    /// When the next delayed key is due; `nil` if there is none.
    mutating func nextDue() -> Duration? {
        while let first = delayed.min {
            if times[first.key] == first.time { return first.time }
            delayed.removeMin()
        }
        return nil
    }

    /// Adds the keys whose time has come.
    ///
    /// - Returns: how many were added.
    mutating func release(at now: Duration) -> Int {
        var count = 0
        while let due = nextDue(), due <= now, let first = delayed.popMin() {
            times[first.key] = nil
            if add(first.key, at: now) { count += 1 }
        }
        return count
    }

    /// Takes the key that has waited longest, to be worked on.
    mutating func next(at now: Duration) -> (key: Key, waited: Duration)? {
        guard let first = waiting.popFirst() else { return nil }
        dirty.remove(first.key)
        processing[first.key] = now
        return (first.key, now - first.since)
    }

    /// A key is not worked on any more. If it was added meanwhile, it waits again.
    ///
    /// - Returns: for how long it was worked on; `nil` if it was not.
    @discardableResult
    mutating func done(_ key: Key, at now: Duration) -> Duration? {
        guard let start = processing.removeValue(forKey: key) else { return nil }
        if dirty.contains(key) { waiting.append(Waiting(key: key, since: now)) }
        return now - start
    }

    /// Working on a key has failed once more.
    ///
    /// - Returns: how many times in a row.
    mutating func failed(_ key: Key) -> Int {
        failures[key, default: 0] += 1
        return failures[key, default: 1]
    }

    /// How many times in a row working on a key has failed.
    func failureCount(of key: Key) -> Int { failures[key] ?? 0 }

    /// Forgets how often working on a key has failed.
    mutating func forget(_ key: Key) { failures[key] = nil }

    /// Takes nothing more in, and gives nothing more out.
    mutating func shutDown() {
        isShutDown = true
        waiting = []
        dirty = []
        delayed = Heap()
        times = [:]
    }
}
