// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Which entries of an earlier copy are as they were, a directory with all that is in it: found ahead of the walk, in
/// the order of the record and on several threads, so that the walk need not look at them.
///
/// Nothing is opened but directories, and of a directory that was not touched no names are read: they are in the record.
/// The tree is frozen. What could not be looked at counts as changed.
package struct UnchangedEntries: Sendable {
    /// How it is looked for.
    package struct Options: Sendable, Hashable {
        /// How many threads; with none nothing is looked at, and the walk does it.
        package var threads = min(max(ProcessInfo.processInfo.activeProcessorCount, 1), 8)
        /// How many entries one looks at before it takes others.
        var length = 1024
    }

    /// How deep it is looked: so many directories one thread has open.
    static let depth = 64

    /// One a record's entry.
    private let flags: [Bool]
    /// Files with several names of which one is unchanged.
    let links: Set<FileStatus.Identity>

    /// Whether an entry of the record is unchanged.
    func contains(_ ordinal: Int) -> Bool { flags[ordinal] }

    /// Looks at a tree. Blocking.
    ///
    /// - Throws: `CancellationError`. If the tree could not be read it is left to the walk to say why: nil.
    static func find(
        below root: String,
        since record: CopyRecord,
        copying copied: Set<FileStatus.Identity>,
        options: Options,
        progress: LayerProgress
    ) throws -> UnchangedEntries? {
        guard options.threads > 0, record.count > 0 else { return nil }
        let ranges = record.ranges(length: options.length, depth: depth)
        let judge = CopyJudge(since: record.since, copied: copied)
        let search = Search(ranges: ranges)
        search.run(threads: min(options.threads, ranges.count)) {
            try UnchangedSearch(root: root, record: record, judge: judge)
        } isCancelled: {
            progress.isCancelled
        }
        try progress.checkCancellation()
        return search.result(count: record.count)
    }

    private init(flags: [Bool], links: Set<FileStatus.Identity>) {
        self.flags = flags
        self.links = links
    }

    /// What the threads share.
    private final class Search: Sendable {
        private struct State {
            var next = 0
            var flags: [[Bool]]
            var changed: Set<Int> = []
            var links: Set<FileStatus.Identity> = []
            var hasFailed = false
        }

        private let ranges: [CopyRecord.Range]
        private let state: Mutex<State>

        init(ranges: [CopyRecord.Range]) {
            self.ranges = ranges
            state = Mutex(State(flags: Array(repeating: [], count: ranges.count)))
        }

        /// Runs on the caller's thread and others; all have ended when it returns.
        func run(
            threads: Int,
            make: @escaping @Sendable () throws -> UnchangedSearch,
            isCancelled: @escaping @Sendable () -> Bool
        ) {
            let ended = DispatchSemaphore(value: 0)
            for _ in 1..<max(threads, 1) {
                let thread = Thread {
                    self.work(make, isCancelled)
                    ended.signal()
                }
                thread.name = "layer-compare"
                thread.start()
            }
            work(make, isCancelled)
            for _ in 1..<max(threads, 1) { ended.wait() }
        }

        private func work(_ make: () throws -> UnchangedSearch, _ isCancelled: () -> Bool) {
            do {
                let search = try make()
                while !isCancelled(), let index = takeNext() {
                    let flags = try search.look(at: ranges[index])
                    state.withLock { $0.flags[index] = flags }
                }
                state.withLock { state in
                    state.changed.formUnion(search.changed)
                    state.links.formUnion(search.links)
                }
            } catch {
                state.withLock { $0.hasFailed = true }
            }
        }

        private func takeNext() -> Int? {
            state.withLock { state in
                guard !state.hasFailed, state.next < ranges.count else { return nil }
                state.next += 1
                return state.next - 1
            }
        }

        func result(count: Int) -> UnchangedEntries? {
            state.withLock { state in
                guard !state.hasFailed else { return nil }
                var flags: [Bool] = []
                flags.reserveCapacity(count)
                for part in state.flags { flags += part }
                for ordinal in state.changed { flags[ordinal] = false }
                return UnchangedEntries(flags: flags, links: state.links)
            }
        }
    }
}
