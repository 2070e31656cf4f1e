// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// What sandboxes are created from: templates of the configuration, templates of the runtime, and snapshots, in this order.
struct E2BSource {
    private let surroundings: E2BSurroundings
    private var runtime: any SandboxRuntime { surroundings.runtime }

    init(_ surroundings: E2BSurroundings) {
        self.surroundings = surroundings
    }

    /// What the runtime is asked for.
    ///
    /// - Throws: ``E2BError`` (400) if there is nothing of the name, or it cannot be used.
    func spec(of asked: E2BCreateRequest, for principal: E2BPrincipal) async throws -> SandboxSpec {
        var spec = try await source(asked.templateID, for: principal)
        spec.owner = principal.owner
        spec.team = principal.team
        asked.fill(&spec)
        if asked.networkPolicy != nil, !runtime.features.contains(.networkPolicy) {
            throw E2BError.bad("This server cannot limit what a sandbox connects to.")
        }
        let names = [E2BExtension.sandboxName, E2BExtension.sandboxGenerateName]
        if spec.snapshotID == nil, names.contains(where: { asked.extensions[$0] != nil }) {
            throw E2BError.bad("Bad extension param: a name can be given to what is created from a snapshot only.")
        }
        return spec
    }

    private func source(_ name: String, for principal: E2BPrincipal) async throws -> SandboxSpec {
        guard !name.isEmpty else { throw E2BError.bad("templateID is missing.") }
        if let template = surroundings.configuration.templates[name] {
            return SandboxSpec(
                image: template.image,
                entrypoint: template.entrypoint,
                environment: template.environment,
                resourceLimits: template.resourceLimits,
                template: name
            )
        }
        if try await runtime.templates().contains(where: { $0.name == name && $0.isFor(principal) }) {
            return SandboxSpec(image: "", template: name)
        }
        guard let snapshot = try await snapshot(name, of: principal.owner) else {
            throw E2BError.bad("There is no template or snapshot '\(name)'.")
        }
        guard snapshot.status.state == .ready else {
            throw E2BError.bad("The snapshot '\(name)' is not ready: \(snapshot.status.message ?? "ask again later").")
        }
        return Self.spec(from: snapshot, as: name)
    }

    /// What another sandbox like that of a snapshot is asked to be, with its owner's own words taken out.
    static func spec(from snapshot: Snapshot, as name: String) -> SandboxSpec {
        let source = snapshot.source
        var spec = SandboxSpec(image: "", snapshotID: snapshot.id, template: name)
        spec.entrypoint = source?.entrypoint ?? []
        spec.environment = source?.environment ?? [:]
        spec.resourceLimits = source?.resourceLimits ?? [:]
        spec.extensions[E2BExtension.envdVersion] = source?.extensions[E2BExtension.envdVersion]
        return spec
    }

    /// A snapshot of an owner, by its identity or else by its name; of several with one name the newest.
    func snapshot(_ name: String, of owner: String) async throws -> Snapshot? {
        do {
            let snapshot = try await runtime.snapshot(name)
            if snapshot.owner == owner { return snapshot }
        } catch let error as SandboxError where error.code == .snapshotNotFound {
            // It may be a name.
        }
        return try await runtime.snapshots().filter { $0.owner == owner && $0.name == name }
            .max { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    /// How long a create may take until its sandbox is given the time that it took.
    private static let quick = Duration.seconds(1)

    /// Creates a sandbox whose time begins when it is up.
    func create(_ spec: SandboxSpec, timeout: Int?) async throws -> Sandbox {
        let began = ContinuousClock.now
        let end = timeout.map { surroundings.now().later(bySeconds: $0) }
        let sandbox = try await runtime.create(spec, credentials: nil, expiresAt: end)
        guard let timeout, ContinuousClock.now - began > Self.quick else { return sandbox }
        do {
            let end = surroundings.now().later(bySeconds: timeout)
            try await runtime.setTimeout(sandbox.id, to: end, onlyIfLater: true)
        } catch let error as SandboxError where [.notFound, .invalidState, .unsupported].contains(error.code) {
            // It was up, and what has become of it since is not this request's.
        }
        return sandbox
    }
}

extension SandboxTemplateSummary {
    /// Whether somebody may use it.
    func isFor(_ principal: E2BPrincipal) -> Bool { team == nil || team == principal.team }
}
