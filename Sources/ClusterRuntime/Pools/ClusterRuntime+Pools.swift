// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
public import KubeModels
public import SandboxModels

import struct Foundation.Date

/// Pools of ready sandboxes, as `Pool`s. They are few and seldom asked for, so nothing is remembered of them.
extension ClusterRuntime {
    /// Creates a pool of ready sandboxes.
    ///
    /// - Parameter template: The pod template of its sandboxes.
    /// - Throws: `SandboxError` with `poolExists`, `invalidParameter` or `runtimeUnavailable`.
    public func createPool(_ name: String, template: RawJSON, capacity: PoolCapacity) async throws -> SandboxPool {
        var object = Pool()
        object.metadata.name = name
        object.spec.template = template
        object.spec.capacitySpec = capacity
        let asked = object
        do {
            return SandboxPool(try await poolObjects.create(asked))
        } catch let error as KubeError where error.isAlreadyExists {
            throw SandboxError(.poolExists, "There is a pool '\(name)' already.", cause: error)
        } catch let error as KubeError {
            throw SandboxError(error, doing: "create the pool '\(name)'")
        }
    }

    /// One pool as it is now.
    ///
    /// - Throws: `SandboxError` with `poolNotFound` or `runtimeUnavailable`.
    public func pool(_ name: String) async throws -> SandboxPool {
        try await aboutPool(name, "look at") { SandboxPool(try await poolObjects.get(name)) }
    }

    /// All pools as they are now, by name; none on a cluster that has no pools.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable`.
    public func pools() async throws -> [SandboxPool] {
        do {
            return try await poolObjects.pages().collect().items.map { SandboxPool($0) }.sorted { $0.name < $1.name }
        } catch let error as KubeError where error.kind == .notServed {
            return []
        } catch let error as KubeError {
            throw SandboxError(error, doing: "list the pools")
        }
    }

    /// Gives a pool another capacity.
    ///
    /// - Throws: `SandboxError` with `poolNotFound`, `invalidParameter` or `runtimeUnavailable`.
    public func resizePool(_ name: String, to capacity: PoolCapacity) async throws -> SandboxPool {
        try await aboutPool(name, "resize") {
            let patch: JSONValue = ["spec": ["capacitySpec": try JSONValue(encoding: capacity)]]
            return SandboxPool(try await poolObjects.patch(name, .merge(MergePatch(patch))))
        }
    }

    /// Deletes a pool and its idle sandboxes.
    ///
    /// - Throws: `SandboxError` with `poolNotFound` or `runtimeUnavailable`.
    public func deletePool(_ name: String) async throws {
        try await aboutPool(name, "delete") { _ = try await poolObjects.delete(name) }
    }

    private func aboutPool<Result>(_ name: String, _ what: String, _ body: () async throws -> Result) async throws
        -> Result
    {
        guard NameRule.subdomain.allows(name) else { throw Self.noPool(name) }
        do {
            return try await body()
        } catch let error as KubeError where error.isNotFound {
            throw Self.noPool(name)
        } catch let error as KubeError {
            throw SandboxError(error, doing: "\(what) the pool '\(name)'")
        }
    }

    private static func noPool(_ name: String) -> SandboxError {
        SandboxError(.poolNotFound, "There is no pool '\(name)'.")
    }
}

extension SandboxPool {
    /// What an object says, for those who ask for the pool.
    init(_ object: Pool) {
        self.init(
            name: object.metadata.name,
            capacity: object.spec.capacitySpec,
            status: object.status.map {
                Status(
                    total: $0.total,
                    allocated: $0.allocated,
                    available: $0.available,
                    revision: $0.revision
                )
            },
            createdAt: object.metadata.creationTimestamp?.date ?? Date(timeIntervalSince1970: 0)
        )
    }
}
