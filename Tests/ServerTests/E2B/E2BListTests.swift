// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

@Suite struct E2BListTests {
    private static func listed(_ response: TestResponse) throws -> [String] {
        #expect(response.status == .ok)
        return try response.json([E2BAnswer].self).map(\.sandboxID)
    }

    /// As the SDK has been seen to send it: names and values, the pairs, and the whole are encoded.
    @Test func metadataIsDecodedThreeTimes() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("a", metadata: ["user": "a b", "app": "x"])
            await e2b.put("b", metadata: ["user": "a b", "app": "y"])
            await e2b.put("c", metadata: ["user": "a%20b", "app": "x"])
            await e2b.put("d", metadata: ["user": "1+1=2&3"])
            let recorded = "/v2/sandboxes?metadata=user%3Da%252520b%26app%3Dx&state=running%2Cpaused&limit=1"
            #expect(try await Self.listed(e2b.call(.get, recorded)) == ["a"])
            #expect(try await Self.listed(e2b.call(.get, "/v2/sandboxes?metadata=app%3Dx")) == ["a", "c"])
            let odd = "/v2/sandboxes?metadata=user%3D1%25252B1%25253D2%2525263"
            #expect(try await Self.listed(e2b.call(.get, odd)) == ["d"])
            let broken = try await e2b.call(.get, "/v2/sandboxes?metadata=user").e2bError()
            #expect(broken.code == 400)
        }
    }

    @Test func pages() async throws {
        try await E2BClient.with { e2b async throws in
            for number in 0..<5 { await e2b.put("s\(number)", number == 3 ? .paused : .running) }
            for order in ["asc", "desc"] {
                var seen: [String] = []
                var token = ""
                repeat {
                    let way = "/v2/sandboxes?limit=2&order=\(order)&nextToken=\(token)"
                    let response = try await e2b.call(.get, way)
                    #expect(response.headers[.totalRunning] == "4")
                    let page = try Self.listed(response)
                    #expect(page.count <= 2 && !page.isEmpty)
                    seen += page
                    token = response.headers[.nextToken] ?? ""
                } while !token.isEmpty && seen.count < 10
                let all = (0..<5).map { "s\($0)" }
                #expect(seen == (order == "asc" ? all : all.reversed()))
            }
            #expect(try await Self.listed(e2b.call(.get, "/v2/sandboxes?state=paused")) == ["s3"])
            #expect(try await Self.listed(e2b.call(.get, "/v2/sandboxes?state=paused&state=running")).count == 5)
            // The first version has what runs.
            #expect(try await Self.listed(e2b.call(.get, "/sandboxes")) == ["s0", "s1", "s2", "s4"])
        }
    }

    @Test(
        arguments: [
            "limit=0", "limit=101", "limit=x", "limit=", "state=dead", "state=running,x", "nextToken=%21", "order=up",
            "nextToken=YWJj", "startedAfter=x",
        ]
    )
    func whatCannotBeIs400(query: String) async throws {
        try await E2BClient.with { e2b async throws in
            #expect(try await e2b.call(.get, "/v2/sandboxes?\(query)").e2bError().code == 400)
        }
    }

    @Test func nothingIsAnEmptyList() async throws {
        try await E2BClient.with { e2b async throws in
            for way in ["/v2/sandboxes", "/sandboxes", "/snapshots"] {
                #expect(try await e2b.call(.get, way).text == "[]")
            }
        }
    }
}
