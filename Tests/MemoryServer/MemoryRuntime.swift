// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Server
import Synchronization

import struct Foundation.Date
import struct Foundation.UUID

/// Sandboxes that are nothing but values. What is begun here has happened at once.
final class MemoryRuntime: SandboxRuntime {
    fileprivate struct State {
        var sandboxes: [String: Sandbox] = [:]
        var snapshots: [String: Snapshot] = [:]
        /// What a list answers, until something changes.
        var sorted: [Sandbox]?
        var changes = 0
        var watchers: [String: [AsyncStream<Sandbox>.Continuation]] = [:]
    }

    private let state = Mutex(State())
    /// How long a capture takes.
    private let captureTime: Duration

    /// Everything that the API can ask for.
    let features = Set(SandboxFeature.allCases)

    /// Makes some sandboxes, as one looks that a tool for code has created.
    ///
    /// - Parameters:
    ///   - captureTime: How long pauses and snapshots take.
    ///   - areNew: Whether the sandboxes have been created just now, and have time left.
    init(sandboxes count: Int, captureTime: Duration = .zero, areNew: Bool = false) {
        self.captureTime = captureTime
        let start = areNew ? Date().addingTimeInterval(-Double(count)) : Date(timeIntervalSince1970: 1_767_225_600)
        state.withLock { state in
            for number in 0..<count {
                let at = start.addingTimeInterval(Double(number))
                let spec = SandboxSpec(
                    image: "registry.example/tools/code-interpreter:v1.0.\(number % 7)",
                    entrypoint: ["/opt/code-interpreter/start.sh", "--port", "44772"],
                    resourceLimits: ["cpu": "500m", "memory": "512Mi"],
                    metadata: ["project": "demo-\(number % 10)", "user": "user-\(number)", "team": "red"]
                )
                let sandbox = Sandbox(
                    id: UUID().uuidString.lowercased(),
                    spec: spec,
                    status: SandboxStatus(
                        state: number % 5 == 0 ? .paused : .running,
                        reason: "RUNNING",
                        message: "Its pod is ready.",
                        lastTransitionAt: at
                    ),
                    createdAt: at,
                    expiresAt: at.addingTimeInterval(86_400)
                )
                state.put(sandbox)
            }
        }
    }

    /// Makes a sandbox and a snapshot of it whose every word is the same text.
    func put(_ text: String) {
        let now = Date()
        let spec = SandboxSpec(
            image: text,
            entrypoint: [text],
            metadata: [text: text, "name": text],
            extensions: [text: text]
        )
        let status = SandboxStatus(state: .running, reason: text, message: text, lastTransitionAt: now)
        let sandbox = Sandbox(
            id: text,
            spec: spec,
            status: status,
            createdAt: now,
            expiresAt: now.addingTimeInterval(86_400)
        )
        var snapshot = Snapshot(
            id: text,
            sandboxID: text,
            name: text,
            status: SnapshotStatus(state: .ready, reason: text, message: text, lastTransitionAt: now),
            createdAt: now
        )
        snapshot.artifact = Artifact(
            provider: text,
            parts: [.init(container: text, reference: text, digest: text, size: 1, layers: 1, baseDigest: text)],
            platform: text
        )
        state.withLock { state in
            state.put(sandbox)
            state.snapshots[text] = snapshot
        }
    }

    func create(_ spec: SandboxSpec, credentials: ImageCredentials?, expiresAt: Date?) async throws -> Sandbox {
        let now = Date()
        return try state.withLock { state in
            if let id = spec.snapshotID { _ = try state.snapshot(id) }
            let sandbox = Sandbox(
                id: UUID().uuidString.lowercased(),
                spec: spec,
                status: SandboxStatus(state: .running, lastTransitionAt: now),
                createdAt: now,
                expiresAt: expiresAt
            )
            return state.put(sandbox)
        }
    }

    func sandbox(_ id: String) async throws -> Sandbox {
        try state.withLock { try $0.sandbox(id) }
    }

    func sandboxes() async throws -> [Sandbox] {
        state.withLock { state in
            if let sorted = state.sorted { return sorted }
            let sorted = state.sandboxes.values.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
            state.sorted = sorted
            return sorted
        }
    }

    func delete(_ id: String) async throws {
        try state.withLock { state in
            _ = try state.sandbox(id)
            state.sandboxes[id] = nil
            state.sorted = nil
            for watcher in state.watchers.removeValue(forKey: id) ?? [] { watcher.finish() }
        }
    }

    func pause(_ id: String) async throws {
        guard captureTime > .zero else { return try move(id, from: .running, to: .paused) }
        try move(id, from: .running, to: .pausing)
        Task {
            for step in 1...Self.steps {
                try await Task.sleep(for: captureTime / Self.steps)
                state.withLock { state in
                    guard var sandbox = state.sandboxes[id] else { return }
                    sandbox.status.progress = step < Self.steps ? Self.progress(step) : nil
                    if step == Self.steps {
                        sandbox.status = SandboxStatus(state: .paused, lastTransitionAt: Date())
                        sandbox.artifact = Self.artifact(of: id)
                    }
                    state.put(sandbox)
                }
            }
        }
    }

    private static let steps = 10

    private static func progress(_ step: Int) -> SandboxStatus.Progress {
        let total: Int64 = 1_400_000_000
        let read = total / Int64(steps) * Int64(step)
        return .init(stage: "copying", bytesRead: read, bytesWritten: read / 3, bytesTotal: total)
    }

    fileprivate static func artifact(of id: String) -> Artifact {
        let part = Artifact.Part(
            container: "main",
            reference: "registry.example/sandboxes/\(id):1",
            digest: "sha256:" + String(repeating: "5ca1ab1e", count: 8),
            size: 466_000_000,
            layers: 5,
            baseDigest: "sha256:" + String(repeating: "0ddba115", count: 8)
        )
        return Artifact(
            provider: "oci-rootfs",
            parts: [part],
            platform: "linux/amd64",
            statistics: .init(frozenMilliseconds: 840, bytesRead: 1_400_000_000, bytesWritten: 466_000_000)
        )
    }

    func resume(_ id: String) async throws { try move(id, from: .paused, to: .running) }

    func renew(_ id: String, until date: Date) async throws {
        try state.withLock { state in
            var sandbox = try state.sandbox(id)
            guard sandbox.expiresAt != nil else {
                throw SandboxError(.neverExpires, "The sandbox '\(id)' never expires.")
            }
            sandbox.expiresAt = date
            state.put(sandbox)
        }
    }

    func patchMetadata(_ id: String, _ patch: [String: String?]) async throws -> Sandbox {
        try state.withLock { state in
            var sandbox = try state.sandbox(id)
            for (key, value) in patch { sandbox.spec.metadata[key] = value }
            return state.put(sandbox)
        }
    }

    func changes(of id: String) async throws -> AsyncStream<Sandbox> {
        let (stream, continuation) = AsyncStream.makeStream(of: Sandbox.self, bufferingPolicy: .bufferingNewest(1))
        try state.withLock { state in
            continuation.yield(try state.sandbox(id))
            state.watchers[id, default: []].append(continuation)
        }
        return stream
    }

    func createSnapshot(of id: String, name: String?) async throws -> Snapshot {
        let now = Date()
        return try state.withLock { state in
            guard try state.sandbox(id).status.state == .running else {
                throw SandboxError(.snapshotSourceNotRunning, "The sandbox '\(id)' does not run.")
            }
            var snapshot = Snapshot(
                id: UUID().uuidString.lowercased(),
                sandboxID: id,
                name: name,
                status: SnapshotStatus(state: .creating, lastTransitionAt: now),
                createdAt: now,
                source: state.sandboxes[id]?.spec
            )
            if captureTime > .zero { capture(snapshot.id) } else { snapshot.end() }
            state.snapshots[snapshot.id] = snapshot
            return snapshot
        }
    }

    private func capture(_ id: String) {
        Task {
            for step in 1...Self.steps {
                try await Task.sleep(for: captureTime / Self.steps)
                state.withLock { state in
                    state.snapshots[id]?.status.progress = Self.progress(step)
                    if step == Self.steps { state.snapshots[id]?.end() }
                }
            }
        }
    }

    func snapshot(_ id: String) async throws -> Snapshot {
        try state.withLock { try $0.snapshot(id) }
    }

    func snapshots() async throws -> [Snapshot] {
        state.withLock { Array($0.snapshots.values) }
    }

    func deleteSnapshot(_ id: String) async throws {
        try state.withLock { state in
            _ = try state.snapshot(id)
            state.snapshots[id] = nil
        }
    }

    func log(of id: String, atMost bytes: Int) async throws -> SandboxLog {
        _ = try await sandbox(id)
        return SandboxLog()
    }

    func events(of id: String) async throws -> [SandboxEvent] {
        [.created(at: try await sandbox(id).createdAt)]
    }

    func endpoint(_ id: String, port: Int) async throws -> SandboxEndpoint {
        guard try await sandbox(id).status.state == .running else {
            throw SandboxError(.addressUnavailable, "The sandbox '\(id)' has no address while it does not run.")
        }
        return SandboxEndpoint(address: "192.0.2.1:\(port)", headers: [:])
    }

    private func move(_ id: String, from: SandboxStatus.State, to: SandboxStatus.State) throws {
        try state.withLock { state in
            var sandbox = try state.sandbox(id)
            guard sandbox.status.state == from else {
                let word = sandbox.status.state.rawValue
                throw SandboxError(.invalidState, "The sandbox '\(id)' is \(word), not \(from.rawValue).")
            }
            sandbox.status.state = to
            state.put(sandbox)
        }
    }
}

extension Snapshot {
    /// It is there.
    fileprivate mutating func end() {
        status = SnapshotStatus(state: .ready, lastTransitionAt: Date())
        artifact = MemoryRuntime.artifact(of: id)
    }
}

extension MemoryRuntime.State {
    @discardableResult
    mutating func put(_ sandbox: Sandbox) -> Sandbox {
        var sandbox = sandbox
        changes += 1
        sandbox.revision = String(changes)
        sandboxes[sandbox.id] = sandbox
        for watcher in watchers[sandbox.id] ?? [] { watcher.yield(sandbox) }
        sorted = nil
        return sandbox
    }

    func sandbox(_ id: String) throws(SandboxError) -> Sandbox {
        guard let sandbox = sandboxes[id] else { throw SandboxError(.notFound, "There is no sandbox '\(id)'.") }
        return sandbox
    }

    func snapshot(_ id: String) throws(SandboxError) -> Snapshot {
        guard let snapshot = snapshots[id] else {
            throw SandboxError(.snapshotNotFound, "There is no snapshot '\(id)'.")
        }
        return snapshot
    }
}
