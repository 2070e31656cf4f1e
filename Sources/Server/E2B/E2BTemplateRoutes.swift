// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// What sandboxes can be created from. Templates are not made here; snapshots are deleted as if they were templates.
struct E2BTemplateRoutes {
    private let surroundings: E2BSurroundings
    private var runtime: any SandboxRuntime { surroundings.runtime }

    init(_ surroundings: E2BSurroundings) {
        self.surroundings = surroundings
    }

    func add(to routes: inout E2BRouteTable) {
        routes.add(.get, "/templates", list)
        routes.add(.get, "/templates/:id", get)
        routes.add(.delete, "/templates/:id", delete)
        routes.add(.get, "/templates/aliases/:id") { _, context in
            let template = try await template(context)
            return try Response(.ok, json: Alias(templateID: template.templateID))
        }
    }

    private struct Alias: Encodable {
        var templateID: String
        var `public` = true
    }

    /// A template as the API tells it.
    private struct Told: Encodable {
        struct Build: Encodable {
            var buildID: String
            var status: String
            var createdAt: String
            var updatedAt: String
            var finishedAt: String
            var cpuCount: Int
            var memoryMB: Int
            var diskSizeMB: Int
            var envdVersion: String
        }

        var templateID: String
        var buildID: String
        var cpuCount: Int
        var memoryMB: Int
        var diskSizeMB: Int
        var `public` = true
        var aliases: [String]
        var names: [String]
        var createdAt: String
        var updatedAt: String
        var spawnCount = 0
        var buildCount = 1
        var envdVersion: String
        var buildStatus: String
        var builds: [Build]?

        init(_ template: SandboxTemplateSummary, envdVersion: String) {
            let size = E2BSize(template.resourceLimits)
            templateID = template.name
            buildID = template.name
            cpuCount = size.cpuCount
            memoryMB = size.memoryMB
            diskSizeMB = size.diskSizeMB
            aliases = [template.name]
            names = [template.name]
            createdAt = template.createdAt.rfc3339
            updatedAt = template.updatedAt.rfc3339
            self.envdVersion = envdVersion
            buildStatus = template.isLeaving ? "deleting" : "ready"
        }

        /// The same with its only build.
        var detailed: Told {
            var told = self
            told.builds = [
                Build(
                    buildID: buildID,
                    status: buildStatus,
                    createdAt: createdAt,
                    updatedAt: updatedAt,
                    finishedAt: updatedAt,
                    cpuCount: cpuCount,
                    memoryMB: memoryMB,
                    diskSizeMB: diskSizeMB,
                    envdVersion: envdVersion
                )
            ]
            return told
        }
    }

    @Sendable private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try Response(.ok, json: try await templates(for: context.e2b))
    }

    @Sendable private func get(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try Response(.ok, json: try await template(context).detailed)
    }

    @Sendable private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let principal = try context.e2b
        let id = context.pathParameter("id")
        if try await templates(for: principal).contains(where: { $0.templateID == id }) {
            throw E2BError(.unauthorized, "The template \(id) is not a snapshot, and cannot be deleted by this API.")
        }
        guard let snapshot = try await E2BSource(surroundings).snapshot(id, of: principal.owner) else {
            throw E2BError.noTemplate(id)
        }
        do {
            try await runtime.deleteSnapshot(snapshot.id)
        } catch let error as SandboxError where error.code == .snapshotNotFound {
            throw E2BError.noTemplate(id)
        }
        return Response(.noContent)
    }

    private func template(_ context: APIRequestContext) async throws -> Told {
        let id = context.pathParameter("id")
        guard let template = try await templates(for: context.e2b).first(where: { $0.templateID == id }) else {
            throw E2BError.noTemplate(id)
        }
        return template
    }

    /// Those of the configuration, then the runtime's that have other names.
    private func templates(for principal: E2BPrincipal) async throws -> [Told] {
        let configured = surroundings.configuration.templates
        let usual = ServerConfiguration.E2B.Template.usualEnvdVersion
        let mine = configured.sorted { $0.key < $1.key }
            .map { name, template in
                let summary = SandboxTemplateSummary(
                    name: name,
                    resourceLimits: template.resourceLimits,
                    // Nobody knows since when a file has said something.
                    createdAt: Date(timeIntervalSince1970: 0)
                )
                return Told(summary, envdVersion: template.envdVersion)
            }
        let theirs = try await runtime.templates().filter { configured[$0.name] == nil && $0.isFor(principal) }
        return mine + theirs.sorted { $0.name < $1.name }.map { Told($0, envdVersion: usual) }
    }
}
