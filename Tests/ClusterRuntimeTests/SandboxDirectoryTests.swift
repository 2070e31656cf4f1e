// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels
import Testing

@testable import ClusterRuntime

/// What a server remembers.
@Suite struct SandboxDirectoryTests {
    @Test func order() {
        let directory = SandboxDirectory<BatchSandbox>()
        for (id, created) in [("b", 2), ("a", 2), ("d", 1), ("c", 3)] as [(String, Int64)] {
            directory.put(.made(id, created: created))
        }
        #expect(directory.all.map(\.id) == ["c", "b", "a", "d"])
        directory.put(.made("a", version: 2, created: 2, in: .paused))
        #expect(directory.all.map(\.id) == ["c", "b", "a", "d"])
        #expect(directory.all[2].status.state == .paused)
        directory.remove(.made("b"))
        #expect(directory.all.map(\.id) == ["c", "a", "d"])
        #expect(directory["b"] == nil)
    }

    /// A watch that is behind does not undo what the server has written itself.
    @Test func olderStates() {
        let directory = SandboxDirectory<BatchSandbox>()
        directory.put(.made(version: 9, in: .paused))
        directory.put(.made(version: 8, in: .pausing))
        #expect(directory.all.first?.status.state == .paused)
        // Another object of the same name is another sandbox, whatever its number.
        directory.put(.made(version: 3, in: .pending) { $0.metadata.uid = "another" })
        #expect(directory.all.first?.status.state == .pending)
        // The end of the first one is no end of the second.
        directory.remove(.made())
        #expect(directory.count == 1)
    }

    /// Two objects that call themselves the same: the one of that name is meant.
    @Test func impostors() {
        let directory = SandboxDirectory<BatchSandbox>()
        let impostor = BatchSandbox.made("x", version: 5) { $0.metadata.name = "zzz" }
        directory.put(impostor)
        directory.put(.made("x", version: 1))
        directory.put(impostor)
        #expect(directory["x"]?.object.metadata.name == "x")
        #expect(directory.count == 1)
    }

    @Test func changes() async {
        let directory = SandboxDirectory<BatchSandbox>()
        var changes = directory.changes(of: "x").makeAsyncIterator()
        #expect(await changes.next()??.sandbox == nil)
        directory.put(.made("x", version: 1, in: .pending))
        directory.put(.made("x", version: 2, in: .succeed))
        // The newest is heard of, others need not be.
        #expect(await changes.next()??.sandbox.status.state == .running)
        directory.remove(.made("x"))
        let gone = await changes.next()
        #expect(gone != nil && gone??.sandbox == nil)
    }

    @Test func synced() async {
        let directory = SandboxDirectory<BatchSandbox>()
        async let isSynced = directory.waitUntilSynced()
        directory.markSynced()
        #expect(await isSynced)
        #expect(await directory.waitUntilSynced())
    }
}
