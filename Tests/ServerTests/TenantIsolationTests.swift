// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

/// What is another tenant's is answered exactly as what there is not.
@Suite struct TenantIsolationTests {
    @Test func anothersThingsAreAnsweredAsNothing() async throws {
        let (red, blue) = (InMemoryRuntime(), InMemoryRuntime())
        await red.put("red-sandbox", .running)
        await red.putSnapshot("red-snapshot", .ready, of: "red-sandbox")
        let tenants = Tenants([
            Tenant(name: "red", keys: [APIKey("r")].compactMap(\.self), runtime: red),
            Tenant(name: "blue", keys: [APIKey("b")].compactMap(\.self), runtime: blue),
        ])
        var configuration = ServerConfiguration.HTTP()
        configuration.host = "127.0.0.1"
        configuration.port = 0
        let calls: [(HTTPRequest.Method, String, String?)] = [
            (.get, "/sandboxes/ID", nil), (.post, "/sandboxes/ID/pause", nil), (.post, "/sandboxes/ID/resume", nil),
            (.post, "/sandboxes/ID/renew-expiration", #"{"expiresAt":"2030-01-01T00:00:00Z"}"#),
            (.patch, "/sandboxes/ID/metadata", #"{"a":"b"}"#), (.post, "/sandboxes/ID/snapshots", nil),
            (.get, "/sandboxes/ID/endpoints/80", nil), (.get, "/sandboxes/ID/diagnostics/logs?scope=all", nil),
            (.get, "/sandboxes/ID/diagnostics/inspect", nil), (.get, "/sandboxes/ID/networkpolicy", nil),
            (.get, "/sandboxes/ID/proxy/80/", nil), (.delete, "/sandboxes/ID", nil),
            (.get, "/snapshots/SNAP", nil), (.delete, "/snapshots/SNAP", nil), (.get, "/snapshots?sandboxId=ID", nil),
            (
                .post, "/sandboxes",
                #"{"snapshotId":"SNAP","resourceLimits":{},"entrypoint":["x"]}"#
            ),
        ]
        try await APIClient.with(tenants, live: false, configuration: configuration) { api async throws in
            for (method, path, body) in calls {
                var answers: [String] = []
                for (sandbox, snapshot) in [("red-sandbox", "red-snapshot"), ("nil-sandbox", "nil-snapshot")] {
                    func named(_ text: String) -> String {
                        text.replacing("ID\"", with: "ID\"").replacing("/ID", with: "/\(sandbox)")
                            .replacing("=ID", with: "=\(sandbox)").replacing("SNAP", with: snapshot)
                    }
                    let headers: HTTPFields = [.apiKey: "b", .requestID: "same"]
                    let answer = try await api.call(method, named(path), body.map(named), headers: headers)
                    #expect(answer.status != .unauthorized)
                    let text = answer.text.replacing(sandbox, with: "ID").replacing(snapshot, with: "SNAP")
                    answers.append(
                        "\(answer.status) \(answer.headers.filter { $0.name != .date && $0.name != .contentLength }) \(text)"
                    )
                }
                #expect(answers[0] == answers[1], "\(method) \(path)")
            }
            let list = try await api.call(.get, "/sandboxes", headers: [.apiKey: "b"])
            #expect(!list.text.contains("red-"))
            #expect(try await api.call(.get, "/sandboxes/red-sandbox", headers: [.apiKey: "r"]).status == .ok)
        }
    }
}
