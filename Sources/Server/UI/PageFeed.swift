// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import class Foundation.JSONEncoder

/// What one page has been told, from which follows what it has to be told.
struct PageFeed {
    /// A sandbox as it was told.
    private enum Told: Equatable {
        case revision(String)
        case whole(Sandbox)

        init(_ sandbox: Sandbox) {
            self = sandbox.revision.map { .revision($0) } ?? .whole(sandbox)
        }
    }

    private var sandboxes: [String: Told] = [:]
    private var snapshots: [String: Snapshot] = [:]

    /// What a page does not know yet, in lines of JSON: `{"sandboxes":[...]}`, `{"gone":[ids]}`, and the same of snapshots.
    ///
    /// - Throws: What the runtime throws; then nothing counts as told.
    mutating func lines(of tenant: Tenant) async throws -> [[UInt8]] {
        let all = (try await tenant.runtime.sandboxes(), try await tenant.runtime.snapshots())
        let sandboxes = difference(all.0)
        let snapshots = difference(all.1)
        var lines: [[UInt8]] = []
        var rest = sandboxes.changed[...]
        while !rest.isEmpty {
            lines.append(Self.line("sandboxes", try tenant.encodedSandboxes.json(of: rest.prefix(PageStream.batch))))
            rest = rest.dropFirst(PageStream.batch)
        }
        if !snapshots.changed.isEmpty {
            let encoder = JSONEncoder.api
            lines.append(
                Self.line("snapshots", try snapshots.changed.map { [UInt8](try encoder.encode(SnapshotResource($0))) })
            )
        }
        if !sandboxes.gone.isEmpty { lines.append(Self.line("gone", sandboxes.gone.map(Self.text))) }
        if !snapshots.gone.isEmpty { lines.append(Self.line("goneSnapshots", snapshots.gone.map(Self.text))) }
        return lines
    }

    /// The sandboxes that are not as they were told, in their order, and those that are no longer there.
    mutating func difference(_ now: [Sandbox]) -> (changed: [Sandbox], gone: [String]) {
        var changed: [Sandbox] = []
        var told: [String: Told] = [:]
        told.reserveCapacity(now.count)
        for sandbox in now {
            let state = Told(sandbox)
            if sandboxes[sandbox.id] != state { changed.append(sandbox) }
            told[sandbox.id] = state
        }
        let gone = sandboxes.keys.filter { told[$0] == nil }.sorted()
        sandboxes = told
        return (changed, gone)
    }

    /// The same of snapshots, the newest first.
    mutating func difference(_ now: [Snapshot]) -> (changed: [Snapshot], gone: [String]) {
        let told = Dictionary(now.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let changed = now.filter { snapshots[$0.id] != $0 }.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
        let gone = snapshots.keys.filter { told[$0] == nil }.sorted()
        snapshots = told
        return (changed, gone)
    }

    private static func text(_ string: String) -> [UInt8] {
        var text = JSONText(reserving: string.utf8.count + 2)
        text.string(string)
        return text.bytes
    }

    private static func line(_ name: String, _ parts: [[UInt8]]) -> [UInt8] {
        var text = JSONText(reserving: parts.reduce(32) { $0 + $1.count + 1 })
        text.raw("{")
        text.string(name)
        text.raw(":[")
        for (place, part) in parts.enumerated() {
            if place > 0 { text.raw(",") }
            text.raw(part)
        }
        text.raw("]}")
        return text.bytes
    }
}
