// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Synchronization

/// The JSON of one tenant's sandboxes, kept as long as their revisions stay what they are: a list of sandboxes of which few
/// have changed is joined from what is there.
final class EncodedSandboxes: Sendable {
    fileprivate struct Entry {
        var revision: String
        var json: [UInt8]
    }

    fileprivate struct State {
        var entries: [String: Entry] = [:]
        var bytes = 0
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: Bytes of JSON that are kept at most. When they are full, all is forgotten: what is still
    ///   asked for is soon there again.
    init(capacity: Int = 64 << 20) {
        self.capacity = capacity
    }

    /// The JSON of a sandbox.
    func json(of sandbox: Sandbox) throws -> [UInt8] {
        guard let revision = sandbox.revision else { return try SandboxResource(sandbox).json() }
        let known = state.withLock { state in
            state.entries[sandbox.id].flatMap { $0.revision == revision ? $0.json : nil }
        }
        if let known { return known }
        let json = try SandboxResource(sandbox).json()
        state.withLock { $0.keep(sandbox.id, Entry(revision: revision, json: json), capacity) }
        return json
    }

    /// The JSON of several sandboxes, in their order.
    func json(of sandboxes: some Collection<Sandbox>) throws -> [[UInt8]] {
        var all: [[UInt8]?] = state.withLock { state in
            sandboxes.map { sandbox in
                guard let revision = sandbox.revision, let entry = state.entries[sandbox.id],
                    entry.revision == revision
                else { return nil }
                return entry.json
            }
        }
        for (place, sandbox) in sandboxes.enumerated() where all[place] == nil { all[place] = try json(of: sandbox) }
        return all.compactMap(\.self)
    }

    /// How many sandboxes are known.
    var count: Int { state.withLock { $0.entries.count } }
}

extension EncodedSandboxes.State {
    fileprivate mutating func keep(_ id: String, _ entry: EncodedSandboxes.Entry, _ capacity: Int) {
        bytes += entry.json.count - (entries[id]?.json.count ?? 0)
        if bytes > capacity {
            entries = [:]
            bytes = entry.json.count
        }
        entries[id] = entry
    }
}
