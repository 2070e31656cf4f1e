// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import TestSupport
import Testing

@testable import SnapshotEngine

@Suite("Recovery after the holder's process was killed")
struct FreezeRecoveryTests {
    /// Freezes in a process of its own, which then dies as by kill -9.
    private func freezeAndDie(
        _ daemon: ContainerdDaemon,
        id: String,
        container: String,
        seals: Bool
    ) async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [
                socket = daemon.socket as String, namespace = daemon.namespace as String, id = id as String,
                container = container as String, seals = seals as Bool
            ] in
            try await FreezeHolder.withHolder(
                socket: socket,
                namespace: namespace,
                id: id,
                owner: "tests",
                logger: Logger(label: "child")
            ) { holder in
                try await holder.freeze([container], until: Date(timeIntervalSinceNow: 300))
                if seals {
                    _ = try await holder.seal()
                }
                Glibc.kill(getpid(), SIGKILL)
            }
        }
    }

    @Test("A freeze that nobody holds any more is found, left until its deadline, and then thawed")
    func undecided() async throws {
        let daemon = try await ContainerdDaemon.start()
        try await TestContainer.with(daemon) { container in
            await freezeAndDie(daemon, id: "orphan", container: container.id, seals: false)
            #expect(container.isFrozen)
            try await daemon.withClient { client in
                let recovery = FreezeRecovery(client: client)
                let record = try #require(try await recovery.records().first)
                #expect(record.id == "orphan")
                #expect(record.containers == [container.id])

                var found = try await recovery.recoverAll(now: Date())
                #expect(found.map(\.action) == [.leave(until: record.deadline)])
                #expect(container.isFrozen)

                found = try await recovery.recoverAll(now: record.deadline)
                #expect(found.map(\.action) == [.thaw])
                #expect(found.first?.failure == nil)
                #expect(!container.isFrozen)
                #expect(try await client.leases().isEmpty)
            }
        }
        await daemon.stop()
    }

    @Test("A freeze that another process has begun can be adopted, and then keeps its deadline")
    func adoption() async throws {
        let daemon = try await ContainerdDaemon.start()
        try await TestContainer.with(daemon) { container in
            await freezeAndDie(daemon, id: "adopted", container: container.id, seals: false)
            try await daemon.withClient(thread: .freezing) { client in
                var record = try #require(try await FreezeRecovery(client: client).records().first)
                record.deadline = Date(timeIntervalSinceNow: 0.2)
                let holder = FreezeHolder(client: client, id: record.id, owner: "tests")
                try await holder.adopt(record)
                await holder.run()
                #expect(!container.isFrozen)
            }
        }
        await daemon.stop()
    }

    @Test("A sealed freeze whose holder died is killed without running on")
    func sealed() async throws {
        let daemon = try await ContainerdDaemon.start()
        let spin = try await SpinProgram(folder: "\(daemon.folder)/spin", processes: 8)
        try await TestContainer.with(daemon, arguments: spin.arguments, mounts: ["/spin": spin.folder]) { container in
            try await spin.waitUntilAllCount()
            await freezeAndDie(daemon, id: "sealed", container: container.id, seals: true)
            #expect(container.isFrozen)
            let counters = try spin.counters()
            try await daemon.withClient { client in
                let found = try await FreezeRecovery(client: client).recoverAll(now: Date())
                #expect(found.map(\.action) == [.finishKill])
                #expect(found.first?.failure == nil)
                let task = try await ContainerdError.nilIfNotFound { try await client.task(container.id) }
                #expect(task == nil)
                #expect(try spin.counters() == counters)
                #expect(try await client.leases().isEmpty)
            }
        }
        await daemon.stop()
    }
}
