// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// What comes from something that is no API server, or a bad one.
struct HostileServerTests {
    @Test(arguments: [
        "", "null", "[]", "42", "{", #"{"metadata":7}"#, #"{"metadata":{"labels":["a"]}}"#,
        #"{"kind":"Pod","apiVersion":"v1"}"#,
        "<!DOCTYPE html><html>please log in</html>", "\u{0}\u{1}", "{}}", #"{"data":{"a":1}}"#,
        String(repeating: "[", count: 100_000),
    ])
    func garbageIsAnError(_ body: String) async throws {
        try await TestWebServer.run({ _ in .json(body) }) { server in
            try await withTestClient("http://\(server.authority)") { client, pauses in
                let error = await #expect(throws: KubeError.self) { try await client.maps.get("one") }
                #expect(error?.kind == .malformedAnswer, "\(error.map(\.description) ?? "")")
                #expect(error?.description.hasPrefix("could not get ConfigMap team/one: in the answer ") == true)
                #expect((error?.description.utf8.count ?? 0) < 1000 && pauses.all.isEmpty)
            }
        }
    }

    @Test func wrongTypesAreNamed() async throws {
        let list = #"{"metadata":{},"items":[{"metadata":{"name":"a"}},{"metadata":{"annotations":{"b":false}}}]}"#
        try await TestWebServer.run({ _ in .json(list) }) { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let error = await #expect(throws: KubeError.self) { try await client.maps.list() }
                #expect(error?.reason.contains("items.1.metadata.annotations.b is true or false, not a string") == true)
            }
        }
    }

    @Test func aProxysPageIsTold() async throws {
        try await TestWebServer.run({ _ in
            .init(
                .badGateway,
                ["Content-Type": "text/html"],
                text: "<html>\n<h1>no\u{7} upstream</h1>" + String(repeating: "x", count: 3000)
            )
        }) { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let error = await #expect(throws: KubeError.self) { try await client.maps.get("one") }
                #expect(error?.kind == .serverFault && error?.statusCode == 502)
                #expect(error?.reason.contains("it sent text/html: '<html> <h1>no  upstream</h1>") == true)
                #expect((error?.description.utf8.count ?? 0) < 800)
            }
        }
    }

    @Test func endlessAnswersAreBounded() async throws {
        try await RawWebServer.run { exchange in
            try await exchange.sendHead()
            try await exchange.sendChunk(#"{"metadata":{"name":""#)
            while true { try await exchange.sendChunk(String(repeating: "x", count: 50_000)) }
        } body: { server in
            try await withTestClient(
                "http://\(server.authority)",
                configure: {
                    $0.answerLimit = 1 << 20
                    $0.lineLimit = 1 << 20
                }
            ) { client, _ in
                let error = await #expect(throws: KubeError.self) { try await client.maps.get("one") }
                #expect(error?.kind == .tooLarge, "\(error.map(\.description) ?? "")")
                let line = await #expect(throws: KubeError.self) { for try await _ in client.maps.watch() {} }
                #expect(line?.kind == .tooLarge, "\(line.map(\.description) ?? "")")
                let log = try await client.resource(Pod.self).log(of: "a")
                let long = await #expect(throws: KubeError.self) { for try await _ in log.lines {} }
                #expect(long?.kind == .tooLarge)
            }
            #expect(server.sent < 200 << 20)
        }
    }

    @Test func endlessErrorsAndHeadsAreBounded() async throws {
        try await RawWebServer.run { exchange in
            if exchange.head.contains("/errors/") {
                try await exchange.sendHead("500 Oh")
                while true { try await exchange.sendChunk(String(repeating: "x", count: 50_000)) }
            }
            try await exchange.send("HTTP/1.1 200 OK\r\n")
            while true { try await exchange.send("X-More: \(String(repeating: "x", count: 50_000))\r\n") }
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let error = await #expect(throws: KubeError.self) { try await client.maps.in("errors").get("one") }
                #expect(error?.kind == .serverFault)
                let head = await #expect(throws: KubeError.self) { try await client.maps.get("one") }
                #expect(head?.kind == .unreachable, "\(head.map(\.description) ?? "")")
            }
        }
    }

    @Test(arguments: [
        "not HTTP at all\r\n\r\n", "HTTP/1.1 999999 X\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{0}\u{2}",
    ])
    func whatIsNoHTTPIsAnError(_ bytes: String) async throws {
        try await RawWebServer.run { exchange in
            try await exchange.send(bytes)
            throw CancellationError()
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let error = await #expect(throws: KubeError.self) { try await client.maps.get("one") }
                #expect(error?.kind == .unreachable, "\(error.map(\.description) ?? "")")
            }
        }
    }

    @Test func silenceEnds() async throws {
        try await RawWebServer.run { exchange in
            if exchange.head.contains("/begin/") {
                try await exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{")
            }
            try await exchange.hang()
        } body: { server in
            try await withTestClient(
                "http://\(server.authority)",
                configure: { $0.requestTimeout = .milliseconds(200) }
            ) { client, _ in
                for namespace in ["begin", "nothing"] {
                    let error = await #expect(throws: KubeError.self) {
                        try await client.maps.in(.named(namespace)).get("one")
                    }
                    #expect(error?.kind == .timeout, "\(error.map(\.description) ?? "")")
                }
            }
        }
    }

    @Test func nobodyThereIsTold() async throws {
        let authority = try await RawWebServer.run { _ in
        } body: {
            $0.authority
        }
        try await withTestClient("http://\(authority)") { client, pauses in
            let error = await #expect(throws: KubeError.self) {
                try await client.maps.create(.with { $0.metadata.name = "one" })
            }
            #expect(error?.kind == .unreachable && error?.advice?.contains("running") == true)
            #expect(pauses.all.count == 2, "nothing can have happened")
        }
    }

    @Test func cancellationEndsARequest() async throws {
        let (began, signal) = AsyncStream.makeStream(of: Void.self)
        try await RawWebServer.run { exchange in
            signal.finish()
            try await exchange.hang()
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                await withTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        do {
                            _ = try await client.maps.get("one")
                            return false
                        } catch {
                            return error is CancellationError
                        }
                    }
                    for await _ in began {}
                    group.cancelAll()
                    #expect(await group.next() == true)
                }
            }
        }
    }
}
