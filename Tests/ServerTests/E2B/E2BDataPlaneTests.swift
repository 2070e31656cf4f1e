// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

/// Requests to the ports of sandboxes, over a socket.
@Suite struct E2BDataPlaneTests {
    private static func with(
        _ edit: @escaping @Sendable (inout Sandbox) -> Void = { _ in },
        test: @escaping @Sendable (Int, InMemoryRuntime) async throws -> Void
    ) async throws {
        try await Wire.listen(ProxiedAPI.echo) { upstream in
            let runtime = InMemoryRuntime()
            await runtime.put("box", .running, of: "id-of-alice")
            await runtime.change("box", edit)
            await runtime.listen(80, at: "127.0.0.1:\(upstream)")
            await runtime.put("other", .running)
            try await APIClient.with(runtime, live: true, e2b: E2BClient.configuration) { api async throws in
                try await test(try #require(api.client.port), runtime)
            }
        }
    }

    private static func exchange(_ port: Int, _ request: String) async throws -> (head: WireHead, body: String) {
        try await Wire.connect(port) { wire async throws in
            try await wire.send(request)
            return try await wire.readResponse()
        }
    }

    @Test func threeWaysLeadToAPort() async throws {
        try await Self.with { port, _ async throws in
            for (path, host, headers) in [
                ("/a?b", "h", "E2b-Sandbox-Id: box\r\nE2b-Sandbox-Port: 80\r\n"),
                ("/a?b", "80-box.sandboxes.example", ""), ("/kruise/box/80/a?b", "h", ""),
            ] {
                let login = "Authorization: Basic dXNlcjo=\r\nX-Access-Token: t\r\nCookie: c=1\r\n"
                let answer = try await Self.exchange(
                    port,
                    "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\(headers)\(login)Connection: close\r\n\r\n"
                )
                #expect(answer.head.status == 200)
                #expect(answer.body.hasPrefix("GET /a?b HTTP/1.1\r\n"))
                // How a client logs in is between it and the sandbox.
                for line in ["Authorization: Basic dXNlcjo=", "X-Access-Token: t", "Cookie: c=1"] {
                    #expect(answer.body.contains(line))
                }
            }
        }
    }

    @Test func whatDoesNotRunIs502() async throws {
        try await Self.with { port, runtime async throws in
            func status(_ id: String, _ upstream: String = "80") async throws -> Int {
                let answer = try await Self.exchange(
                    port,
                    "GET /health HTTP/1.1\r\nHost: h\r\nE2b-Sandbox-Id: \(id)\r\nE2b-Sandbox-Port: \(upstream)\r\nConnection: close\r\n\r\n"
                )
                let status = try #require(answer.head.status)
                if status >= 400 { #expect(answer.body.contains("\"code\":\(status)")) }
                return status
            }
            #expect(try await status("box") == 200)
            #expect(try await status("none") == 502)
            // Those of the other API are not this one's.
            #expect(try await status("other") == 502)
            #expect(try await status("box", "0") == 400)
            await runtime.listen(81, at: "127.0.0.1:1")
            #expect(try await status("box", "81") == 502)
            await runtime.set("box", .paused)
            #expect(try await status("box") == 502)
        }
    }

    @Test func trafficWakesWhatWantsToBeWoken() async throws {
        try await Self.with({ $0.spec.extensions[SandboxExtension.resumeOnAccess] = "true" }) {
            port,
            runtime async throws in
            await runtime.set("box", .paused)
            let answer = try await Self.exchange(
                port,
                "GET /a HTTP/1.1\r\nHost: 80-box.sandboxes.example\r\nConnection: close\r\n\r\n"
            )
            #expect(answer.head.status == 200)
            #expect(await runtime.resumes == 1)
        }
    }
}
