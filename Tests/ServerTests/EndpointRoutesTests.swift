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
        ("resuming/endpoints/80?use_server_proxy=true", ErrorAnswer(404, "KUBERNETES::POD_IP_NOT_AVAILABLE")),
        ("nope/endpoints/80?use_server_proxy=true", ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND")),
        ("up/endpoints/80?expires=4102444800", ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED")),
        ("up/endpoints/80?expires=4102444800&use_server_proxy=true", ErrorAnswer(400, "SANDBOX::INVALID_PARAMETER")),
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

    @Test func tellsTheWayThroughTheServer() async throws {
        let runtime = await Self.runtime()
        await runtime.put("sleeper", .paused, extensions: ["access.auto-resume": "true"])
        try await APIClient.with(runtime, live: true) { api async throws in
            let port = try #require(api.client.port)
            for (mount, id) in [("", "up"), ("/v1", "up"), ("/v1", "sleeper")] {
                let path = "\(mount)/sandboxes/\(id)/endpoints/44772?use_server_proxy=true"
                let endpoint = try await api.call(.get, path).json(Endpoint.self).endpoint
                #expect(endpoint.hasSuffix(":\(port)\(mount)/sandboxes/\(id)/proxy/44772"), "\(endpoint)")
            }
            let egress = try await api.call(.get, "/sandboxes/up/endpoints/18080?use_server_proxy=true")
            #expect(try egress.json(Endpoint.self).headers == ["X-Token": "t"])
        }
        for host in ["https://api.example/base/", "api.example/base"] {
            var proxy = ServerConfiguration.Proxy()
            proxy.publishedHost = host
            try await APIClient.with(runtime, proxy: proxy) { api async throws in
                let endpoint = try await api.call(.get, "/v1/sandboxes/up/endpoints/80?use_server_proxy=true")
                #expect(try endpoint.json(Endpoint.self).endpoint == "api.example/base/sandboxes/up/proxy/80")
            }
        }
    }

    static let signing = ServerConfiguration.Ingress.Signing(activeKey: "k", keys: ["k": Array("secret".utf8)])

    /// The expected signature was made by other means: `sha256sum` over the bytes that the proposal names.
    @Test(arguments: [
        (ServerConfiguration.Ingress.Route.wildcard, "*.gw.example", "up-80.gw.example", "up-80-1vuhmo0-9f4c766dk.gw.example", nil),
        (.wildcard, "gw.example", "up-80.gw.example", "up-80-1vuhmo0-9f4c766dk.gw.example", nil),
        (.uri, "gw.example:8443", "gw.example:8443/up/80", "gw.example:8443/up/80/1vuhmo0/9f4c766dk", nil),
        (.header, "gw.example", "gw.example", "gw.example", "up-80-1vuhmo0-9f4c766dk"),
    ])
    func tellsTheWayThroughAGateway(
        route: ServerConfiguration.Ingress.Route,
        address: String,
        plain: String,
        signed: String,
        header: String?
    ) async throws {
        let runtime = await Self.runtime()
        await runtime.listen(80, at: "10.0.0.5:80", headers: ["OpenSandbox-Secure-Access": "t", "X-A": "b"])
        await runtime.put("paused", .paused)
        var ingress = ServerConfiguration.Ingress()
        ingress.mode = .gateway(address: address, route: route, signing: Self.signing)
        try await APIClient.with(runtime, ingress: ingress) { api async throws in
            let open = try await api.call(.get, "/v1/sandboxes/up/endpoints/80").json(Endpoint.self)
            #expect(open.endpoint == plain)
            #expect(open.headers?["OpenSandbox-Secure-Access"] == "t")
            #expect(open.headers?["OpenSandbox-Ingress-To"] == (header == nil ? nil : "up-80"))
            let closed = try await api.call(.get, "/v1/sandboxes/up/endpoints/80?expires=4102444800").json(Endpoint.self)
            #expect(closed.endpoint == signed)
            #expect(closed.headers?["OpenSandbox-Ingress-To"] == header)
            #expect(closed.headers?["OpenSandbox-Secure-Access"] == nil && closed.headers?["X-A"] == "b")
            // A gateway is where it is, whatever the sandbox does.
            #expect(try await api.call(.get, "/v1/sandboxes/paused/endpoints/81").status == .ok)
            let unknown = try await api.call(.get, "/v1/sandboxes/nope/endpoints/80")
            #expect(try unknown.error() == ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND"))
            for past in ["1", "-1", "0"] {
                let late = try await api.call(.get, "/v1/sandboxes/up/endpoints/80?expires=\(past)")
                #expect(try late.error() == ErrorAnswer(400, "SANDBOX::INVALID_PARAMETER"))
            }
        }
    }
}
