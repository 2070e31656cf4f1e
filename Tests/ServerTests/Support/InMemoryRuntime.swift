// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Server

import struct Foundation.Date

/// A runtime without compute: it keeps sandboxes in memory and moves them at once. It shows what the HTTP layer does with
/// a runtime's answers and errors, nothing about runtimes.
actor InMemoryRuntime: SandboxRuntime {
    private var byID: [String: Sandbox] = [:]
    private var count = 0
    private var snapshotsByID: [String: Snapshot] = [:]
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
        reason: String? = nil,
        message: String? = nil
    ) -> Sandbox {
        let at = Self.start.addingTimeInterval(Double(count))
        count += 1
        let sandbox = Sandbox(
            id: id,
            spec: SandboxSpec(image: "busybox:1.36", entrypoint: ["sleep", "1000"], metadata: metadata),
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
        if let id = spec.snapshotID, try snapshot(id).status.state != .ready {
            throw SandboxError(.snapshotNotReady, "The snapshot '\(id)' is not ready.")
        }
        created.append((spec, credentials, expiresAt))
        var sandbox = put("00000000-0000-4000-8000-00000000000\(count)", .running)
        sandbox.spec = spec
        sandbox.expiresAt = expiresAt
        byID[sandbox.id] = sandbox
        return sandbox
    }

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
        try move(id, from: .paused, to: .running)
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
        Array(snapshotsByID.values)
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
        return SandboxEndpoint(address: "10.0.0.5:\(port)", headers: port == 18080 ? ["X-Token": "t"] : [:])
    }

    private func move(_ id: String, from: SandboxStatus.State, to: SandboxStatus.State) throws {
        let state = try sandbox(id).status.state
        guard state == from else {
            throw SandboxError(.invalidState, "The sandbox '\(id)' is \(state.rawValue), not \(from.rawValue).")
        }
        byID[id]?.status.state = to
    }
}
