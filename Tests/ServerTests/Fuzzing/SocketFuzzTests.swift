// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HummingbirdTesting
import TestSupport
import Testing

@testable import Server

/// Bytes that are no requests, or more than one, on real connections: the server answers or ends the connection, says
/// nothing that it was told to say, and goes on.
@Suite struct SocketFuzzTests {
    private static let requests = [
        "GET /v1/sandboxes HTTP/1.1\r\nHost: x\r\nOPEN-SANDBOX-API-KEY: k\r\n\r\n",
        "POST /sandboxes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        "POST /sandboxes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "GET /sandboxes/../health HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\r\n\r\n",
        "OPTIONS /sandboxes HTTP/1.1\r\nHost: x\r\nOrigin: http://a\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
        "GET http://other/v1/health HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /sandboxes/x/proxy/80/a?b HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ]
    private static let fragments = [
        "\r\n", "\n", "\r", "\0", " ", "\t", ":", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "Content-Length: 5\r\n",
        "Content-Length: -1\r\n", "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n", "Connection: close\r\n", "Expect: 100-continue\r\n", "/..%2f..", "%00",
        "%0d%0aX-Injected: 1",
        "X-Request-ID: a\r\n X-Injected: 1\r\n", "\r\nX-Injected: 1\r\n\r\n", "Origin: a\r b\r\n",
        "ffffffffffffffff\r\n", "é",
        String(repeating: "a", count: 5000), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT x:80 HTTP/1.1\r\n\r\n",
        "\u{16}\u{3}\u{1}",
    ]

    @Test func theServerGoesOn() async throws {
        try await APIClient.with(live: true) { api async throws in
            let port = try #require(api.client.port)
            var mutator = Mutator(seed: 8, fragments: Self.fragments)
            var budget = FuzzBudget(400)
            var answered = 0
            while budget.goesOn() {
                let bytes = mutator.text(of: Self.requests)
                let answer = try await Wire.connect(port) { wire in
                    try? await wire.send(bytes)
                    wire.finish()
                    return (try? await wire.readToEnd()) ?? ""
                }
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1."), "\(answer) to \(bytes)")
                #expect(!answer.contains("\r\nX-Injected") && !answer.contains("\nX-Injected"), "\(answer) to \(bytes)")
                #expect(!answer.contains(" 500 "), "\(answer) to \(bytes)")
                if !answer.isEmpty { answered += 1 }
            }
            #expect(answered > 100)
            let alive = try await Wire.connect(port) { wire in
                try await wire.send("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return try await wire.readToEnd()
            }
            #expect(alive.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET /\r\n\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n",
        "GET / HTTP/1.1\r\nA\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "GET / HTTP/1.1\r\nHost: x\r\nA: \u{1}\r\n\r\n",
    ])
    func whatIsNoRequestIsAnswered400(text: String) async throws {
        try await APIClient.with(live: true) { api async throws in
            let port = try #require(api.client.port)
            let answer = try await Wire.connect(port) { wire in
                try await wire.send(text)
                return try await wire.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
        }
    }
}
