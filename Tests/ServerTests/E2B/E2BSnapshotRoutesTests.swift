// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

@Suite struct E2BSnapshotRoutesTests {
    private struct Told: Decodable, Equatable {
        var snapshotID: String
        var names: [String]
    }

    @Test func snapshots() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("up")
            await e2b.put("down", .paused)
            for (body, names) in [("{}", []), ("", []), (#"{"name":"mine","memory":false}"#, ["mine"])] {
                let response = try await e2b.call(.post, "/sandboxes/up/snapshots", body)
                #expect(response.status == .created)
                #expect(try response.json(Told.self).names == names)
            }
            #expect(try await e2b.call(.post, "/sandboxes/down/snapshots", "{}").e2bError().code == 400)
            #expect(try await e2b.call(.post, "/sandboxes/none/snapshots", "{}").e2bError().code == 404)
            #expect(await e2b.runtime.snapshotOptions.allSatisfy { $0.owner == "id-of-alice" && $0.keepRunning })

            let first = try await e2b.call(.get, "/snapshots?limit=2")
            let token = try #require(first.headers[.nextToken])
            let second = try await e2b.call(.get, "/snapshots?limit=2&nextToken=\(token)")
            #expect(second.headers[.nextToken] == nil)
            let all = try first.json([Told].self) + second.json([Told].self)
            #expect(all.map(\.snapshotID) == ["snapshot-2", "snapshot-1", "snapshot-0"])
            #expect(try await e2b.call(.get, "/snapshots?sandboxID=down").text == "[]")
            #expect(try await e2b.call(.get, "/snapshots?name=mine").json([Told].self) == [all[0]])
            #expect(try await e2b.call(.get, "/snapshots", as: "bob").text == "[]")

            // By its own identity, encoded or not, or by its name; and not a second time.
            for id in ["snapshot%2D1", "snapshot-0", "mine"] {
                #expect(try await e2b.call(.delete, "/templates/\(id)", as: "bob").e2bError().code == 404)
                #expect(try await e2b.call(.delete, "/templates/\(id)").status == .noContent)
                #expect(try await e2b.call(.delete, "/templates/\(id)").e2bError().code == 404)
            }
            #expect(try await e2b.call(.delete, "/templates/box").e2bError().code == 401)
        }
    }

    @Test func headersOfKruise() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("up")
            let headers: HTTPFields = [
                .snapshotKeepRunning: "false", .snapshotTTL: "30d", .snapshotContents: "memory, filesystem",
                .snapshotWait: "0",
            ]
            #expect(try await e2b.call(.post, "/sandboxes/up/snapshots", "{}", headers: headers).status == .created)
            let expected = SnapshotOptions(
                owner: "id-of-alice",
                keepRunning: false,
                timeToLive: 2_592_000,
                contents: ["memory", "filesystem"]
            )
            #expect(await e2b.runtime.snapshotOptions == [expected])
            for (name, value) in [
                (HTTPField.Name.snapshotTTL, "30"), (.snapshotTTL, "-1h"), (.snapshotContents, "ip"),
                (.snapshotWait, "-1"), (.snapshotWait, "x"),
            ] {
                let response = try await e2b.call(.post, "/sandboxes/up/snapshots", "{}", headers: [name: value])
                #expect(try response.e2bError().code == 400, "\(name) \(value)")
            }
            #expect(try await e2b.call(.post, "/sandboxes/up/snapshots", #"{"name":1}"#).e2bError().code == 400)
        }
    }

    private struct Fork: Decodable {
        struct Failure: Decodable {
            var code: Int
            var message: String
        }

        var sandbox: E2BAnswer?
        var error: Failure?
    }

    @Test func forks() async throws {
        try await E2BClient.with { e2b async throws in
            await e2b.put("up", metadata: ["is": "source"])
            let response = try await e2b.call(.post, "/sandboxes/up/fork", #"{"timeout":120,"count":5}"#)
            #expect(response.status == .created)
            let forks: [Fork] = try response.json()
            #expect(forks.count == 5 && forks.allSatisfy { $0.error == nil && $0.sandbox?.templateID == "box" })
            let asked = await e2b.runtime.created
            let end = InMemoryRuntime.start.addingTimeInterval(120)
            #expect(asked.allSatisfy { $0.expiresAt == end })
            #expect(asked.allSatisfy { $0.spec.metadata == ["is": "source"] && $0.spec.owner == "id-of-alice" })
            #expect(await e2b.runtime.snapshots().isEmpty, "what it was made from is gone")

            let quota = SandboxError(.quotaExceeded, "Enough.")
            await e2b.runtime.failCreates(quota)
            let failed: [Fork] = try await e2b.call(.post, "/sandboxes/up/fork").json()
            #expect(failed.map(\.error?.code) == [403] && failed[0].sandbox == nil)

            for body in [#"{"count":0}"#, #"{"count":101}"#, #"{"count":"x"}"#, #"{"timeout":-1}"#] {
                #expect(try await e2b.call(.post, "/sandboxes/up/fork", body).e2bError().code == 400, "\(body)")
            }
            await e2b.put("down", .paused)
            #expect(try await e2b.call(.post, "/sandboxes/down/fork").e2bError().code == 409)
        }
    }
}
