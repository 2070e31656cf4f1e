// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

/// Requests as version 1.1.1 of the official Python SDK sends them, byte for byte.
@Suite struct RecordedRequestsTests {
    static let headers: HTTPFields = [
        .userAgent: "OpenSandbox-Python-SDK/1.1.1", .apiKey: "KEY", .accept: "*/*",
    ]

    private func with(_ test: @Sendable (APIClient, InMemoryRuntime) async throws -> Void) async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("SBX", .running, metadata: ["project": "A&B", "note": "x y"])
        try await APIClient.with(runtime, configure: { $0.apiKey = APIKey("KEY") }) { try await test($0, runtime) }
    }

    @Test func createWithDefaults() async throws {
        try await with { api, runtime async throws in
            let response = try await api.call(
                .post,
                "/v1/sandboxes",
                #"{"image":{"uri":"python:3.11"},"timeout":600,"resourceLimits":{"cpu":"1","memory":"2Gi"},"entrypoint":["tail","-f","/dev/null"],"secureAccess":false}"#,
                headers: Self.headers
            )
            #expect(response.status == .accepted)
            let sandbox = try response.json(SandboxAnswer.self)
            #expect(sandbox.entrypoint == ["tail", "-f", "/dev/null"])
            #expect(sandbox.expiresAt != nil)
            let spec = try #require(await runtime.created.first?.spec)
            #expect(spec.image == "python:3.11")
            #expect(spec.resourceLimits == ["cpu": "1", "memory": "2Gi"])
        }
    }

    @Test func createFromASnapshotWithAPool() async throws {
        try await with { api, _ async throws in
            let response = try await api.call(
                .post,
                "/v1/sandboxes",
                #"{"snapshotId":"UUID","timeout":null,"resourceLimits":{"cpu":"500m","memory":"512Mi"},"env":{"A":"1"},"metadata":{"p":"q"},"entrypoint":["tail","-f","/dev/null"],"secureAccess":false,"extensions":{"poolRef":"p1"}}"#,
                headers: Self.headers
            )
            #expect(try response.issues() == [IssueAnswer("value_error", "body")])
        }
    }

    @Test func createWithAllOptions() async throws {
        try await with { api, runtime async throws in
            let response = try await api.call(
                .post,
                "/v1/sandboxes",
                #"{"image":{"uri":"reg.example/x:1","auth":{"username":"u","password":"p"}},"platform":{"os":"linux","arch":"amd64"},"timeout":600,"resourceLimits":{"cpu":"1","memory":"2Gi"},"entrypoint":["tail","-f","/dev/null"],"networkPolicy":{"defaultAction":"deny","egress":[{"action":"allow","target":"packages.example.org"}]},"secureAccess":false,"volumes":[{"name":"v","mountPath":"/d","pvc":{"claimName":"c","createIfNotExists":true,"deleteOnSandboxTermination":false,"storageClass":null,"storage":null,"accessModes":null},"readOnly":false}]}"#,
                headers: Self.headers
            )
            // A policy that nobody enforces must not look accepted.
            #expect(try response.error() == ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED"))
            #expect(await runtime.created.isEmpty)
        }
    }

    @Test func everythingElse() async throws {
        try await with { api, runtime async throws in
            func call(_ method: HTTPRequest.Method, _ uri: String, _ body: String? = nil) async throws -> TestResponse {
                try await api.call(method, uri, body, headers: Self.headers)
            }
            #expect(try await call(.get, "/v1/sandboxes/SBX").status == .ok)
            for port in [44772, 18080] {
                let uri = "/v1/sandboxes/SBX/endpoints/\(port)?use_server_proxy=false"
                #expect(try await call(.get, uri).status == .ok)
            }
            let event =
                #"{"eventType":"sandbox.create","createDurationMs":88,"success":true,"sandboxId":"UUID","image":"python:3.11"}"#
            #expect(try await call(.post, "/v1/metrics/events", event).status == .noContent)
            #expect(try await call(.post, "/v1/sandboxes/SBX/pause").status == .accepted)
            #expect(try await call(.post, "/v1/sandboxes/SBX/resume").status == .accepted)
            let query = "state=Running&state=Paused&metadata=project%3DA%2526B%26note%3Dx%2520y&page=2&pageSize=5"
            let page = try await call(.get, "/v1/sandboxes?\(query)").json(ListSandboxesTests.Page.self)
            #expect(page.items.isEmpty)
            #expect(page.pagination.totalItems == 1)
            #expect(try await call(.delete, "/v1/sandboxes/SBX").status == .noContent)
            let unknown = try await call(.get, "/v1/sandboxes/nope/endpoints/44772?use_server_proxy=false")
            #expect(try unknown.error() == ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND"))
        }
    }
}
