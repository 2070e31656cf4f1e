// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SandboxModels

import struct Foundation.Date

/// What a sandbox has printed.
struct DiagnosticsRoutes {
    let runtime: any SandboxRuntime
    let now: @Sendable () -> Date

    /// Bytes of a log that are handed out at most, the last ones.
    static let maximumLogBytes = 1 << 20

    func add(to routes: inout RouteTable) {
        routes.add(.get, "/sandboxes/:id/diagnostics/logs", logs)
    }

    @Sendable private func logs(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = try DiagnosticLogsRequest(QueryParameters(query: request.uri.query ?? ""))
        let id = context.pathParameter("id")
        let log = try await runtime.log(of: id, atMost: Self.maximumLogBytes)
        switch query {
        case .content(let scope):
            return try Response(.ok, json: DiagnosticContent(log, of: id, scope: scope))
        case .plain(let tail, let since):
            let body = ByteBuffer(string: log.lines(tail, since: since, now: now()))
            return Response(
                status: .ok,
                headers: [
                    .contentType: "text/plain; charset=utf-8", .contentLength: "\(body.readableBytes)",
                    .deprecation: "true",
                ],
                body: .init(byteBuffer: body)
            )
        }
    }
}
