// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import Logging
import SwiftProtobuf

public import struct Foundation.Date

/// A name under which things are kept from garbage collection.
public struct ContainerdLease: Sendable, Hashable {
    /// The name.
    public var id: String
    /// When it was made.
    public var createdAt: Date
    /// Labels; `containerd.io/gc.expire` says when it ends.
    public var labels: [String: String]
}

/// One thing that a lease keeps.
public struct LeasedResource: Sendable, Hashable {
    /// The digest of content, the key of a snapshot, the reference of an upload.
    public var id: String
    /// `content`, `snapshots/<snapshotter>` or `ingests`.
    public var type: String

    /// Creates a resource from its values.
    public init(id: String, type: String) {
        self.id = id
        self.type = type
    }
}

/// Leases.
extension ContainerdClient {
    private var leasesService: Containerd_Services_Leases_V1_Leases.Client<ContainerdTransport> {
        .init(wrapping: connection.calls)
    }

    /// Makes a lease, atomically: of two calls with one ID, one succeeds and the other throws `alreadyExists`.
    ///
    /// - Parameters:
    ///   - id: Its name.
    ///   - labels: Its labels; key and value together at most 4,096 bytes each.
    ///   - expiresAt: When containerd may delete it; never if nil.
    @discardableResult
    public func createLease(
        _ id: String,
        labels: [String: String] = [:],
        expiresAt: Date? = nil
    ) async throws -> ContainerdLease {
        try await call("Leases.Create", "lease \(id)") {
            var request = Containerd_Services_Leases_V1_CreateRequest()
            request.id = id
            request.labels = labels
            if let expiresAt {
                request.labels["containerd.io/gc.expire"] = expiresAt.formatted(.iso8601)
            }
            return ContainerdLease(try await leasesService.create(request, metadata: metadata).lease)
        }
    }

    /// Deletes a lease; with `synchronously`, what only it kept is gone when this returns.
    public func deleteLease(_ id: String, synchronously: Bool = false) async throws {
        try await call("Leases.Delete", "lease \(id)") {
            var request = Containerd_Services_Leases_V1_DeleteRequest()
            request.id = id
            request.sync = synchronously
            _ = try await leasesService.delete(request, metadata: metadata)
        }
    }

    /// The leases that match any of the filters, such as `labels."stasis.dev/freeze"`; all without filters.
    public func leases(filters: [String] = []) async throws -> [ContainerdLease] {
        try await read("Leases.List", "leases") {
            var request = Containerd_Services_Leases_V1_ListRequest()
            request.filters = filters
            return try await leasesService.list(request, metadata: metadata).leases.map(ContainerdLease.init)
        }
    }

    /// Keeps one more thing under a lease.
    public func addResource(_ resource: LeasedResource, toLease id: String) async throws {
        try await call("Leases.AddResource", "\(resource.type) \(resource.id) to lease \(id)") {
            var request = Containerd_Services_Leases_V1_AddResourceRequest()
            request.id = id
            request.resource.id = resource.id
            request.resource.type = resource.type
            _ = try await leasesService.addResource(request, metadata: metadata)
        }
    }

    /// What a lease keeps.
    public func resources(ofLease id: String) async throws -> [LeasedResource] {
        try await read("Leases.ListResources", "lease \(id)") {
            var request = Containerd_Services_Leases_V1_ListResourcesRequest()
            request.id = id
            return try await leasesService.listResources(request, metadata: metadata).resources.map {
                LeasedResource(id: $0.id, type: $0.type)
            }
        }
    }

    /// Runs `body` with a client whose calls make things under a lease of their own, and deletes the lease afterwards,
    /// also when `body` throws or is cancelled.
    ///
    /// - Parameters:
    ///   - prefix: The beginning of the lease's name.
    ///   - lifetime: How long the lease lasts if this process dies.
    ///   - body: What to do.
    public func withLease<Result: Sendable>(
        prefix: String = "stasis",
        lifetime: Duration = .seconds(3600),
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ContainerdClient) async throws -> Result
    ) async throws -> Result {
        let id = "\(prefix)-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        let expiry = Date(timeIntervalSinceNow: Double(lifetime.components.seconds))
        // Cut off here, the lease might be made and nobody would know.
        _ = try await uncancelled { try await createLease(id, expiresAt: expiry) }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(with(lease: id)))
        } catch {
            outcome = .failure(error)
        }
        await uncancelled {
            do {
                try await deleteLease(id)
            } catch {
                // It has an end of its own.
                logger.warning("A lease was left behind", metadata: ["lease": "\(id)", "error": "\(error)"])
            }
        }
        return try outcome.get()
    }
}

extension ContainerdLease {
    fileprivate init(_ message: Containerd_Services_Leases_V1_Lease) {
        self.init(id: message.id, createdAt: message.createdAt.date, labels: message.labels)
    }
}
