// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

/// A server with one sandbox, `box`, whose port 80 is a test's own.
struct ProxiedAPI {
    /// The port of the server.
    let port: Int
    let runtime: InMemoryRuntime
    let api: APIClient

    /// Runs a test.
    ///
    /// - Parameter upstream: What listens at the sandbox's port: one call for each connection.
    static func with(
        wakes: Bool = false,
        paused: Bool = false,
        proxy: ServerConfiguration.Proxy = ServerConfiguration.Proxy(),
        headers: [String: String] = [:],
        key: APIKey? = nil,
        upstream: @escaping @Sendable (Wire) async throws -> Void,
        test: @escaping @Sendable (ProxiedAPI) async throws -> Void
    ) async throws {
        let runtime = InMemoryRuntime()
        let extensions = wakes ? ["access.auto-resume": "true"] : [:]
        await runtime.put("box", paused ? .paused : .running, extensions: extensions)
        try await Wire.listen(upstream) { upstreamPort in
            await runtime.listen(80, at: "127.0.0.1:\(upstreamPort)", headers: headers)
            try await APIClient.with(runtime, live: true, proxy: proxy, configure: { $0.apiKey = key }) { api async throws in
                let port = try #require(api.client.port)
                try await test(ProxiedAPI(port: port, runtime: runtime, api: api))
            }
        }
    }

    /// Sends a request and reads the response.
    func exchange(_ request: String) async throws -> (head: WireHead, body: String) {
        try await Wire.connect(port) { wire async throws in
            try await wire.send(request)
            return try await wire.readResponse()
        }
    }

    /// Answers every request with its own head and body as text.
    static let echo: @Sendable (Wire) async throws -> Void = { wire async throws in
        let text = try await wire.read(until: "\r\n\r\n")
        let head = WireHead(text)
        var body = ""
        if head["transfer-encoding"] == "chunked" {
            body = try await wire.readChunks()
        } else if let count = head["content-length"].flatMap({ Int($0) }) {
            body = String(buffer: try await wire.read(count))
        }
        let answer = text + body
        try await wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(answer.utf8.count)\r\n\r\n\(answer)")
    }
}
