// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// Taking and listing snapshots; deleting one is a matter of ``E2BTemplateRoutes``.
struct E2BSnapshotRoutes {
    private let surroundings: E2BSurroundings
    private var runtime: any SandboxRuntime { surroundings.runtime }

    /// How long a request waits for a snapshot unless it says so itself. The snapshot goes on afterwards.
    private static let patience = 600

    /// A snapshot as the API tells it.
    private struct Told: Encodable {
        var snapshotID: String
        /// Never left out: SDKs require it.
        var names: [String]

        init(_ snapshot: Snapshot) {
            snapshotID = snapshot.id
            names = snapshot.name.map { [$0] } ?? []
        }
    }

    init(_ surroundings: E2BSurroundings) {
        self.surroundings = surroundings
    }

    func add(to routes: inout E2BRouteTable) {
        routes.add(.post, "/sandboxes/:id/snapshots", create)
        routes.add(.get, "/snapshots", list)
    }

    @Sendable private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await request.e2bBody(upTo: surroundings.maximumBodyBytes)
        let (options, patience) = try Self.options(body, request.headers, owner: context.owner)
        let sandbox = try await surroundings.sandbox(context)
        let begun = try await surroundings.about(sandbox.id) {
            try await runtime.createSnapshot(of: sandbox.id, options: options)
        }
        let snapshot = try await runtime.settledSnapshot(begun.id, within: patience)
        switch snapshot.status.state {
        case .ready: return try Response(.created, json: Told(snapshot))
        case .creating:
            throw E2BError(
                .internalServerError,
                "The snapshot \(snapshot.id) is not ready within \(patience.components.seconds) s; that goes on."
            )
        case .failed, .deleting:
            let reason = snapshot.status.message ?? snapshot.status.reason ?? ""
            throw E2BError(.internalServerError, "The snapshot \(snapshot.id) was not taken. \(reason)")
        }
    }

    /// What a snapshot is asked to be, by the body and by OpenKruise Agents' headers.
    ///
    /// - Returns: The options, and how long to wait.
    /// - Throws: ``E2BError`` (400), ``ValidationError``.
    static func options(_ body: RequestObject, _ headers: HTTPFields, owner: String) throws -> (
        SnapshotOptions, Duration
    ) {
        var issues: [ValidationIssue] = []
        let name = body["name"].string(.nullable, &issues)
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
        var options = SnapshotOptions(name: name.flatMap { $0.isEmpty ? nil : $0 }, owner: owner)
        guard (options.name ?? "").utf8.count <= 253 else { throw E2BError.bad("name is longer than 253 bytes.") }
        if headers[.snapshotKeepRunning]?.trimmed == "false" { options.keepRunning = false }
        if let text = headers[.snapshotTTL]?.trimmed {
            guard let seconds = DurationText.seconds(text), seconds > 0 else {
                throw E2BError.bad("\(HTTPField.Name.snapshotTTL) must be a duration such as 30h.")
            }
            options.timeToLive = seconds
        }
        if let text = headers[.snapshotContents] {
            options.contents = Set(text.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty })
            guard options.contents.isSubset(of: ["memory", "filesystem"]) else {
                throw E2BError.bad("\(HTTPField.Name.snapshotContents) may have memory and filesystem.")
            }
        }
        var patience = Self.patience
        if let text = headers[.snapshotWait]?.trimmed {
            guard let seconds = Int(text), (0...86_400).contains(seconds) else {
                throw E2BError.bad("\(HTTPField.Name.snapshotWait) must be a number of seconds from 0 to 86400.")
            }
            if seconds > 0 { patience = seconds }
        }
        return (options, .seconds(patience))
    }

    @Sendable private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = QueryParameters(query: request.uri.query ?? "")
        let limit = try E2BListRequest.limit(query)
        let after = try E2BPageToken(query)
        let sandboxID = query.all("sandboxID").last
        let name = query.all("name").last
        let owner = try context.owner
        // The newest first, as somebody looks for them.
        let found = try await runtime.snapshots()
            .filter { snapshot in
                snapshot.owner == owner && snapshot.status.state == .ready
                    && (sandboxID ?? snapshot.sandboxID) == snapshot.sandboxID
                    && (name ?? snapshot.name) == snapshot.name
                    && after.map { (snapshot.createdAt, snapshot.id) < ($0.date, $0.id) } ?? true
            }
            .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
        let page = found.prefix(limit)
        var headers = HTTPFields()
        if found.count > page.count, let last = page.last {
            headers[.nextToken] = E2BPageToken(date: last.createdAt, id: last.id).text
        }
        return try Response(.ok, json: page.map(Told.init), headers: headers)
    }
}
