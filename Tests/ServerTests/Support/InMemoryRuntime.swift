// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Server
import SnapshotStore

import struct Foundation.Date

/// A runtime without compute: it keeps sandboxes in memory and moves them at once. It shows what the HTTP layer does with
/// a runtime's answers and errors, nothing about runtimes.
actor InMemoryRuntime: SandboxRuntime {
    var byID: [String: Sandbox] = [:] {
        didSet { tellFollowers(of: oldValue) }
    }
    private var followers: [(id: String, changes: AsyncStream<Sandbox>.Continuation)] = []
    /// Where ports are reached: what listens there is a test's.
    private var addresses: [Int: String] = [:]
    private var headers: [Int: [String: String]] = [18080: ["X-Token": "t"]]
    /// What becomes of a resume.
    private var resumption = Resumption.atOnce
    /// How often a sandbox was asked to resume.
    private(set) var resumes = 0
    /// The accesses that were told.
    private(set) var accesses: [String] = []
    private var accessWaiters: [(count: Int, CheckedContinuation<Void, Never>)] = []

    /// What becomes of a resume.
    enum Resumption: Sendable {
        /// It runs at once.
        case atOnce
        /// It resumes until it is put in another state.
        case held
        /// It resumes for a moment and is paused again, with a message.
        case failing(String)
        /// It is refused.
        case refused(SandboxError)
    }
    private var count = 0
    var snapshotsByID: [String: Snapshot] = [:]
    /// What sandboxes can be created from by a name.
    var known: [SandboxTemplateSummary] = []
    /// What the next pauses come to, if not to a pause.
    var pauseFailure: String?
    /// What snapshots were asked to be.
    var snapshotOptions: [SnapshotOptions] = []
    /// For how long pauses were asked to last.
    var retentions: [PausedRetention?] = []
    /// What images say about how to run them.
    var defaults: [String: RestoreDefaults] = [:]
    /// What the next creates are refused with.
    var createError: SandboxError?
    private var logs: [String: SandboxLog] = [:]
    private var happened: [String: [SandboxEvent]] = [:]
    /// What every create was asked for.
    private(set) var created: [(spec: SandboxSpec, credentials: ImageCredentials?, expiresAt: Date?)] = []
    /// Runs before anything else in each create; throws what the create is to fail with.
    private let beforeCreate: @Sendable () async throws -> Void

    /// The first sandbox is created then; each further one a second later.
    static let start = Date(timeIntervalSince1970: 1_767_225_600.25)

    init(beforeCreate: @escaping @Sendable () async throws -> Void = {}) {
        self.beforeCreate = beforeCreate
    }

    /// Puts a sandbox there as if it had been created.
    @discardableResult
    func put(
        _ id: String,
        _ state: SandboxStatus.State,
        metadata: [String: String] = [:],
        extensions: [String: String] = [:],
        reason: String? = nil,
        message: String? = nil
    ) -> Sandbox {
        let at = Self.start.addingTimeInterval(Double(count))
        count += 1
        let sandbox = Sandbox(
            id: id,
            spec: SandboxSpec(
                image: "busybox:1.36",
                entrypoint: ["sleep", "1000"],
                metadata: metadata,
                extensions: extensions
            ),
            status: SandboxStatus(state: state, reason: reason, message: message, lastTransitionAt: at),
            createdAt: at
        )
        byID[id] = sandbox
        return sandbox
    }

    /// Says how far a capture is.
    func report(_ progress: SandboxStatus.Progress, of id: String) {
        byID[id]?.status.progress = progress
    }

    func create(_ spec: SandboxSpec, credentials: ImageCredentials?, expiresAt: Date?) async throws -> Sandbox {
        try await beforeCreate()
        if let createError { throw createError }
        if let id = spec.snapshotID, try snapshot(id).status.state != .ready {
            throw SandboxError(.snapshotNotReady, "The snapshot '\(id)' is not ready.")
        }
        created.append((spec, credentials, expiresAt))
        var sandbox = put("00000000-0000-4000-8000-00000000000\(count)", .running)
        sandbox.spec = spec
        if spec.timeout?.action == .pause {
            sandbox.pausesAt = expiresAt
        } else {
            sandbox.expiresAt = expiresAt
        }
        byID[sandbox.id] = sandbox
        return sandbox
    }

    func restoreDefaults(ofImage image: String, credentials: ImageCredentials?) throws -> RestoreDefaults? {
        if image == "nowhere" { throw SandboxError(.imageUnavailable, "There is no image nowhere.") }
        return defaults[image]
    }

    func set(_ defaults: RestoreDefaults, of image: String) { self.defaults[image] = defaults }

    func sandbox(_ id: String) throws -> Sandbox {
        guard let sandbox = byID[id] else { throw SandboxError(.notFound, "There is no sandbox '\(id)'.") }
        return sandbox
    }

    func sandboxes() -> [Sandbox] {
        Array(byID.values)
    }

    func delete(_ id: String) throws {
        _ = try sandbox(id)
        byID[id] = nil
    }

    func pause(_ id: String) throws {
        try move(id, from: .running, to: .paused)
    }

    func resume(_ id: String) throws {
        resumes += 1
        switch resumption {
        case .atOnce: try move(id, from: .paused, to: .running)
        case .held: try move(id, from: .paused, to: .resuming)
        case .failing(let message):
            try move(id, from: .paused, to: .resuming)
            byID[id]?.status.state = .paused
            byID[id]?.status.message = message
        case .refused(let error): throw error
        }
    }

    /// Says what becomes of a resume.
    func onResume(_ resumption: Resumption) {
        self.resumption = resumption
    }

    /// Puts a sandbox that is there in another state.
    func set(_ id: String, _ state: SandboxStatus.State, message: String? = nil) {
        byID[id]?.status.state = state
        byID[id]?.status.message = message
    }

    /// Says where a port is reached, and what it takes.
    func listen(_ port: Int, at address: String, headers: [String: String] = [:]) {
        addresses[port] = address
        self.headers[port] = headers
    }

    func changes(of id: String) throws -> AsyncStream<Sandbox> {
        let sandbox = try sandbox(id)
        let (stream, continuation) = AsyncStream<Sandbox>.makeStream(bufferingPolicy: .bufferingNewest(1))
        continuation.yield(sandbox)
        followers.append((id, continuation))
        return stream
    }

    private func tellFollowers(of before: [String: Sandbox]) {
        for follower in followers where byID[follower.id] != before[follower.id] {
            if let sandbox = byID[follower.id] {
                follower.changes.yield(sandbox)
            } else {
                follower.changes.finish()
            }
        }
    }

    func recordAccess(_ id: String, at date: Date) {
        accesses.append(id)
        for waiter in accessWaiters where waiter.count <= accesses.count { waiter.1.resume() }
        accessWaiters.removeAll { $0.count <= accesses.count }
    }

    /// Waits until so many accesses were told.
    func accesses(atLeast count: Int) async {
        guard accesses.count < count else { return }
        await withCheckedContinuation { accessWaiters.append((count, $0)) }
    }

    func endpointHeaders(_ id: String, port: Int) throws -> [String: String] {
        _ = try sandbox(id)
        return headers[port] ?? [:]
    }

    func renew(_ id: String, until date: Date) throws {
        guard try sandbox(id).expiresAt != nil else {
            throw SandboxError(.neverExpires, "The sandbox '\(id)' never expires.")
        }
        byID[id]?.expiresAt = date
    }

    func patchMetadata(_ id: String, _ patch: [String: String?]) throws -> Sandbox {
        var sandbox = try sandbox(id)
        for (key, value) in patch { sandbox.spec.metadata[key] = value }
        byID[id] = sandbox
        return sandbox
    }

    /// Puts a snapshot there, a second later than the one before.
    @discardableResult
    func putSnapshot(
        _ id: String,
        _ state: SnapshotStatus.State,
        of sandbox: String,
        name: String? = nil,
        artifact: Artifact? = nil
    ) -> Snapshot {
        let at = Self.start.addingTimeInterval(Double(snapshotsByID.count))
        let snapshot = Snapshot(
            id: id,
            sandboxID: sandbox,
            name: name,
            status: SnapshotStatus(state: state, lastTransitionAt: at),
            createdAt: at,
            artifact: artifact
        )
        snapshotsByID[id] = snapshot
        return snapshot
    }

    func createSnapshot(of id: String, name: String?) throws -> Snapshot {
        guard try sandbox(id).status.state == .running else {
            throw SandboxError(.snapshotSourceNotRunning, "The sandbox '\(id)' does not run.")
        }
        return putSnapshot("snapshot-\(snapshotsByID.count)", .creating, of: id, name: name)
    }

    func snapshot(_ id: String) throws -> Snapshot {
        guard let snapshot = snapshotsByID[id] else {
            throw SandboxError(.snapshotNotFound, "There is no snapshot '\(id)'.")
        }
        return snapshot
    }

    func snapshots() -> [Snapshot] {
        snapshotsByID.values.filter { !$0.isInternal }
    }

    func deleteSnapshot(_ id: String) throws {
        guard try snapshot(id).status.state != .creating else {
            throw SandboxError(.snapshotBusy, "The snapshot '\(id)' is still being taken.")
        }
        snapshotsByID[id] = nil
    }

    func log(of id: String, atMost bytes: Int) throws -> SandboxLog {
        _ = try sandbox(id)
        return logs[id] ?? SandboxLog()
    }

    func events(of id: String) throws -> [SandboxEvent] {
        let sandbox = try sandbox(id)
        return [.created(at: sandbox.createdAt)] + (happened[id] ?? [])
    }

    /// Makes something have happened to a sandbox.
    func happen(_ event: SandboxEvent, to id: String) {
        happened[id, default: []].append(event)
    }

    /// Makes a sandbox have printed something.
    func print(_ log: SandboxLog, in id: String) {
        logs[id] = log
    }

    /// Makes a sandbox expire that did not.
    func limit(_ id: String, until date: Date) {
        byID[id]?.expiresAt = date
    }

    func endpoint(_ id: String, port: Int) throws -> SandboxEndpoint {
        guard try sandbox(id).status.state == .running else {
            throw SandboxError(.addressUnavailable, "The sandbox '\(id)' has no address while it does not run.")
        }
        return SandboxEndpoint(address: addresses[port] ?? "10.0.0.5:\(port)", headers: headers[port] ?? [:])
    }

    private func move(_ id: String, from: SandboxStatus.State, to: SandboxStatus.State) throws {
        let state = try sandbox(id).status.state
        guard state == from else {
            throw SandboxError(.invalidState, "The sandbox '\(id)' is \(state.rawValue), not \(from.rawValue).")
        }
        byID[id]?.status.state = to
    }
}
