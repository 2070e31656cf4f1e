// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

@Suite struct EndpointRoutesTests {
    struct Endpoint: Decodable, Equatable {
        var endpoint: String
        var headers: [String: String]?
    }

    static func runtime() async -> InMemoryRuntime {
        let runtime = InMemoryRuntime()
        await runtime.put("up", .running)
        await runtime.put("resuming", .resuming)
        return runtime
    }

    @Test(arguments: ["", "/v1"]) func tellsAnAddress(mount: String) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            let execd = try await api.call(.get, mount + "/sandboxes/up/endpoints/44772?use_server_proxy=false")
            #expect(execd.status == .ok)
            #expect(try execd.json(Endpoint.self) == Endpoint(endpoint: "10.0.0.5:44772"))
            let egress = try await api.call(.get, mount + "/sandboxes/up/endpoints/18080")
            #expect(try egress.json(Endpoint.self) == Endpoint(endpoint: "10.0.0.5:18080", headers: ["X-Token": "t"]))
        }
    }

    @Test(arguments: [
        ("nope/endpoints/80", ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND")),
        // SDKs ask again after exactly this code, and after no other.
        ("resuming/endpoints/80", ErrorAnswer(404, "KUBERNETES::POD_IP_NOT_AVAILABLE")),
        ("up/endpoints/0", ErrorAnswer(400, "DOCKER::INVALID_PORT")),
        ("up/endpoints/65536", ErrorAnswer(400, "DOCKER::INVALID_PORT")),
        ("up/endpoints/-1", ErrorAnswer(400, "DOCKER::INVALID_PORT")),
        ("up/endpoints/80?use_server_proxy=true", ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED")),
        ("up/endpoints/80?expires=4102444800", ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED")),
    ])
    func refuses(path: String, answer: ErrorAnswer) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            #expect(try await api.call(.get, "/v1/sandboxes/" + path).error() == answer)
        }
    }

    @Test(arguments: [
        ("x", [IssueAnswer("int_parsing", "path.port")]),
        ("80?use_server_proxy=maybe", [IssueAnswer("bool_parsing", "query.use_server_proxy")]),
        (
            "x?use_server_proxy=&expires=soon",
            [
                IssueAnswer("int_parsing", "path.port"), IssueAnswer("bool_parsing", "query.use_server_proxy"),
                IssueAnswer("int_parsing", "query.expires"),
            ]
        ),
    ])
    func tellsWhatIsMistyped(path: String, issues: [IssueAnswer]) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            #expect(try await api.call(.get, "/sandboxes/up/endpoints/" + path).issues() == issues)
        }
    }
}
