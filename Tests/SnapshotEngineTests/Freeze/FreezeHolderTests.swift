// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import Synchronization
import TestSupport
import Testing

@testable import SnapshotEngine

@Suite("A freeze that a holder's process holds")
struct FreezeHolderTests {
    private func withHolder<Result: Sendable>(
        _ daemon: ContainerdDaemon,
        id: String = "freeze-\(UInt64.random(in: 0 ... .max))",
        _ body: (HeldFreeze) async throws -> Result
    ) async throws -> Result {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try await daemon.withClient { containerd in
            try await HolderClient.withClient(command: .built, containerd: containerd, logger: logger) { client in
                try await body(client.makeFreeze(id: id, owner: "tests"))
            }
        }
    }

    private func record(_ id: String, in daemon: ContainerdDaemon) async throws -> FreezeRecord? {
        try await daemon.withClient { try await FreezeRecovery(client: $0).records().first { $0.id == id } }
    }

    @Test("Freezing is written down first; thawing lets run again and forgets")
    func freezeAndThaw() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await TestContainer.with(daemon) { first in
            try await TestContainer.with(daemon) { second in
                try await withHolder(daemon) { holder in
                    let deadline = Date(timeIntervalSinceNow: 600)
                    try await holder.freeze([first.id, second.id], until: deadline)
                    #expect(first.isFrozen && second.isFrozen)
                    let record = try #require(try await record(holder.id, in: daemon))
                    #expect(record.containers == [first.id, second.id])
                    #expect(abs(record.deadline.timeIntervalSince(deadline)) < 0.001)
                    #expect(record.outcome == nil)
                    #expect(record.owner == "tests")

                    async let over: Void = holder.run()
                    try await holder.thaw()
                    await over
                    #expect(!first.isFrozen && !second.isFrozen)
                    let left = try await self.record(holder.id, in: daemon)
                    #expect(left == nil)
                    #expect(try await holder.seal() == .thawed)
                    #expect(await holder.frozenDuration > .zero)
                    await #expect(throws: FreezeError.self) { try await holder.kill() }
                    await #expect(throws: FreezeError.self) { try await holder.freeze([first.id], until: deadline) }
                }
            }
        }
    }

    @Test("Sealed is never thawed: not by the deadline, not by thaw, not by recovery")
    func sealing() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await TestContainer.with(daemon) { container in
            try await withHolder(daemon) { holder in
                let deadline = Date(timeIntervalSinceNow: 10)
                try await holder.freeze([container.id], until: deadline)
                #expect(try await holder.seal() == .sealed)
                #expect(try await holder.seal() == .sealed)
                #expect(try await record(holder.id, in: daemon)?.isSealed == true)

                // Something that must not happen can only be waited for.
                try await Task.sleep(for: .seconds(deadline.timeIntervalSinceNow + 0.5))
                #expect(container.isFrozen)
                await #expect(throws: FreezeError.self) { try await holder.thaw() }
                try await daemon.withClient { client in
                    let recovery = FreezeRecovery(client: client)
                    let record = try #require(try await recovery.records().first { $0.id == holder.id })
                    #expect(try await recovery.thaw(record) == .sealed)
                }
                #expect(container.isFrozen)
                try await holder.kill()
            }
        }
    }

    @Test("64 busy processes are killed without running one more instruction")
    func killWhileFrozen() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let spin = try await SpinProgram(folder: "\(daemon.folder)/spin-kill", processes: 64)
        try await TestContainer.with(daemon, arguments: spin.arguments, mounts: ["/spin": spin.folder]) { container in
            try await spin.waitUntilAllCount()
            try await withHolder(daemon) { holder in
                try await holder.freeze([container.id], until: Date(timeIntervalSinceNow: 300))
                let counters = try spin.counters()
                #expect(try await holder.seal() == .sealed)
                async let over: Void = holder.run()
                try await holder.kill()
                try await holder.kill()
                await over
                #expect(try spin.counters() == counters)
                try await daemon.withClient { client in
                    let task = try await ContainerdError.nilIfNotFound { try await client.task(container.id) }
                    #expect(task == nil)
                    #expect(try await FreezeRecovery(client: client).records().contains { $0.id == holder.id } == false)
                }
            }
        }
    }

    @Test("What cannot be frozen as a whole is not frozen at all")
    func partialFailure() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let runc = "\(daemon.folder)/runc-without-pause"
        try "#!/bin/sh\nfor argument; do [ \"$argument\" != pause ] || exit 1; done\nexec runc \"$@\"\n"
            .write(toFile: runc, atomically: true, encoding: .utf8)
        chmod(runc, 0o755)
        try await TestContainer.with(daemon) { good in
            try await TestContainer.with(daemon, runc: runc) { bad in
                try await withHolder(daemon) { holder in
                    let error = await #expect(throws: FreezeError.self) {
                        try await holder.freeze([good.id, bad.id], until: Date(timeIntervalSinceNow: 4))
                    }
                    guard case .incomplete(bad.id, _) = error else {
                        Issue.record("unexpected error: \(String(describing: error))")
                        return
                    }
                    #expect(!good.isFrozen && !bad.isFrozen)
                    let left = try await record(holder.id, in: daemon)
                    #expect(left == nil)
                    let status = try await daemon.withClient { try await $0.task(good.id).status }
                    #expect(status == .running)
                }
            }
            try await withHolder(daemon) { holder in
                let error = await #expect(throws: FreezeError.self) {
                    try await holder.freeze([good.id, "nobody"], until: Date(timeIntervalSinceNow: 600))
                }
                guard case .notRunning("nobody", nil) = error else {
                    Issue.record("unexpected error: \(String(describing: error))")
                    return
                }
                #expect(!good.isFrozen)
            }
        }
    }

    @Test("Two freezes of one container, or of one ID, do not mix")
    func contention() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await TestContainer.with(daemon) { container in
            try await withHolder(daemon) { holder in
                let deadline = Date(timeIntervalSinceNow: 600)
                try await holder.freeze([container.id], until: deadline)
                let other = await #expect(throws: FreezeError.self) {
                    try await withHolder(daemon) { try await $0.freeze([container.id], until: deadline) }
                }
                guard case .alreadyFrozen = other else {
                    Issue.record("unexpected error: \(String(describing: other))")
                    return
                }
                try await TestContainer.with(daemon) { another in
                    let same = await #expect(throws: FreezeError.self) {
                        try await withHolder(daemon, id: holder.id) {
                            try await $0.freeze([another.id], until: deadline)
                        }
                    }
                    guard case .alreadyUsed = same else {
                        Issue.record("unexpected error: \(String(describing: same))")
                        return
                    }
                }
                #expect(container.isFrozen)
                #expect(try await record(holder.id, in: daemon)?.containers == [container.id])
            }
            // The end of withHolder thawed it.
            #expect(!container.isFrozen)
        }
    }

    @Test("Of several that freeze one container at once, one does, and never two")
    func atOnce() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await TestContainer.with(daemon) { container in
            let held = Count()
            for _ in 0..<20 {
                let winners = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            do {
                                try await withHolder(daemon) { holder in
                                    try await holder.freeze([container.id], until: Date(timeIntervalSinceNow: 600))
                                    #expect(held.add(1) == 1)
                                    #expect(container.isFrozen)
                                    _ = held.add(-1)
                                }
                                return true
                            } catch FreezeError.alreadyFrozen {
                                return false
                            } catch {
                                Issue.record(error)
                                return false
                            }
                        }
                    }
                    return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(winners >= 1)
                #expect(!container.isFrozen)
            }
        }
    }

    @Test("Of many that seal and thaw at once, all agree", arguments: 0..<5)
    func agreement(round: Int) async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await daemon.withClient { client in
            let ledger = FreezeLedger(client: client)
            let id = "agreement-\(UInt64.random(in: 0 ... .max))"
            try await ledger.write(
                FreezeRecord(id: id, containers: ["x"], deadline: Date(timeIntervalSinceNow: 600), owner: "tests")
            )
            let outcomes = try await withThrowingTaskGroup(of: FreezeOutcome?.self) { group in
                for index in 0..<16 {
                    group.addTask {
                        try await ledger.decide(index.isMultiple(of: 2) ? .sealed : .thawed, of: id)?.outcome
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(outcomes.count == 1)
            try await ledger.remove(id)
            // A holder that was stopped all the while and seals only now must not succeed.
            #expect(try await ledger.decide(.sealed, of: id) == nil)
            #expect(try await client.leases().contains { $0.id.contains(id) } == false)
        }
    }

    @Test("Cancelling whoever holds thaws")
    func cancellation() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await TestContainer.with(daemon) { container in
            let isFrozen = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let task = Task {
                try await withHolder(daemon) { holder in
                    try await holder.freeze([container.id], until: Date(timeIntervalSinceNow: 600))
                    isFrozen.continuation.yield()
                    try await Task.sleep(for: .seconds(600))
                }
            }
            for await _ in isFrozen.stream { break }
            #expect(container.isFrozen)
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(!container.isFrozen)

            let running = Task {
                try await withHolder(daemon) { holder in
                    try await holder.freeze([container.id], until: Date(timeIntervalSinceNow: 600))
                    isFrozen.continuation.yield()
                    await holder.run()
                    return try await holder.seal()
                }
            }
            // A second iterator of the same stream.
            for await _ in isFrozen.stream { break }
            running.cancel()
            let outcome = try await running.value
            #expect(outcome == .thawed)
            #expect(!container.isFrozen)
        }
    }

    @Test("A deadline that passes while containerd is dead is kept when it is back")
    func deadContainerd() async throws {
        let daemon = try await ContainerdDaemon.start()
        try await TestContainer.with(daemon) { container in
            try await withHolder(daemon) { holder in
                let deadline = Date(timeIntervalSinceNow: 6)
                try await holder.freeze([container.id], until: deadline)
                try await daemon.kill()
                try await Task.sleep(for: .seconds(max(0, deadline.timeIntervalSinceNow) + 0.5))
                #expect(container.isFrozen)
                try await daemon.startAgain()
                await holder.run()
                #expect(!container.isFrozen)
            }
        }
        await daemon.stop()
    }
}

/// How many hold something.
private final class Count: Sendable {
    private let value = Mutex(0)

    /// Adds to it and returns what it is then.
    func add(_ change: Int) -> Int {
        value.withLock {
            $0 += change
            return $0
        }
    }
}
