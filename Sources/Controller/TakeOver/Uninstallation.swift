// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
import KubeModels
import KubeRuntime
public import Logging
import SandboxModels

import struct Foundation.UUID

/// Takes the controllers' finalizers out of all objects, for when no controller is left that would: until then nothing with one can
/// be deleted, nor its namespace.
///
/// Nothing else is changed. Sandboxes run on, paused ones keep what they are resumed from, and a controller that is installed later
/// goes on with all of them.
public struct Uninstallation: Sendable {
    /// The first argument of a program that is to do this in place of working.
    static let word = "uninstall"

    private let client: KubeClient
    private let options: ControllerOptions
    private let logger: Logger

    /// Creates one.
    ///
    /// - Parameters:
    ///   - client: The cluster.
    ///   - options: As the controllers had them: in which namespaces they worked, and where their lease is.
    public init(client: KubeClient, options: ControllerOptions, logger: Logger) {
        self.client = client
        self.options = options
        self.logger = logger
    }

    /// Waits until no controller works, and does it.
    ///
    /// - Returns: How many objects had finalizers.
    /// - Throws: `KubeError`; `LeadershipLost` if another one has begun to work.
    public func run() async throws -> Int {
        guard options.isLeaderElected else {
            logger.warning("no lease tells whether controllers work: none may, or they put finalizers in again")
            return try await removeAll()
        }
        let namespace = options.leaderElectionNamespace ?? client.configuration.namespace
        let elector = LeaderElector(
            client.resource(in: .named(namespace)),
            name: ControllerManager.leaseName,
            identity: "\(Self.word)_\(UUID().uuidString.lowercased())",
            logger: logger
        )
        return try await elector.run { _ in try await removeAll() }
    }

    private func removeAll() async throws -> Int {
        let scopes = options.namespaces.isEmpty ? [NamespaceScope.all] : options.namespaces.map { .named($0) }
        var count = 0
        for kind in Self.kinds {
            for scope in scopes { count += try await remove(from: client.resource(kind, in: scope), kind) }
        }
        return count
    }

    private func remove(from resource: ResourceClient<DynamicObject>, _ kind: ResourceType) async throws -> Int {
        let objects: [DynamicObject]
        do {
            objects = try await resource.pages().collect().items
        } catch let error as KubeError where error.kind == .notServed || error.isNotFound {
            return 0
        }
        var count = 0
        for object in objects {
            let names = object.metadata.finalizers.filter(Self.isOurs)
            guard !names.isEmpty else { continue }
            for name in names { _ = try await Finalizer(name).remove(from: object, resource) }
            count += 1
            logger.info(
                "finalizers removed",
                metadata: [
                    "kind": "\(kind.qualifiedPlural)", "name": "\(object.key)",
                    "finalizers": "\(names.joined(separator: " "))",
                ]
            )
        }
        return count
    }

    /// All that have had a finalizer, of every dialect: which ones the controllers worked on is not known here.
    private static let kinds = [
        BatchSandbox.resourceType, SandboxSnapshot.resourceType, KruiseSandbox.resourceType,
        KruiseCheckpoint.resourceType,
        ResourceType(group: "agents.x-k8s.io", version: "v1beta1", kind: "Sandbox", plural: "sandboxes"),
        ResourceType(group: "agents.x-k8s.io", version: "v1alpha1", kind: "Sandbox", plural: "sandboxes"),
    ]

    /// Whether controllers put a finalizer in, and only they take it out.
    static func isOurs(_ name: String) -> Bool { known.contains(name) || name.hasPrefix("stasis.dev/") }

    private static let known: Set = [
        OpenSandbox.Finalizer.taskCleanup, OpenSandbox.Finalizer.poolAllocation,
        OpenSandbox.Finalizer.snapshotCleanup, Kruise.Finalizer.sandbox, Kruise.Finalizer.checkpoint,
    ]
}
