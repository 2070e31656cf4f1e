// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import Testing

@testable import Server

@Suite struct ServiceRoutesTests {
    @Test(arguments: ["", "/v1"]) func tellsHealthAndVersion(mount: String) async throws {
        try await APIClient.with { api async throws in
            #expect(try await api.call(.get, mount + "/health").json() == ["status": "healthy"])
            #expect(try await api.call(.get, mount + "/version").json() == ["version": ServerVersion.current])
        }
    }

    @Test func takesMetrics() async throws {
        try await APIClient.with { api async throws in
            let event =
                #"{"eventType":"sandbox.create","createDurationMs":88,"success":true,"sandboxId":"s","image":"i"}"#
            let response = try await api.call(.post, "/v1/metrics/events", event)
            #expect(response.status == .noContent)
            #expect(response.text.isEmpty)
            let wrong = #"{"eventType":"sandbox.delete","createDurationMs":-1}"#
            let issues = try await api.call(.post, "/metrics/events", wrong).issues()
            #expect(
                issues == [
                    IssueAnswer("literal_error", "body.eventType"),
                    IssueAnswer("greater_than_equal", "body.createDurationMs"), IssueAnswer("missing", "body.success"),
                ]
            )
        }
    }

    @Test(arguments: [
        "/", "/nope", "/v1", "/v2/sandboxes", "/v1/v1/sandboxes", "/sandboxes/a/b", "/sandboxes/a/pause/b",
    ])
    func unknownPathsAreNotFound(path: String) async throws {
        try await APIClient.with { api async throws in
            #expect(try await api.call(.get, path).error() == ErrorAnswer(404, "GENERAL::UNKNOWN_ERROR"))
        }
    }

    @Test(arguments: [
        (HTTPRequest.Method.put, "/sandboxes", "GET, POST"), (.get, "/v1/sandboxes/a/pause", "POST"),
        (.patch, "/sandboxes/a", "DELETE, GET"), (.head, "/health", "GET"), (.options, "/sandboxes", "GET, POST"),
    ])
    func otherMethodsAreNotAllowed(method: HTTPRequest.Method, path: String, allow: String) async throws {
        try await APIClient.with { api async throws in
            let response = try await api.call(method, path)
            #expect(response.headers[.allow] == allow)
            if method == .head {
                #expect(response.status.code == 405)
                #expect(response.text.isEmpty)
            } else {
                #expect(try response.error() == ErrorAnswer(405, "GENERAL::UNKNOWN_ERROR"))
            }
        }
    }
}
