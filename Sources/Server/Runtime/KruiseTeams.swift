// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KruiseRuntime
import KubeModels
import SandboxModels
import ServiceLifecycle

import struct Foundation.Date

/// The runtimes of the E2B API's teams, each of which has a namespace of its name, as one.
///
/// The team `default`, of keys that name none, and that of a server without keys have the namespace that the server's configuration
/// names.
struct KruiseTeams: SandboxRuntime, ServiceLifecycle.Service {
    private let namespaces: [String: String]
    private let runtimes: [String: KruiseRuntime]

    private static let unnamed = ["default", ServerConfiguration.E2B.soleTeam]

    /// Creates them.
    ///
    /// - Parameters:
    ///   - namespace: That of those who name none.
    ///   - make: Makes the one of a namespace.
    init(_ e2b: ServerConfiguration.E2B, namespace: String, _ make: (String) -> KruiseRuntime) {
        var namespaces: [String: String] = [:]
        for team in e2b.keys.map(\.team) { namespaces[team] = Self.unnamed.contains(team) ? namespace : team }
        if namespaces.isEmpty { namespaces[ServerConfiguration.E2B.soleTeam] = namespace }
        self.namespaces = namespaces
        var runtimes: [String: KruiseRuntime] = [:]
        for namespace in Set(namespaces.values) { runtimes[namespace] = make(namespace) }
        self.runtimes = runtimes
    }

    /// Runs each of them until the task is cancelled or the service is asked to shut down.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for runtime in runtimes.values { group.addTask { try await runtime.run() } }
        }
    }

    // MARK: - Whose it is

    private var all: [KruiseRuntime] { runtimes.sorted { $0.key < $1.key }.map(\.value) }

    /// The one that a sandbox is in: that of the namespace which its identity begins with, else the first one that has it.
    private func runtime(of id: String) async throws -> KruiseRuntime {
        if let only = runtimes.values.first, runtimes.count == 1 { return only }
        if let end = id.firstRange(of: "--")?.lowerBound, let runtime = runtimes[String(id[..<end])] { return runtime }
        for runtime in all {
            do {
                _ = try await runtime.sandbox(id)
                return runtime
            } catch let error as SandboxError where error.code == .notFound {
                continue
            }
        }
        throw SandboxError(.notFound, "There is no sandbox '\(id)'.")
    }

    /// The first one that has a snapshot. Their names end with what nobody else has, unless people have chosen them.
    private func runtime(ofSnapshot id: String) async throws -> KruiseRuntime {
        for runtime in all {
            do {
                _ = try await runtime.snapshot(id)
                return runtime
            } catch let error as SandboxError where error.code == .snapshotNotFound {
                continue
            }
        }
        throw SandboxError(.snapshotNotFound, "There is no snapshot '\(id)'.")
    }

    // MARK: - Sandboxes

    var features: Set<SandboxFeature> { all.first?.features ?? [] }

    func create(_ spec: SandboxSpec, credentials: ImageCredentials?, expiresAt: Date?) async throws -> Sandbox {
        guard let runtime = spec.team.flatMap({ namespaces[$0] ?? $0 }).flatMap({ runtimes[$0] }) else {
            throw SandboxError(.unsupported, "The team '\(spec.team ?? "")' has no namespace here.")
        }
        return try await runtime.create(spec, credentials: credentials, expiresAt: expiresAt)
    }

    func sandbox(_ id: String) async throws -> Sandbox { try await runtime(of: id).sandbox(id) }

    func sandboxes() async throws -> [Sandbox] {
        var found: [Sandbox] = []
        for runtime in all { found += try await runtime.sandboxes() }
        return found.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
    }

    func delete(_ id: String) async throws { try await runtime(of: id).delete(id) }

    func pause(_ id: String) async throws { try await runtime(of: id).pause(id) }

    func resume(_ id: String) async throws { try await runtime(of: id).resume(id) }

    func renew(_ id: String, until date: Date) async throws { try await runtime(of: id).renew(id, until: date) }

    func patchMetadata(_ id: String, _ patch: [String: String?]) async throws -> Sandbox {
        try await runtime(of: id).patchMetadata(id, patch)
    }

    func changes(of id: String) async throws -> AsyncStream<Sandbox> { try await runtime(of: id).changes(of: id) }

    func log(of id: String, atMost bytes: Int) async throws -> SandboxLog {
        try await runtime(of: id).log(of: id, atMost: bytes)
    }

    func events(of id: String) async throws -> [SandboxEvent] { try await runtime(of: id).events(of: id) }

    func endpoint(_ id: String, port: Int) async throws -> SandboxEndpoint {
        try await runtime(of: id).endpoint(id, port: port)
    }

    // MARK: - Timeouts

    func setTimeout(_ id: String, to date: Date, onlyIfLater: Bool) async throws {
        try await runtime(of: id).setTimeout(id, to: date, onlyIfLater: onlyIfLater)
    }

    func pause(_ id: String, keptFor retention: PausedRetention?) async throws {
        try await runtime(of: id).pause(id, keptFor: retention)
    }

    func connect(_ id: String, until date: Date) async throws -> Bool {
        try await runtime(of: id).connect(id, until: date)
    }

    // MARK: - Snapshots and templates

    func createSnapshot(of id: String, name: String?) async throws -> Snapshot {
        try await runtime(of: id).createSnapshot(of: id, name: name)
    }

    func createSnapshot(of id: String, options: SnapshotOptions) async throws -> Snapshot {
        try await runtime(of: id).createSnapshot(of: id, options: options)
    }

    func snapshot(_ id: String) async throws -> Snapshot { try await runtime(ofSnapshot: id).snapshot(id) }

    func snapshots() async throws -> [Snapshot] {
        var found: [Snapshot] = []
        for runtime in all { found += try await runtime.snapshots() }
        return found
    }

    func settledSnapshot(_ id: String, within limit: Duration) async throws -> Snapshot {
        try await runtime(ofSnapshot: id).settledSnapshot(id, within: limit)
    }

    func deleteSnapshot(_ id: String) async throws { try await runtime(ofSnapshot: id).deleteSnapshot(id) }

    /// Those of each team, once for each that has the namespace.
    func templates() async throws -> [SandboxTemplateSummary] {
        var found: [SandboxTemplateSummary] = []
        for (team, namespace) in namespaces.sorted(by: { $0.key < $1.key }) {
            guard let runtime = runtimes[namespace] else { continue }
            for var template in try await runtime.templates() {
                template.team = team
                found.append(template)
            }
        }
        return found
    }
}

extension KruiseTeams: CustomStringConvertible {
    /// What they are.
    var description: String { "runtimes of the namespaces \(runtimes.keys.sorted().joined(separator: ", "))" }
}
