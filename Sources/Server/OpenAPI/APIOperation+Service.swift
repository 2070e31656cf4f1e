// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension APIOperation {
    /// What sandboxes print, and what happened to them.
    static let diagnostics = [
        APIOperation(
            method: .get,
            path: "/sandboxes/{id}/diagnostics/logs",
            id: "getDiagnosticLogs",
            summary: "What a sandbox has printed; without a scope as plain text, an older form.",
            query: [
                Parameter(
                    name: "scope",
                    schema: .words(DiagnosticLogsRequest.Scope.allCases.map(\.rawValue)),
                    text: "What the logs are to be about."
                ),
                Parameter(name: "tail", schema: .integer(1...10_000), text: "Lines of plain text."),
                Parameter(
                    name: "since",
                    schema: .text(pattern: "^[0-9]{1,9}[smhd]$"),
                    text: "How far back, such as 10m."
                ),
            ],
            success: (200, .jsonOrText(.reference("DiagnosticContent"))),
            refusals: [400, 404]
        ),
        APIOperation(
            method: .get,
            path: "/sandboxes/{id}/diagnostics/events",
            id: "getDiagnosticEvents",
            summary: "What happened to a sandbox; without a scope as plain text, an older form.",
            query: [
                Parameter(
                    name: "scope",
                    schema: .words(DiagnosticEventsRequest.Scope.allCases.map(\.rawValue)),
                    text: "What the events are to be about."
                ),
                Parameter(name: "limit", schema: .integer(1...500), text: "Events of plain text."),
            ],
            success: (200, .jsonOrText(.reference("DiagnosticContent"))),
            refusals: [400, 404]
        ),
        APIOperation(
            method: .get,
            path: "/sandboxes/{id}/diagnostics/inspect",
            id: "inspectSandbox",
            summary: "A sandbox as text.",
            success: (200, .text),
            refusals: [404]
        ),
        APIOperation(
            method: .get,
            path: "/sandboxes/{id}/diagnostics/summary",
            id: "summarizeSandbox",
            summary: "A sandbox with its last events and lines, as text.",
            query: [
                Parameter(name: "tail", schema: .integer(1...10_000), text: "Lines of its log."),
                Parameter(name: "event_limit", schema: .integer(1...500), text: "Events."),
            ],
            success: (200, .text),
            refusals: [400, 404]
        ),
    ]

    /// Pools of ready sandboxes, on Kubernetes.
    static let pools = [
        APIOperation(
            method: .post,
            path: "/pools",
            id: "createPool",
            summary: "Creates a pool of ready sandboxes.",
            request: (.reference("CreatePoolRequest"), true),
            success: (201, .json(.reference("Pool"))),
            refusals: [409, 501]
        ),
        APIOperation(
            method: .get,
            path: "/pools",
            id: "listPools",
            summary: "Lists pools.",
            success: (200, .json(.object([.required("items", .list(of: .reference("Pool")))]))),
            refusals: [501]
        ),
        APIOperation(
            method: .get,
            path: "/pools/{name}",
            id: "getPool",
            summary: "A pool as it is now.",
            success: (200, .json(.reference("Pool"))),
            refusals: [404, 501]
        ),
        APIOperation(
            method: .put,
            path: "/pools/{name}",
            id: "resizePool",
            summary: "Gives a pool another capacity.",
            request: (.object([.required("capacitySpec", .reference("PoolCapacity"))]), true),
            success: (200, .json(.reference("Pool"))),
            refusals: [404, 501]
        ),
        APIOperation(
            method: .delete,
            path: "/pools/{name}",
            id: "deletePool",
            summary: "Deletes a pool.",
            success: (204, .none),
            refusals: [404, 501]
        ),
    ]

    /// What the server says about itself, and what clients say about themselves.
    static let service = [
        APIOperation(
            method: .get,
            path: "/health",
            id: "getHealth",
            summary: "Whether the server answers.",
            success: (200, .json(.object([.required("status", .words(["healthy"]))]))),
            isOpen: true
        ),
        APIOperation(
            method: .get,
            path: "/version",
            id: "getVersion",
            summary: "Which version the server is.",
            success: (200, .json(.object([.required("version", .string)]))),
            isOpen: true
        ),
        APIOperation(
            method: .get,
            path: "/openapi.json",
            id: "getOpenAPI",
            summary: "This document.",
            success: (200, .json(.anyObject)),
            refusals: [503],
            isOpen: true
        ),
        APIOperation(
            method: .post,
            path: "/metrics/events",
            id: "reportMetricsEvent",
            summary: "Takes what an SDK reports about itself.",
            request: (.reference("MetricsEvent"), true),
            success: (204, .none)
        ),
    ]

    /// What other servers of this API have.
    static let unsupported: [APIOperation] = {
        func refused(_ method: HTTPRequest.Method, _ path: String, _ id: String, _ refusals: [Int]) -> APIOperation {
            APIOperation(
                method: method,
                path: path,
                id: id,
                summary: "For runtimes that this server does not have; it refuses.",
                success: (200, .json(.anyObject)),
                refusals: refusals
            )
        }
        let policies = [HTTPRequest.Method.get, .put, .patch, .delete]
            .map { method in
                let verb = method.rawValue.lowercased()
                return refused(
                    method,
                    "/sandboxes/{id}/networkpolicy",
                    "\(verb)NetworkPolicy",
                    [400, 404, 422, 502, 504]
                )
            }
        return policies + [
            refused(.get, "/templates", "listTemplates", [501]),
            refused(.post, "/templates", "createTemplate", [501]),
            refused(.get, "/templates/{id}", "getTemplate", [501]),
            refused(.delete, "/templates/{id}", "deleteTemplate", [501]),
        ]
    }()
}
