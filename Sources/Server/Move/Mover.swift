// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import SandboxModels
import ServiceLifecycle

import struct Foundation.Date
import struct Foundation.UUID

/// Carries out the moves of this server's sandboxes: those that are asked for, and those that an earlier process has left.
actor Mover: Service {
    /// A sandbox among all tenants'.
    private struct Key: Hashable {
        var tenant: String
        var sandboxID: String
    }

    nonisolated let configuration: ServerConfiguration.Moving
    private let tenants: Tenants
    private let logger: Logger
    /// Who this is, among several servers.
    private let name = UUID().uuidString.lowercased()
    private var followed: Set<String> = []
    private var driving: [Key: MoveKicks] = [:]
    private let openings: AsyncStream<(tenant: Tenant, id: String)>
    private let open: AsyncStream<(tenant: Tenant, id: String)>.Continuation
    private let arrivals: AsyncStream<Tenant>
    private let arrive: AsyncStream<Tenant>.Continuation

    init(_ configuration: ServerConfiguration.Moving, tenants: Tenants, logger: Logger) {
        self.configuration = configuration
        self.tenants = tenants
        self.logger = logger
        (openings, open) = AsyncStream.makeStream()
        (arrivals, arrive) = AsyncStream.makeStream()
    }

    /// Works until the task is cancelled or the service group shuts down. What is under way then goes on in the next process.
    func run() async {
        for tenant in tenants.all { follow(tenant) }
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    await withDiscardingTaskGroup { followers in
                        for await tenant in self.arrivals {
                            followers.addTask {
                                for await id in tenant.runtime.moves() { self.open.yield((tenant, id)) }
                            }
                        }
                    }
                }
                for await (tenant, id) in self.openings {
                    guard let kicks = await self.begin(tenant, id) else { continue }
                    group.addTask {
                        await self.driver(tenant, id).drive(kickedBy: kicks)
                        await self.end(tenant, id)
                        // Another move may have begun before that was known here.
                        let next = try? await tenant.runtime.editMove(of: id) { move, _ in move }
                        if next?.isOpen == true, !Task.isCancelled { self.open.yield((tenant, id)) }
                    }
                }
                group.cancelAll()
            }
        }
    }

    /// Follows the moves of a tenant, if that is not done yet.
    func follow(_ tenant: Tenant) {
        guard followed.insert(tenant.name).inserted else { return }
        arrive.yield(tenant)
    }

    /// Makes whoever carries a sandbox's move out look at it again, at once.
    func kick(_ tenant: Tenant, _ id: String) {
        driving[Key(tenant: tenant.name, sandboxID: id)]?.kick()
    }

    private func begin(_ tenant: Tenant, _ id: String) -> MoveKicks? {
        let key = Key(tenant: tenant.name, sandboxID: id)
        guard driving[key] == nil else { return nil }
        let kicks = MoveKicks()
        driving[key] = kicks
        return kicks
    }

    private func end(_ tenant: Tenant, _ id: String) {
        driving[Key(tenant: tenant.name, sandboxID: id)] = nil
    }

    private nonisolated func driver(_ tenant: Tenant, _ id: String) -> MoveDriver {
        var logger = logger
        logger[metadataKey: "sandbox"] = "\(id)"
        return MoveDriver(
            id: id,
            runtime: tenant.runtime,
            configuration: configuration,
            name: "\(name)/\(tenant.name)",
            logger: logger
        )
    }
}
