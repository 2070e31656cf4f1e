// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import TestSupport
import Testing

@testable import SnapshotEngine

@Suite("Recovery after a holder and its client were killed")
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
            // Here the holder is in the process that dies: there is nobody else.
            try await ContainerdClient.withClient(
                socket: socket,
                namespace: namespace,
                logger: Logger(label: "child")
            ) { client in
                let holder = FreezeHolder(client: client, id: id, owner: "tests")
                try await holder.freeze([container], until: Date(timeIntervalSinceNow: 300))
                if seals {
                    _ = try await holder.seal()
                }
                Glibc.kill(getpid(), SIGKILL)
            }
        }
    }

    @Test("A freeze that nobody holds any more is found and thawed, by several at once")
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
                #expect(record.outcome == nil)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            let sealed = try await recovery.thawUnsealed()
                            #expect(sealed.isEmpty)
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(!container.isFrozen)
                #expect(try await client.leases().isEmpty)
            }
        }
        await daemon.stop()
    }

    @Test("What is over is not thawed again: its container may be part of another freeze by now")
    func overMeansOver() async throws {
        let daemon = try await ContainerdDaemon.start()
        try await TestContainer.with(daemon) { container in
            await freezeAndDie(daemon, id: "first", container: container.id, seals: false)
            try await daemon.withClient { client in
                let recovery = FreezeRecovery(client: client)
                let first = try #require(try await recovery.records().first)
                let second = FreezeHolder(client: client, id: "second", owner: "tests")
                let deadline = Date(timeIntervalSinceNow: 300)
                // As long as the first is written down, somebody may be about to thaw it.
                try await client.resumeTask(container.id)
                let error = await #expect(throws: FreezeError.self) {
                    try await FreezeHolder(client: client, id: "early", owner: "tests")
                        .freeze([container.id], until: deadline)
                }
                guard case .alreadyFrozen(container.id) = error else {
                    Issue.record("unexpected error: \(String(describing: error))")
                    return
                }
                #expect(try await recovery.thaw(first) == .thawed)
                try await second.freeze([container.id], until: deadline)
                // Whoever was late with the first.
                #expect(try await recovery.thaw(first) == .thawed)
                #expect(container.isFrozen)
                #expect(try await recovery.records().map(\.id) == ["second"])
                try await second.thaw()
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
                let recovery = FreezeRecovery(client: client)
                #expect(try await recovery.thawUnsealed().map(\.id) == ["sealed"])
                #expect(container.isFrozen)
                try await recovery.kill("sealed")
                try await recovery.kill("sealed")
                let task = try await ContainerdError.nilIfNotFound { try await client.task(container.id) }
                #expect(task == nil)
                #expect(try spin.counters() == counters)
                #expect(try await client.leases().isEmpty)
            }
        }
        await daemon.stop()
    }
}
