// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
public import SandboxModels

import struct Foundation.Date

/// Reading, labelling, reaching and deleting sandboxes.
extension KruiseRuntime {
    /// One sandbox as it is now.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func sandbox(_ id: String) async throws -> Sandbox { told(try await entry(id)) }

    /// All sandboxes as they are now, newest first; those that are free in their sets are nobody's, and not among them.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable`.
    public func sandboxes() async throws -> [Sandbox] {
        try await objects.waitUntilSynced()
        return directory.all.compactMap { sandbox in directory[sandbox.id].map(told) }
    }

    /// A sandbox as it is and as it becomes; it ends when the sandbox is gone.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func changes(of id: String) async throws -> AsyncStream<Sandbox> {
        _ = try await entry(id)
        return try await objects.changes(of: id)
    }

    /// Begins to delete a sandbox in whatever state it is.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func delete(_ id: String) async throws {
        _ = try await entry(id)
        try await objects.delete(id)
    }

    /// Sets metadata of a sandbox in whatever state it is, and removes the keys whose value is nil.
    ///
    /// - Throws: `SandboxError` with `notFound`, `invalidParameter` or `runtimeUnavailable`.
    public func patchMetadata(_ id: String, _ patch: [String: String?]) async throws -> Sandbox {
        // Its rules are those of a new sandbox's metadata.
        for key in patch.keys {
            if let problem = NameRule.qualifiedName.problem(with: key) {
                throw SandboxError(.invalidParameter, "The metadata key '\(key)' \(problem).")
            }
            guard !UserMetadata.isReserved(key) else {
                throw SandboxError(.invalidParameter, "The metadata key '\(key)' is reserved; choose another one.")
            }
        }
        _ = try await entry(id)
        let entry = try await objects.edit(id, "label the sandbox") { _ in
            ["metadata": ["annotations": .object(patch.mapValues { $0.map { .string($0) } ?? .null })]]
        }
        return told(entry)
    }

    /// Where a port of a running sandbox is reached.
    ///
    /// - Throws: `SandboxError` with `notFound`, `addressUnavailable` or `runtimeUnavailable`.
    public func endpoint(_ id: String, port: Int) async throws -> SandboxEndpoint {
        let entry = try await entry(id)
        let sandbox = told(entry)
        guard sandbox.status.state == .running, let address = entry.object.address else {
            throw SandboxError(
                .addressUnavailable,
                "The sandbox '\(id)' has no address while it is \(sandbox.status.state.rawValue)."
            )
        }
        let host = address.contains(":") ? "[\(address)]" : address
        return SandboxEndpoint(address: "\(host):\(port)")
    }

    /// What is told of a sandbox: what its object says, with what its template says if that is another object, and whether its
    /// time is over.
    private func told(_ entry: SandboxDirectory<KruiseSandbox>.Entry) -> Sandbox {
        var sandbox = entry.sandbox
        if entry.object.spec.template == nil, let template = template(of: entry.object.spec) {
            sandbox.spec.take(template)
        }
        if sandbox.isOver(at: now()), sandbox.status.state != .stopping {
            sandbox.status.state = .stopping
            (sandbox.status.reason, sandbox.status.message) = ("EXPIRED", nil)
        }
        return sandbox
    }
}
