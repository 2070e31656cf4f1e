// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import NIOCore
import SandboxModels
import Testing

@testable import Server

/// Requests to a sandbox, seen from both ends of the wire.
@Suite(.timeLimit(.minutes(2))) struct HTTPProxyTests {
    @Test(arguments: ["", "/v1"]) func passesARequestAsItIs(mount: String) async throws {
        try await ProxiedAPI.with(upstream: ProxiedAPI.echo) { proxied async throws in
            let answer = try await proxied.exchange(
                """
                PROPFIND \(mount)/sandboxes/box/proxy/80/a%2Fb//c?x=%20&y=+&&z= HTTP/1.1\r
                Host: api.example:1\r
                Accept: one\r
                Accept: two\r
                Connection: keep-alive, X-Hop\r
                X-Hop: 1\r
                Authorization: secret\r
                Cookie: secret\r
                X-Forwarded-For: 6.6.6.6\r
                Content-Length: 4\r
                \r
                body
                """
            )
            #expect(answer.head.status == 200)
            let halves = answer.body.split(separator: "\r\n\r\n", maxSplits: 1)
            let seen = WireHead(String(halves[0]))
            #expect(seen.start == "PROPFIND /a%2Fb//c?x=%20&y=+&&z= HTTP/1.1")
            #expect(halves.last == "body")
            #expect(seen.all("accept") == ["one", "two"])
            #expect(seen["content-length"] == "4")
            #expect(seen.all("transfer-encoding").isEmpty)
            #expect(seen["connection"] == "close")
            #expect(seen["host"]?.hasPrefix("127.0.0.1:") == true)
            #expect(seen["x-forwarded-for"] == "127.0.0.1")
            #expect(seen["x-forwarded-host"] == "api.example:1")
            #expect(seen["x-forwarded-proto"] == "http")
            for name in ["x-hop", "authorization", "cookie"] { #expect(seen.all(name).isEmpty, "\(name)") }
        }
    }

    /// One connection to the server for requests of all kinds, whatever ends their answers.
    @Test func passesAnswersAsTheyAre() async throws {
        try await ProxiedAPI.with { wire async throws in
            let head = try await wire.readHead()
            let answers = [
                "/204": "HTTP/1.1 204 Gone Quiet\r\nX-A: 1\r\n\r\n",
                "/304": "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 7\r\n\r\n",
                "/500": "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nfail",
                "/chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n",
                "/end": "HTTP/1.0 200 OK\r\n\r\nuntil the end",
                "/head": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
                "/headless": "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n",
                "/moved": "HTTP/1.1 302 Found\r\nLocation: /there?x\r\nContent-Length: 0\r\n\r\n",
                "/custom": "HTTP/1.1 299 Custom\r\nContent-Length: 0\r\n\r\n",
            ]
            try await wire.send(answers[String(head.start.split(separator: " ")[1])] ?? "")
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                func ask(_ method: String, _ path: String) async throws {
                    try await wire.send("\(method) /v1/sandboxes/box/proxy/80\(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                }
                try await ask("GET", "/204")
                let none = try await wire.readHead()
                #expect(none.status == 204 && none["x-a"] == "1")
                #expect(none.all("content-length") == [] && none.all("transfer-encoding") == [])
                try await ask("GET", "/304")
                #expect(try await wire.readHead().status == 304)
                try await ask("GET", "/500")
                let failed = try await wire.readResponse()
                #expect(failed.head.status == 500 && failed.body == "fail")
                #expect(failed.head.all("set-cookie") == ["a=1", "b=2"])
                try await ask("DELETE", "/chunks")
                #expect(try await wire.readResponse().body == "abc")
                try await ask("GET", "/end")
                #expect(try await wire.readResponse().body == "until the end")
                try await ask("HEAD", "/head")
                #expect(try await wire.readHead()["content-length"] == "1000")
                try await ask("HEAD", "/headless")
                let headless = try await wire.readHead()
                #expect(headless["x-a"] == "1" && headless.all("transfer-encoding") == [])
                try await ask("GET", "/moved")
                #expect(try await wire.readResponse().head["location"] == "/v1/sandboxes/box/proxy/80/there?x")
                try await ask("GET", "/custom")
                #expect(try await wire.readResponse().head.status == 299)
            }
        }
    }

    @Test func anAnswerStreams() async throws {
        let step = Tally()
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            try await wire.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            for number in 1...3 {
                try await wire.send("8\r\ndata: \(number)\n\r\n")
                // The next event comes only when this one has arrived.
                await step.reaches(number)
            }
            try await wire.send("0\r\n\r\n")
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send("GET /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await wire.readHead()["content-type"] == "text/event-stream")
                for number in 1...3 {
                    #expect(try await wire.read(until: "\n\r\n") == "8\r\ndata: \(number)\n\r\n")
                    await step.add(1)
                }
                #expect(try await wire.read(until: "\r\n\r\n") == "0\r\n\r\n")
            }
        }
    }

    @Test func bothWaysStreamAtOnce() async throws {
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            try await wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            // Each piece of the request is answered before the next comes.
            while true {
                let line = try await wire.read(until: "\r\n")
                let count = Int(line.dropLast(), radix: 16) ?? 0
                let piece = String(buffer: try await wire.read(count))
                _ = try await wire.read(2)
                try await wire.send("\(String(count, radix: 16))\r\n\(piece)\r\n")
                if count == 0 { break }
            }
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(
                    "POST /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                _ = try await wire.readHead()
                for piece in ["5\r\nhello\r\n", "3\r\nyou\r\n", "0\r\n\r\n"] {
                    try await wire.send(piece)
                    #expect(try await wire.read(until: piece) == piece)
                }
            }
        }
    }

    /// The sandbox refuses while the upload runs; the connection is good for another request after the rest was read.
    @Test func anAnswerMayComeBeforeTheRequestHasEnded() async throws {
        try await ProxiedAPI.with { wire async throws in
            let head = try await wire.readHead()
            if head["content-length"] == "1000000" {
                _ = try await wire.read(1000)
                try await wire.send("HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno")
            } else {
                try await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
            }
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(
                    "PUT /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"
                )
                try await wire.send(String(repeating: "x", count: 2000))
                let refused = try await wire.readResponse()
                #expect(refused.head.status == 413 && refused.body == "no")
                try await wire.send(String(repeating: "x", count: 998_000))
                try await wire.send("GET /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await wire.readResponse().body == "yes")
            }
        }
    }

    @Test func continueIsTheSandboxsToSay() async throws {
        try await ProxiedAPI.with { wire async throws in
            let head = try await wire.readHead()
            #expect(head["expect"] == "100-continue")
            if head.start.contains("/no") {
                try await wire.send("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
            } else {
                try await wire.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
                let body = String(buffer: try await wire.read(4))
                try await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\(body)")
            }
        } test: { proxied async throws in
            func ask(_ path: String) -> String {
                "PUT /sandboxes/box/proxy/80\(path) HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
            }
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(ask("/yes"))
                #expect(try await wire.readHead().status == 103)
                #expect(try await wire.readHead().status == 100)
                try await wire.send("body")
                #expect(try await wire.readResponse().body == "body")
            }
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(ask("/no"))
                let answer = try await wire.readResponse()
                // Whether the body still comes is unknown, so nothing else can come on this connection.
                #expect(answer.head.status == 417 && answer.head["connection"] == "close")
                #expect(try await wire.readToEnd() == "")
            }
        }
    }

    @Test func failuresAreTold() async throws {
        var proxy = ServerConfiguration.Proxy()
        proxy.responseTimeout = 1
        try await ProxiedAPI.with(proxy: proxy) { wire async throws in
            let head = try await wire.readHead()
            if head.start.contains("/garbage") { return try await wire.send("SSH-2.0-OpenSSH\r\n\r\n") }
            if head.start.contains("/switch") {
                return try await wire.send("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            }
            // Until the server gives up.
            if head.start.contains("/silent") { _ = try await wire.readToEnd() }
        } test: { proxied async throws in
            await proxied.runtime.listen(81, at: "127.0.0.1:1")
            await proxied.runtime.listen(82, at: "nonsense")
            let api = proxied.api
            for (path, expected) in [
                ("81/", ErrorAnswer(502, "BACKEND_CONNECTION_FAILED")),
                ("82/", .init(404, "KUBERNETES::POD_IP_NOT_AVAILABLE")),
                ("80/closes", .init(502, "BACKEND_RESPONSE_FAILED")),
                ("80/garbage", .init(502, "BACKEND_RESPONSE_FAILED")),
                ("80/switch", .init(502, "BACKEND_RESPONSE_FAILED")), ("80/silent", .init(504, "BACKEND_TIMEOUT")),
            ] {
                #expect(try await api.call(.get, "/sandboxes/box/proxy/" + path).error() == expected, "\(path)")
                // With a body on its way as well.
                #expect(try await api.call(.post, "/sandboxes/box/proxy/" + path, "{}").error() == expected, "\(path)")
            }
            #expect(
                try await api.call(.get, "/sandboxes/nope/proxy/80").error()
                    == .init(404, "KUBERNETES::SANDBOX_NOT_FOUND")
            )
            await proxied.runtime.set("box", .paused)
            let paused = try await api.call(.get, "/sandboxes/box/proxy/80")
            #expect(try paused.error() == .init(404, "KUBERNETES::POD_IP_NOT_AVAILABLE"))
        }
    }

    @Test func aClientThatGoesTakesItsRequestWithIt() async throws {
        let arrived = Tally()
        let left = Tally()
        try await ProxiedAPI.with { wire async throws in
            let head = try await wire.readHead()
            if head.start.contains("/stream") { try await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx") }
            await arrived.add(1)
            _ = try? await wire.readToEnd()
            await left.add(1)
        } test: { proxied async throws in
            let wait = "GET /sandboxes/box/proxy/80/wait HTTP/1.1\r\nHost: h\r\n\r\n"
            let stream = "GET /sandboxes/box/proxy/80/stream HTTP/1.1\r\nHost: h\r\n\r\n"
            let upload = "PUT /sandboxes/box/proxy/80/up HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx"
            for (number, request) in [wait, stream, upload].enumerated() {
                try await Wire.connect(proxied.port) { wire async throws in
                    try await wire.send(request)
                    await arrived.reaches(number + 1)
                }
                await left.reaches(number + 1)
            }
        }
    }

    /// A body that breaks off must not look whole to the client, nor an upload to the sandbox.
    @Test func whatBreaksOffIsSeenToBreakOff() async throws {
        let (begun, uploads) = (Tally(), Tally())
        try await ProxiedAPI.with { wire async throws in
            let head = try await wire.readHead()
            if head["transfer-encoding"] == "chunked" {
                await begun.add(1)
                let rest = try? await wire.readToEnd()
                #expect(rest?.hasSuffix("0\r\n\r\n") != true)
                return await uploads.add(1)
            }
            try await wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send("GET /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await wire.readHead()
                let rest = (try? await wire.readToEnd()) ?? ""
                #expect(!rest.contains("0\r\n\r\n"))
            }
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(
                    "PUT /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
                )
                await begun.reaches(1)
            }
            await uploads.reaches(1)
        }
    }

    @Test func oldClientsAreAnsweredToTheEnd() async throws {
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            try await wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send("GET /sandboxes/box/proxy/80/ HTTP/1.0\r\n\r\n")
                let head = try await wire.readHead()
                #expect(head.all("transfer-encoding") == [] && head["connection"] == "close")
                #expect(try await wire.readToEnd() == "abc")
            }
        }
    }

    /// Another protocol that is asked for in passing, as some clients do, does not make the connection deaf.
    @Test func whatIsNotUpgradedIsClosed() async throws {
        try await ProxiedAPI.with(upstream: ProxiedAPI.echo) { proxied async throws in
            for path in ["/health", "/sandboxes/box/proxy/80/"] {
                try await Wire.connect(proxied.port) { wire async throws in
                    try await wire.send(
                        "GET \(path) HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
                    )
                    let answer = try await wire.readResponse()
                    #expect(answer.head.status == 200 && answer.head["connection"] == "close", "\(path)")
                    #expect(!answer.body.contains("h2c"))
                    #expect(try await wire.readToEnd() == "")
                }
            }
        }
    }

    @Test(arguments: [
        "GET /sandboxes/box/proxy/80/a/%2e%2e/b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /sandboxes/box/proxy/99999/ HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /sandboxes/box/proxy/80/a\u{1}b HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "POST /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nabcd",
        "POST /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "GET /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nX-A: a\u{0}b\r\n\r\n",
        "GET /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nX A: b\r\n\r\n",
        "GET /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\nX-A : b\r\n\r\n",
    ])
    func hostileRequestsAreRefused(request: String) async throws {
        let reached = Tally()
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            await reached.add(1)
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(request)
                #expect(try await wire.readHead().status == 400)
            }
        }
        #expect(await reached.value == 0)
    }

    @Test func anAbsoluteTargetGoesNowhereElse() async throws {
        try await ProxiedAPI.with(upstream: ProxiedAPI.echo) { proxied async throws in
            let answer = try await proxied.exchange(
                "GET http://127.0.0.1:1/sandboxes/box/proxy/80/x HTTP/1.1\r\nHost: h\r\n\r\n"
            )
            #expect(answer.body.hasPrefix("GET /x HTTP/1.1\r\n"))
        }
    }

    @Test func keysAreNotNeededButMustBeRight() async throws {
        try await ProxiedAPI.with(key: APIKey("k"), upstream: ProxiedAPI.echo) { proxied async throws in
            let path = "/v1/sandboxes/box/proxy/80/"
            #expect(try await proxied.api.call(.get, path).status == .ok)
            #expect(try await proxied.api.call(.get, path, headers: [.apiKey: "k"]).status == .ok)
            let wrong = try await proxied.api.call(.get, path, headers: [.apiKey: "x"])
            #expect(try wrong.error() == .init(401, "INVALID_API_KEY"))
        }
    }

    @Test func anotherTenantsSandboxIsUnknown() async throws {
        let (mine, theirs) = (InMemoryRuntime(), InMemoryRuntime())
        await mine.put("box", .running)
        await theirs.put("other", .running)
        let tenants = Tenants([
            Tenant(name: "a", keys: [try #require(APIKey("a"))], runtime: mine),
            Tenant(name: "b", keys: [try #require(APIKey("b"))], runtime: theirs),
        ])
        var configuration = ServerConfiguration.HTTP()
        (configuration.host, configuration.port) = ("127.0.0.1", 0)
        try await Wire.listen(ProxiedAPI.echo) { port in
            await mine.listen(80, at: "127.0.0.1:\(port)")
            await theirs.listen(80, at: "127.0.0.1:\(port)")
            try await APIClient.with(tenants, live: true, configuration: configuration) { api async throws in
                for (id, key, status) in [
                    ("box", "a", 200), ("box", "b", 404), ("other", "b", 200), ("other", "a", 404), ("box", nil, 401),
                    ("none", nil, 401), ("box", "x", 401),
                ] {
                    let headers: HTTPFields = key.map { [.apiKey: $0] } ?? [:]
                    let answer = try await api.call(.get, "/sandboxes/\(id)/proxy/80/", headers: headers)
                    #expect(answer.status.code == status, "\(id) \(key ?? "-")")
                }
            }
        }
    }

    @Test func aSandboxWithATokenAsksForIt() async throws {
        try await ProxiedAPI.with(headers: ["OpenSandbox-Secure-Access": "t"], upstream: ProxiedAPI.echo) {
            proxied async throws in
            let path = "/v1/sandboxes/box/proxy/80/"
            for headers: HTTPFields in [[:], [.secureAccess: "x"]] {
                let refused = try await proxied.api.call(.get, path, headers: headers)
                #expect(try refused.error() == .init(401, "MISSING_OR_INVALID_SECURE_ACCESS"))
            }
            let answer = try await proxied.api.call(.get, path, headers: [.secureAccess: "t"])
            #expect(answer.status == .ok)
            #expect(!answer.text.lowercased().contains("secure-access"))
        }
    }

    @Test func usesAreTold() async throws {
        try await ProxiedAPI.with(upstream: ProxiedAPI.echo) { proxied async throws in
            let path = "/v1/sandboxes/box/proxy/80/"
            #expect(try await proxied.api.call(.get, path, headers: [.accessRenew: "skip"]).status == .ok)
            #expect(await proxied.runtime.accesses.isEmpty)
            for _ in 0..<5 { #expect(try await proxied.api.call(.get, path).status == .ok) }
            await proxied.runtime.accesses(atLeast: 1)
        }
    }

    @Test func theNetworkPolicyIsTheSidecarsToKnow() async throws {
        try await ProxiedAPI.with(upstream: ProxiedAPI.echo) { proxied async throws in
            let upstream = try await proxied.runtime.endpoint("box", port: 80).address
            let path = "/v1/sandboxes/box/networkpolicy"
            #expect(try await proxied.api.call(.get, path).error() == .init(400, "SANDBOX::API_NOT_SUPPORTED"))
            await proxied.runtime.listen(18080, at: upstream, headers: ["OPENSANDBOX-EGRESS-AUTH": "real"])
            let answer = try await proxied.api.call(.put, path, "{}", headers: [.egressAuthorization: "mine"])
            #expect(answer.text.hasPrefix("PUT /policy HTTP/1.1\r\n") && answer.text.hasSuffix("{}"))
            let seen = WireHead(String(answer.text.split(separator: "\r\n\r\n")[0]))
            #expect(seen.all("opensandbox-egress-auth") == ["real"])
            #expect(try await proxied.api.call(.post, path, "{}").status == .methodNotAllowed)
        }
    }
}
