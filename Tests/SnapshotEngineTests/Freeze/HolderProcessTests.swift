// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import TestSupport
import Testing

@testable import SnapshotEngine

/// Whoever dies, hangs or is stopped: what was not sealed runs again, and what was sealed never does. It needs root.
@Suite("The holder's process")
struct HolderProcessTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A container, and a freeze of it that is still to be begun.
    private func withFreeze(
        in daemon: ContainerdDaemon? = nil,
        patience: Duration = .seconds(30),
        _ body: (TestContainer, HolderClient, HeldFreeze) async throws -> Void
    ) async throws {
        let daemon = if let daemon { daemon } else { try await ContainerdDaemon.shared() }
        var command = HolderCommand.built
        command.patience = patience
        try await TestContainer.with(daemon) { container in
            try await daemon.withClient { containerd in
                try await HolderClient.withClient(command: command, containerd: containerd, logger: logger) { client in
                    let id = "process-\(UInt64.random(in: 0 ... .max))"
                    try await body(container, client, client.makeFreeze(id: id, owner: "tests"))
                    #expect(try await record(id, in: daemon) == nil)
                }
            }
        }
    }

    private func record(_ id: String, in daemon: ContainerdDaemon) async throws -> FreezeRecord? {
        try await daemon.withClient { try await FreezeRecovery(client: $0).records().first { $0.id == id } }
    }

    private func later(_ seconds: Double = 300) -> Date { Date(timeIntervalSinceNow: seconds) }

    /// Looks until a container runs again; a freeze's deadline is far later.
    private func waitUntilThawed(_ container: TestContainer) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while container.isFrozen {
            try #require(ContinuousClock.now < deadline, "it is still frozen")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Looks until a process is gone, not even a zombie.
    private func waitUntilGone(_ processID: pid_t) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while Glibc.kill(processID, 0) == 0 {
            try #require(ContinuousClock.now < deadline, "process \(processID) is still there")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    // MARK: - The holder goes

    @Test("Killed while frozen: thawed by the client, which is told; the next freeze has another holder")
    func holderKilled() async throws {
        try await withFreeze { container, client, freeze in
            try await freeze.freeze([container.id], until: later())
            #expect(container.isFrozen)
            let first = try #require(await client.processID)
            Glibc.kill(first, SIGKILL)
            await freeze.run()
            #expect(!container.isFrozen)
            #expect(await freeze.end == .holderLost)
            #expect(try await freeze.seal() == .thawed)
            try await freeze.thaw()

            let next = client.makeFreeze(id: "\(freeze.id)-next", owner: "tests")
            try await next.freeze([container.id], until: later())
            #expect(container.isFrozen)
            #expect(await client.processID != first)
            try await next.thaw()
            #expect(!container.isFrozen)
            try await waitUntilGone(first)
        }
    }

    @Test("Told to end while frozen: it thaws, tells, and ends")
    func holderTerminated() async throws {
        try await withFreeze { container, client, freeze in
            try await freeze.freeze([container.id], until: later())
            let process = try #require(await client.processID)
            Glibc.kill(process, SIGTERM)
            await freeze.run()
            #expect(!container.isFrozen)
            #expect(await freeze.end == .holderLost)
            try await waitUntilGone(process)
        }
    }

    @Test("Stopped while frozen: the client does without it")
    func holderStopped() async throws {
        try await withFreeze(patience: .seconds(1)) { container, client, freeze in
            try await freeze.freeze([container.id], until: later())
            let process = try #require(await client.processID)
            Glibc.kill(process, SIGSTOP)
            await freeze.run()
            #expect(!container.isFrozen)
            #expect(await freeze.end == .holderLost)
            try await waitUntilGone(process)
        }
    }

    @Test("Killed after the seal: still frozen, and killed without one more instruction")
    func holderKilledAfterSeal() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let spin = try await SpinProgram(folder: "\(daemon.folder)/spin-holder", processes: 8)
        try await TestContainer.with(daemon, arguments: spin.arguments, mounts: ["/spin": spin.folder]) { container in
            try await spin.waitUntilAllCount()
            try await daemon.withClient { containerd in
                try await HolderClient.withClient(command: .built, containerd: containerd, logger: logger) { client in
                    let freeze = client.makeFreeze(id: "sealed-\(UInt64.random(in: 0 ... .max))", owner: "tests")
                    try await freeze.freeze([container.id], until: later(5))
                    let counters = try spin.counters()
                    #expect(try await freeze.seal() == .sealed)
                    let process = try #require(await client.processID)
                    Glibc.kill(process, SIGKILL)
                    try await waitUntilGone(process)
                    #expect(container.isFrozen)
                    #expect(try await freeze.seal() == .sealed)
                    await #expect(throws: FreezeError.self) { try await freeze.thaw() }
                    try await freeze.kill()
                    #expect(try spin.counters() == counters)
                    #expect(try await record(freeze.id, in: daemon) == nil)
                    let task = try await ContainerdError.nilIfNotFound { try await containerd.task(container.id) }
                    #expect(task == nil)
                }
            }
        }
    }

    @Test(
        "That cannot be started, ends at once, or does not answer: nothing is frozen, and it is said why",
        arguments: [
            ["/nonexistent/holder"], ["/bin/false"], ["/bin/sh", "-c", "exec sleep 1000"],
            ["/bin/sh", "-c", "echo nonsense; exec sleep 1000"],
        ]
    )
    func noHolder(program: [String]) async throws {
        let daemon = try await ContainerdDaemon.shared()
        var command = HolderCommand(executable: program[0], arguments: Array(program.dropFirst()))
        command.patience = .seconds(1)
        try await TestContainer.with(daemon) { container in
            try await daemon.withClient { containerd in
                try await HolderClient.withClient(command: command, containerd: containerd, logger: logger) { client in
                    let freeze = client.makeFreeze(id: "nobody", owner: "tests")
                    let error = await #expect(throws: FreezeError.self) {
                        try await freeze.freeze([container.id], until: later())
                    }
                    guard case .holderUnavailable(let reason) = error else {
                        Issue.record("unexpected error: \(String(describing: error))")
                        return
                    }
                    #expect(!reason.isEmpty)
                    #expect(!container.isFrozen)
                    #expect(await client.processID == nil)
                }
            }
        }
    }

    @Test("Says what containerd said when that is not there")
    func noContainerd() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await ContainerdDaemon.shared().withClient { containerd in
            let command = HolderCommand(
                executable: "/bin/sh",
                arguments: [
                    "-c",
                    "exec \(HolderCommand.built.executable) hold --containerd-socket \(daemon.folder)/none.sock"
                        + " --containerd-namespace none",
                ]
            )
            try await HolderClient.withClient(command: command, containerd: containerd, logger: logger) { client in
                let freeze = client.makeFreeze(id: "nobody", owner: "tests")
                let error = await #expect(throws: ContainerdError.self) {
                    try await freeze.freeze(["x"], until: later())
                }
                #expect(error?.code == .unavailable)
            }
        }
    }

    // MARK: - The client goes

    /// Freezes in a process of its own by way of a holder, and then dies as by kill -9.
    private func freezeAndDie(_ daemon: ContainerdDaemon, id: String, container: String, seals: Bool) async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [
                socket = daemon.socket as String, namespace = daemon.namespace as String, id = id as String,
                container = container as String, seals = seals as Bool
            ] in
            try await Self.hold(socket, namespace, id, container, seconds: 300) { freeze in
                if seals { _ = try await freeze.seal() }
                Glibc.kill(getpid(), SIGKILL)
            }
        }
    }

    private static func hold(
        _ socket: String,
        _ namespace: String,
        _ id: String,
        _ container: String,
        seconds: Double,
        _ body: (HeldFreeze) async throws -> Void
    ) async throws {
        let logger = Logger(label: "child") { _ in SwiftLogNoOpLogHandler() }
        try await ContainerdClient.withClient(socket: socket, namespace: namespace, logger: logger) { containerd in
            try await HolderClient.withClient(command: .built, containerd: containerd, logger: logger) { client in
                let freeze = client.makeFreeze(id: id, owner: "tests")
                try await freeze.freeze([container], until: Date(timeIntervalSinceNow: seconds))
                try await body(freeze)
            }
        }
    }

    @Test("Thaws as soon as its client was killed, unless it has sealed", arguments: [false, true])
    func clientKilled(seals: Bool) async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await TestContainer.with(daemon) { container in
            let id = "client-\(UInt64.random(in: 0 ... .max))"
            await freezeAndDie(daemon, id: id, container: container.id, seals: seals)
            if seals {
                try await daemon.withClient { containerd in
                    let recovery = FreezeRecovery(client: containerd)
                    #expect(try await recovery.records().first { $0.id == id }?.isSealed == true)
                    #expect(container.isFrozen)
                    try await recovery.kill(id)
                }
            } else {
                try await waitUntilThawed(container)
            }
            while try await record(id, in: daemon) != nil { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test("Thaws at the deadline although its client is stopped, which then cannot seal any more")
    func clientStopped() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await TestContainer.with(daemon) { container in
            let id = "stopped-\(UInt64.random(in: 0 ... .max))"
            let thawed = "\(daemon.folder)/\(id)"
            async let watching: Void = {
                while !container.isFrozen { try await Task.sleep(for: .milliseconds(2)) }
                try await waitUntilThawed(container)
                try Data().write(to: URL(fileURLWithPath: thawed))
            }()
            await #expect(processExitsWith: .success) {
                [
                    socket = daemon.socket as String, namespace = daemon.namespace as String, id = id as String,
                    container = container.id as String, thawed = thawed as String
                ] in
                try await Self.hold(socket, namespace, id, container, seconds: 8) { freeze in
                    let waker = Process()
                    waker.executableURL = URL(fileURLWithPath: "/bin/sh")
                    waker.arguments = ["-c", "until [ -e \(thawed) ]; do sleep 0.1; done; kill -CONT \(getpid())"]
                    try waker.run()
                    Glibc.kill(getpid(), SIGSTOP)
                    // Another thread may take the signal, and this one go on for a moment.
                    while access(thawed, F_OK) != 0 { usleep(1000) }
                    let outcome = try await freeze.seal()
                    guard outcome == .thawed else { exit(3) }
                    await freeze.run()
                    guard await freeze.end == .deadline else { exit(4) }
                }
            }
            try await watching
            #expect(!container.isFrozen)
        }
    }

    // MARK: - containerd goes

    @Test("Goes on alone when containerd is dead at its client's end, and thaws when it is back")
    func alone() async throws {
        let daemon = try await ContainerdDaemon.start()
        try await TestContainer.with(daemon) { container in
            var command = HolderCommand.built
            command.grace = .milliseconds(200)
            let process = try await daemon.withClient { containerd in
                try await HolderClient.withClient(command: command, containerd: containerd, logger: logger) { client in
                    let freeze = client.makeFreeze(id: "alone", owner: "tests")
                    try await freeze.freeze([container.id], until: later())
                    let process = try #require(await client.processID)
                    try await daemon.kill()
                    let thawing = Task { try await freeze.thaw() }
                    thawing.cancel()
                    await #expect(throws: CancellationError.self) { try await thawing.value }
                    return process
                }
            }
            // The client has ended, which it could not if it waited for the thaw.
            #expect(container.isFrozen)
            #expect(Glibc.kill(process, 0) == 0)
            try await daemon.startAgain()
            try await waitUntilThawed(container)
            try await waitUntilGone(process)
        }
        await daemon.stop()
    }

    // MARK: - Many

    @Test("Seal against deadline: one outcome, which the container shows")
    func sealAgainstDeadline() async throws {
        let daemon = try await ContainerdDaemon.shared()
        var random = SeededRandom(20_261_121)
        var outcomes: [FreezeOutcome] = []
        try await daemon.withClient { containerd in
            try await HolderClient.withClient(command: .built, containerd: containerd, logger: logger) { client in
                while outcomes.count < 16 {
                    try await TestContainer.with(daemon) { container in
                        var outcome = FreezeOutcome.thawed
                        while outcome == .thawed, outcomes.count < 16 {
                            let freeze = client.makeFreeze(
                                id: "race-\(UInt64.random(in: 0 ... .max))",
                                owner: "tests"
                            )
                            let deadline = later(1)
                            do {
                                try await freeze.freeze([container.id], until: deadline)
                            } catch FreezeError.interrupted {
                                // A slow machine; nothing is frozen, and there is no race to see.
                                #expect(!container.isFrozen)
                                continue
                            }
                            let offset = Double.random(in: -0.01...0.03, using: &random)
                            try await Task.sleep(for: .seconds(max(0, deadline.timeIntervalSinceNow + offset)))
                            outcome = try await freeze.seal()
                            outcomes.append(outcome)
                            #expect(try await freeze.seal() == outcome)
                            if outcome == .sealed {
                                #expect(try await record(freeze.id, in: daemon)?.isSealed == true)
                                await #expect(throws: FreezeError.self) { try await freeze.thaw() }
                                #expect(container.isFrozen)
                                try await freeze.kill()
                            } else {
                                await freeze.run()
                                #expect(!container.isFrozen)
                                await #expect(throws: FreezeError.self) { try await freeze.kill() }
                            }
                        }
                    }
                }
            }
        }
        print("seal against deadline: \(outcomes.filter { $0 == .sealed }.count) of \(outcomes.count) sealed")
    }

    @Test("Holds twenty freezes at once, thaws them all at its client's end, and leaves nothing behind")
    func twenty() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await withContainers(20, in: daemon) { containers in
            let process = try await daemon.withClient { containerd in
                try await HolderClient.withClient(command: .built, containerd: containerd, logger: logger) { client in
                    let freezes = containers.map { client.makeFreeze(id: "many-\($0.id)", owner: "tests") }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (freeze, container) in zip(freezes, containers) {
                            group.addTask { try await freeze.freeze([container.id], until: later()) }
                        }
                        try await group.waitForAll()
                    }
                    #expect(containers.count { $0.isFrozen } == 20)
                    try await freezes[0].thaw()
                    #expect(containers.count { $0.isFrozen } == 19)
                    return try #require(await client.processID)
                }
            }
            #expect(containers.count { $0.isFrozen } == 0)
            let left = try await daemon.withClient { try await FreezeRecovery(client: $0).records() }
            #expect(!left.contains { $0.id.hasPrefix("many-") })
            try await waitUntilGone(process)
        }
    }

    private func withContainers(
        _ count: Int,
        in daemon: ContainerdDaemon,
        _ containers: [TestContainer] = [],
        _ body: ([TestContainer]) async throws -> Void
    ) async throws {
        guard containers.count < count else { return try await body(containers) }
        try await TestContainer.with(daemon) { container in
            try await withContainers(count, in: daemon, containers + [container], body)
        }
    }

    @Test("Is a leader of its own session, has no descriptor of its client's, and freezes soon")
    func process() async throws {
        let inheritable = "/etc/hostname"
        let descriptor = open(inheritable, O_RDONLY)
        defer { close(descriptor) }
        try await withFreeze { container, client, freeze in
            try await freeze.freeze([container.id], until: later())
            let process = try #require(await client.processID)
            #expect(getsid(process) == process)
            let name = try String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
            #expect(name == "stasis-holder\n")
            let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)")
            }
            #expect(!files.isEmpty && !files.contains(inheritable))
            try await freeze.thaw()
            var latencies: [Duration] = []
            for number in 0..<10 {
                let next = client.makeFreeze(id: "\(freeze.id)-\(number)", owner: "tests")
                let start = ContinuousClock.now
                try await next.freeze([container.id], until: later())
                latencies.append(.now - start)
                try await next.thaw()
            }
            let milliseconds = latencies.map { Double($0 / .microseconds(1)) / 1000 }.sorted()
            print("from request to frozen, in ms: median \(milliseconds[5]), longest \(milliseconds[9])")
        }
    }
}
