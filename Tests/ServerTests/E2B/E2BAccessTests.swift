// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

/// Who may ask, and what is told of what there is not.
@Suite struct E2BAccessTests {
    @Test func keys() async throws {
        try await E2BClient.with { e2b async throws in
            #expect(try await e2b.call(.get, "/v2/sandboxes", as: nil).e2bError().code == 401)
            #expect(try await e2b.call(.get, "/v2/sandboxes", as: "eve").e2bError().code == 401)
            // Who has no key is not told what there is.
            #expect(try await e2b.call(.get, "/no/such/way", as: nil).e2bError().code == 401)
            let bearer: HTTPFields = [.authorization: "Bearer key-of-alice"]
            #expect(try await e2b.call(.get, "/teams", as: nil, headers: bearer).status == .ok)
            let compatible: [String: String] = try await e2b.call(.get, "/api-keys/compatible").json()
            let key = try #require(compatible["key"])
            #expect(key.hasPrefix("e2b_") && key.dropFirst(4).allSatisfy(\.isHexDigit))
            #expect(try await e2b.call(.get, "/teams", as: nil, headers: [.e2bKey: key]).status == .ok)
            #expect(try await e2b.call(.get, "/teams", as: nil, headers: [.e2bKey: key + "0"]).status == .unauthorized)
            #expect(try await e2b.call(.post, "/api-keys", #"{"name":"x"}"#).e2bError().code == 403)
            #expect(try await e2b.call(.get, "/api-keys").text.contains("key-of") == false)
            #expect(try await e2b.call(.get, "/health", as: nil).status == .noContent)
        }
    }

    @Test func withoutKeysEverybodyIsTheSame() async throws {
        var open = E2BClient.configuration
        open.keys = []
        try await E2BClient.with(open) { e2b async throws in
            #expect(try await e2b.call(.post, "/sandboxes", "{}", as: nil).status == .created)
            #expect(await e2b.runtime.created.first?.spec.owner == "550e8400-e29b-41d4-a716-446655440000")
            #expect(try await e2b.call(.get, "/v2/sandboxes", as: "anybody").json([E2BAnswer].self).count == 1)
        }
    }

    @Test func pathsAndMethodsThatAreNotThereAreToldInJSON() async throws {
        try await E2BClient.with { e2b async throws in
            for path in ["", "/", "/nothing", "/sandboxes/a/b/c", "/v3/templates", "/sandboxes/none/nothing"] {
                #expect(try await e2b.call(.get, path).e2bError().code == 404, "\(path)")
            }
            let response = try await e2b.call(.patch, "/sandboxes")
            #expect(try response.e2bError().code == 405)
            #expect(response.headers[.allow] == "GET, POST")
            // Below the other mount, and with a slash at the end, there is the same.
            for path in ["/kruise/api/v2/sandboxes", "/kruise/api/sandboxes/", "/e2b/sandboxes/"] {
                #expect(try await e2b.api.call(.get, path, headers: [.e2bKey: "key-of-alice"]).text == "[]")
            }
        }
    }

    /// The other API goes on as if this one were not there, and does not have it if it is not wanted.
    @Test func theOtherAPIIsWhereItWas() async throws {
        try await E2BClient.with { e2b async throws in
            #expect(try await e2b.api.call(.get, "/v1/sandboxes").status == .ok)
            #expect(try await e2b.api.call(.get, "/e2bee").error().code == "GENERAL::UNKNOWN_ERROR")
        }
        try await APIClient.with { api async throws in
            #expect(try await api.call(.get, "/e2b/v2/sandboxes").error().status == 404)
        }
    }

    /// Of one team, and what is somebody else's is told exactly like what is not there.
    @Test func anothersThingsAreAnsweredAsNothing() async throws {
        let calls: [(HTTPRequest.Method, String, String?)] = [
            (.get, "/sandboxes/ID", nil), (.delete, "/sandboxes/ID", nil), (.post, "/sandboxes/ID/pause", "{}"),
            (.post, "/sandboxes/ID/connect", "{}"), (.post, "/v2/sandboxes/ID/connect", "{}"),
            (.post, "/sandboxes/ID/resume", "{}"), (.post, "/sandboxes/ID/timeout", #"{"timeout":1}"#),
            (.post, "/sandboxes/ID/refreshes", "{}"), (.put, "/sandboxes/ID/network", "{}"),
            (.post, "/sandboxes/ID/snapshots", "{}"), (.post, "/sandboxes/ID/fork", "{}"),
            (.get, "/sandboxes/ID/metrics", nil), (.get, "/sandboxes/ID/logs", nil),
            (.get, "/v2/sandboxes/ID/logs", nil),
            (.get, "/sandboxes/metrics?sandbox_ids=ID", nil), (.get, "/snapshots?sandboxID=ID", nil),
            (.delete, "/templates/SNAP", nil), (.get, "/templates/SNAP", nil),
            (.post, "/sandboxes", #"{"templateID":"SNAP"}"#),
        ]
        try await E2BClient.with { e2b async throws in
            await e2b.put("mine-a")
            await e2b.runtime.putSnapshot("mine-b", of: "mine-a", owner: "id-of-alice")
            for (method, path, body) in calls {
                var answers: [String] = []
                for (sandbox, snapshot) in [("mine-a", "mine-b"), ("none-a", "none-b")] {
                    func named(_ text: String) -> String {
                        text.replacing("/ID", with: "/\(sandbox)").replacing("=ID", with: "=\(sandbox)")
                            .replacing("SNAP", with: snapshot)
                    }
                    let same: HTTPFields = [.requestID: "same"]
                    let answer = try await e2b.call(method, named(path), body.map(named), as: "bob", headers: same)
                    let headers = answer.headers.filter { $0.name != .date && $0.name != .contentLength }
                    let text = answer.text.replacing(sandbox, with: "ID").replacing(snapshot, with: "SNAP")
                    answers.append("\(answer.status) \(headers) \(text)")
                }
                #expect(answers[0] == answers[1], "\(method) \(path)")
            }
            #expect(try await e2b.runtime.sandbox("mine-a").status.state == .running)
            #expect(try await e2b.runtime.snapshot("mine-b").status.state == .ready)
        }
    }

    /// What SDKs would otherwise send again by themselves.
    @Test func whatMustNotBeSentAgainSaysSo() async throws {
        try await E2BClient.with { e2b async throws in
            for (code, status) in [
                (SandboxError.Code.runtimeUnavailable, 503), (.startTimedOut, 504), (.poolExhausted, 503),
            ] {
                await e2b.runtime.failCreates(SandboxError(code, "No."))
                let response = try await e2b.call(.post, "/sandboxes", "{}")
                #expect(try response.e2bError().code == status)
                #expect(response.headers[.shouldRetry] == "false")
            }
            await e2b.runtime.failCreates(SandboxError(.requestKeyReused, "No."))
            let response = try await e2b.call(.post, "/sandboxes", "{}")
            #expect(response.text.contains("idempotency_request_mismatch"))
            #expect(response.headers[.shouldRetry] == nil)
        }
    }

    /// What was not begun can be sent again.
    @Test func whatWasNotBegunCanBeSentAgain() async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(
            runtime,
            e2b: E2BClient.configuration,
            configure: { $0.rateLimit = .init(requestsPerSecond: 0.001, burst: 1) }
        ) { api async throws in
            let key: HTTPFields = [.e2bKey: "key-of-alice"]
            #expect(try await api.call(.post, "/e2b/sandboxes", "{}", headers: key).status == .created)
            let second = try await api.call(.post, "/e2b/sandboxes", "{}", headers: key)
            #expect(try second.e2bError().code == 429)
            #expect(second.headers[.shouldRetry] == nil && second.headers[.retryAfter] != nil)
        }
    }
}
