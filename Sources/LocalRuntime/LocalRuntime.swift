// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import OCIRegistry
import SandboxModels
public import ServiceLifecycle
import SnapshotEngine

import struct Foundation.Date

/// Sandboxes as containers on this machine's containerd, their state in SQLite, their snapshots in an image layout or a
/// registry.
///
/// It serves requests while `run` runs. Sandboxes outlive it: they run on when the process ends, and the next one finds
/// them again.
public actor LocalRuntime: Service {
    let configuration: LocalRuntimeConfiguration
    let logger: Logger
    private var session: Session?
    /// Why the runtime does not serve yet, while it waits for what it needs.
    private var obstacle: SandboxError?
    /// Those who came before the runtime served.
    private var early: [WakeSignal] = []
    private var runners: [String: SandboxRunner] = [:]
    /// Tells of moves that are to be carried out.
    nonisolated let moveAnnouncer = MoveAnnouncer()
    /// One request of a name at a time.
    let requests = KeyedLocks()

    /// What there is while the runtime serves.
    struct Session: Sendable {
        var world: SandboxWorld
        var library: SnapshotLibrary
        var starts: AsyncStream<SandboxRunner>.Continuation
    }

    /// How many sandboxes may be on their way from `create` to their runner at once.
    private static let startsInFlight = 1024
    /// How often the sizes of logs are looked at.
    private static let logInterval: Duration = .seconds(2)
    /// How often the clock is compared with one that nobody sets: the kernel tells nobody whom we could wait for.
    private static let clockInterval: Duration = .seconds(5)
    /// How long a request waits for the runtime to serve.
    private static let startPatience: Duration = .seconds(30)

    /// Creates a runtime; nothing is touched before `run`.
    public init(configuration: LocalRuntimeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    // MARK: - Running

    /// Serves until the task is cancelled or the service is asked to shut down. Sandboxes are left as they are, except
    /// that captures in flight are given up and thawed.
    ///
    /// While containerd cannot be used it waits, and answers requests with the reason.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if the state folder cannot be used.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.serve() }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // That was asked for.
        }
    }

    private func serve() async throws {
        let folder = try await StateFolder.open(configuration.stateFolder)
        defer { withExtendedLifetime(folder) {} }
        let store = try SandboxStore(path: folder.database)
        defer { try? store.close() }
        var backoff = Backoff(from: .seconds(1), to: .seconds(10))
        while true {
            do {
                return try await withConnections { try await self.serve(store, $0) }
            } catch let error as SandboxError where error.code == .runtimeUnavailable {
                let delay = backoff.fail()
                // Sandboxes run on without this process, so it is no reason to give up.
                if backoff.isNews { logger.error("cannot serve yet; will try again", metadata: ["error": "\(error)"]) }
                obstacle = error
                for signal in early { signal.signal() }
                try await Task.sleep(for: delay)
            }
        }
    }

    private func serve(_ store: SandboxStore, _ connections: Connections) async throws {
        let rows = try await store.all()
        let trust = try SnapshotTrust(configuration)
        let sealed = try await connections.recoverFreezes(of: rows)
        let world = makeWorld(store: store, connections: connections, trust: trust, sealed: sealed)
        try await world.images.recover()
        await world.volumes.clearRemains()
        await clearRemains(of: rows, in: world)
        let library = SnapshotLibrary(
            rows: try await store.snapshots.all(),
            store: store.snapshots,
            world: world,
            logger: logger
        )
        try await runSandboxes(rows, in: world, library)
    }

    /// Runs every sandbox until cancelled. One that was found in the store is run like one that is created later.
    private func runSandboxes(
        _ rows: [SandboxRow],
        in world: SandboxWorld,
        _ library: SnapshotLibrary
    ) async throws {
        let (starts, continuation) = AsyncStream<SandboxRunner>.makeStream(
            bufferingPolicy: .bufferingOldest(Self.startsInFlight)
        )
        let found = rows.map { SandboxRunner(row: $0, world: world, logger: logger) }
        for runner in found { runners[runner.id] = runner }
        for row in rows { moveAnnouncer.note(row.id, row.move) }
        session = Session(world: world, library: library, starts: continuation)
        obstacle = nil
        for signal in early { signal.signal() }
        defer {
            session = nil
            runners = [:]
            continuation.finish()
        }
        logger.info("serving", metadata: ["sandboxes": "\(rows.count)"])
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await world.provider.run() }
            group.addTask { await library.run() }
            group.addTask { await self.followExits(of: world.containers) }
            group.addTask { await self.keepLogsBounded(in: world.containers) }
            group.addTask { await self.followClock(library) }
            for runner in found { group.addTask { await runner.run() } }
            for await runner in starts {
                group.addTask { await runner.run() }
            }
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    /// Clears away what creations, removals and captures that were cut off have left.
    private func clearRemains(of rows: [SandboxRow], in world: SandboxWorld) async {
        do {
            let starting = Set(rows.compactMap(\.startingContainer))
            for remains in try await world.containers.list() where remains.isUnfinished(isStarting: starting.contains) {
                try await world.containers.remove(remains.id)
            }
        } catch {
            logger.warning("remains of a container could not be cleared away", metadata: ["error": "\(error)"])
        }
        do {
            try await world.snapshots.removeUnfinished()
        } catch {
            logger.warning("remains of a capture could not be cleared away", metadata: ["error": "\(error)"])
        }
    }

    /// Makes the sandbox look again whose container has ended.
    private func followExits(of containers: ContainerRuntime) async {
        var isNews = true
        while !Task.isCancelled {
            let start = ContinuousClock.now
            do {
                try await containers.withExits { exits in
                    // What ended before is seen by looking.
                    for runner in await self.allRunners { runner.wake() }
                    for try await end in exits { await self.containerChanged(end.id) }
                }
            } catch is CancellationError {
                return
            } catch {
                // That a connection which stood has broken is told, and not that there is still none.
                isNews = isNews || ContinuousClock.now - start > .seconds(5)
                let level: Logger.Level = isNews ? .warning : .debug
                logger.log(level: level, "lost containerd's events; will ask again", metadata: ["error": "\(error)"])
                isNews = false
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// Looks at the sizes of all logs again and again: the kernel tells nobody when a file has become too large.
    private func keepLogsBounded(in containers: ContainerRuntime) async {
        while !Task.isCancelled {
            await containers.boundLogs()
            try? await Task.sleep(for: Self.logInterval)
        }
    }

    /// Makes everybody look at the clock again when it has been set: they wait for dates by one that is not.
    private func followClock(_ library: SnapshotLibrary) async {
        var watch = ClockWatch(wall: Date(), steady: .now)
        while (try? await Task.sleep(for: Self.clockInterval)) != nil {
            guard watch.isSet(wall: Date(), steady: .now) else { continue }
            logger.notice("the clock was set; what is due is looked at again")
            for runner in allRunners { runner.wake() }
            await library.tidy()
        }
    }

    /// Makes whoever a capture is made for look at it again.
    func captureChanged(_ uid: String) async {
        if let library = session?.library, await library.captureChanged(uid) { return }
        containerChanged(uid)
    }

    /// Makes the sandbox look again that a container, or the capture of one, belongs to.
    func containerChanged(_ containerID: String) {
        runner(ofContainer: containerID)?.wake()
    }

    private func runner(ofContainer containerID: String) -> SandboxRunner? {
        guard let dash = containerID.lastIndex(of: "-") else { return nil }
        return runners[String(containerID[..<dash])]
    }

    /// Called when nothing is left of a sandbox.
    func forget(_ id: String) async {
        runners[id] = nil
        moveAnnouncer.note(id, nil)
        // It may have been the last that referred to something.
        await tidy()
    }

    /// Called when there may be something to delete.
    func tidy() async {
        await session?.library.tidy()
    }

    // MARK: - Sandboxes

    /// The runner of a sandbox.
    ///
    /// - Throws: `SandboxError` with `notFound`, or what `serving` throws.
    func runner(_ id: String) async throws -> SandboxRunner {
        _ = try await serving()
        guard let runner = runners[id] else { throw SandboxError(.notFound, "there is no sandbox \(id)") }
        return runner
    }

    /// Whether a sandbox has this identity.
    func isTaken(_ id: String) -> Bool { runners[id] != nil }

    /// The runners of all sandboxes.
    var allRunners: [SandboxRunner] { Array(runners.values) }

    /// What there is while the runtime serves. Who comes while it starts waits a moment.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if it does not serve by then.
    func serving() async throws -> Session {
        if let session { return session }
        if let obstacle { throw obstacle }
        let signal = WakeSignal()
        early.append(signal)
        await signal.wait(until: .now + Self.startPatience)
        early.removeAll { $0 === signal }
        guard let session else {
            if let obstacle { throw obstacle }
            throw SandboxError(.runtimeUnavailable, "the runtime is starting or stopping; try again in a moment")
        }
        return session
    }

    /// Stores a new sandbox and starts to run it.
    func admit(_ row: SandboxRow) async throws -> SandboxRunner {
        let session = try await serving()
        // Two may have chosen the same identity at once.
        try expectFree(row.id)
        let runner = SandboxRunner(row: row, world: session.world, logger: logger)
        runners[row.id] = runner
        do {
            try await session.world.store.insert(row)
        } catch {
            runners[row.id] = nil
            throw error
        }
        guard case .enqueued = session.starts.yield(runner) else {
            runners[row.id] = nil
            try await session.world.store.remove(row.id)
            throw SandboxError(.runtimeUnavailable, "too many sandboxes are being created at once; try again")
        }
        return runner
    }
}

extension SandboxRow {
    /// The container that is being made, if the sandbox is on its way to running.
    fileprivate var startingContainer: String? {
        switch recorded.phase {
        case .pending, .resuming: containerID(attempt: recorded.incarnation)
        default: nil
        }
    }
}

extension FoundContainer {
    /// Whether a process that is gone was still making or removing it.
    ///
    /// A container without a task may have lost it by a restart of the machine, and has its sandbox's files: it is only
    /// unfinished if its sandbox was never told to run.
    fileprivate func isUnfinished(isStarting: (String) -> Bool) -> Bool {
        switch status {
        case .absent, .created: true
        case .stopped: isStarting(id)
        case .running, .paused: false
        }
    }
}
