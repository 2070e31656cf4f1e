// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

/// What only shows on a socket.
@Suite struct LiveServerTests {
    @Test func everyResponseHasOneDate() async throws {
        try await APIClient.with(live: true) { api async throws in
            for path in ["/health", "/v1/sandboxes", "/nope"] {
                let response = try await api.call(.get, path)
                #expect(response.headers[values: .date].count == 1, "\(path)")
                #expect(response.headers[values: .requestID].count == 1, "\(path)")
            }
        }
    }

    @Test func aLargeBodyIsRefusedAndTheServerLivesOn() async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime, live: true) { api async throws in
            let padding = String(repeating: "x", count: SandboxAPI.maximumBodyBytes)
            let large = try await api.call(.post, "/v1/sandboxes", #"{"padding":"\#(padding)"}"#)
            #expect(try large.error() == ErrorAnswer(413, "GENERAL::UNKNOWN_ERROR"))
            let fitting = String(repeating: "x", count: SandboxAPI.maximumBodyBytes - 200)
            let body = #"{"padding":"\#(fitting)","# + SandboxRoutesTests.minimalBody.dropFirst()
            #expect(try await api.call(.post, "/v1/sandboxes", body).status == .accepted)
        }
        #expect(await runtime.created.count == 1)
    }

    @Test func aWholeLifeOnOneConnection() async throws {
        try await APIClient.with(live: true, configure: { $0.apiKey = APIKey("k") }) { api async throws in
            let key: HTTPFields = [.apiKey: "k"]
            let created = try await api.call(.post, "/v1/sandboxes", SandboxRoutesTests.minimalBody, headers: key)
            let id = try created.json(SandboxAnswer.self).id
            #expect(try await api.call(.post, "/v1/sandboxes/\(id)/pause", headers: key).status == .accepted)
            let endpoint = try await api.call(.get, "/v1/sandboxes/\(id)/endpoints/44772", headers: key)
            #expect(try endpoint.error().code == "KUBERNETES::POD_IP_NOT_AVAILABLE")
            #expect(try await api.call(.post, "/v1/sandboxes/\(id)/resume", headers: key).status == .accepted)
            #expect(try await api.call(.delete, "/v1/sandboxes/\(id)", headers: key).status == .noContent)
            #expect(try await api.call(.get, "/v1/sandboxes/\(id)", headers: key).status == .notFound)
        }
    }
}
