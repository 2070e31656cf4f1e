// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SandboxModels

import struct Foundation.Date

/// What a sandbox has printed, and what happened to it.
struct DiagnosticsRoutes {
    let now: @Sendable () -> Date

    /// Bytes of a log that are handed out at most, the last ones.
    static let maximumLogBytes = 1 << 20

    func add(to routes: inout RouteTable) {
        routes.add(.get, "/sandboxes/:id/diagnostics/logs", logs)
        routes.add(.get, "/sandboxes/:id/diagnostics/events", events)
        routes.add(.get, "/sandboxes/:id/diagnostics/inspect") { _, context in
            Self.plain(DiagnosticText.inspection(try await context.runtime.sandbox(context.pathParameter("id"))))
        }
        routes.add(.get, "/sandboxes/:id/diagnostics/summary", summary)
    }

    @Sendable private func logs(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = try DiagnosticLogsRequest(QueryParameters(query: request.uri.query ?? ""))
        let id = context.pathParameter("id")
        let log = try await context.runtime.log(of: id, atMost: Self.maximumLogBytes)
        switch query {
        case .content(let scope):
            return try Response(.ok, json: DiagnosticContent(log, of: id, scope: scope))
        case .plain(let tail, let since):
            return Self.plain(log.lines(tail, since: since, now: now()), isDeprecated: true)
        }
    }

    @Sendable private func events(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = try DiagnosticEventsRequest(QueryParameters(query: request.uri.query ?? ""))
        let id = context.pathParameter("id")
        let events = try await context.runtime.events(of: id)
        switch query {
        case .content(let scope):
            return try Response(.ok, json: DiagnosticContent(events, of: id, scope: scope))
        case .plain(let limit):
            return Self.plain(DiagnosticText.events(events.suffix(limit)), isDeprecated: true)
        }
    }

    @Sendable private func summary(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = try DiagnosticSummaryRequest(QueryParameters(query: request.uri.query ?? ""))
        let id = context.pathParameter("id")
        return Self.plain(
            DiagnosticText.summary(
                try await context.runtime.sandbox(id),
                events: try await context.runtime.events(of: id).suffix(query.eventLimit),
                log: try await context.runtime.log(of: id, atMost: Self.maximumLogBytes)
                    .lines(query.tail, since: nil, now: now())
            )
        )
    }

    private static func plain(_ text: String, isDeprecated: Bool = false) -> Response {
        let body = ByteBuffer(string: text)
        var headers: HTTPFields = [
            .contentType: "text/plain; charset=utf-8", .contentLength: "\(body.readableBytes)",
        ]
        if isDeprecated { headers[.deprecation] = "true" }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: body))
    }
}
