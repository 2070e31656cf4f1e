// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

/// What answers mean, and what is repeated.
struct AnswerTests {
    /// Runs `body` with a server that gives some answers one after the other, and the last one from then on.
    private func answering(
        _ answers: [TestWebServer.Response],
        _ body: (KubeClient, Pauses) async throws -> Void
    ) async throws -> Int {
        let left = Mutex(answers)
        return try await TestWebServer.run({ _ in
            left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        }) { server in
            try await withTestClient("http://\(server.authority)") { try await body($0, $1) }
            return server.requests.count
        }
    }

    @Test(
        arguments: [
            (400, "BadRequest", "{}", .invalid), (401, "Unauthorized", "{}", .unauthorized),
            (403, "Forbidden", "{}", .forbidden),
            (404, "NotFound", #"{"name":"one","kind":"configmaps"}"#, .notFound), (404, "NotFound", "{}", .notServed),
            (409, "AlreadyExists", "{}", .alreadyExists), (409, "Conflict", "{}", .conflict),
            (410, "Expired", "{}", .expired),
            (413, "RequestEntityTooLarge", "{}", .tooLarge), (422, "Invalid", "{}", .invalid),
            (429, "TooManyRequests", "{}", .rateLimited),
            (500, "InternalError", "{}", .serverFault), (504, "Timeout", "{}", .timeout),
            (503, "ServiceUnavailable", "{}", .serverFault),
            (418, "Teapot", "{}", .unexpectedAnswer), (302, "Found", "{}", .unexpectedAnswer),
        ] as [(Int, String, String, KubeError.Kind)]
    )
    func errorsAreTyped(_ code: Int, _ reason: String, _ details: String, _ kind: KubeError.Kind) async throws {
        _ = try await answering([.status(code, reason: reason, details: details)]) { client, _ in
            let error = await #expect(throws: KubeError.self) { try await client.maps.get("one") }
            #expect(error?.kind == kind && error?.statusCode == code && error?.status?.reason == reason)
            #expect(
                error?.description.hasPrefix("could not get ConfigMap team/one: sorry (HTTP \(code); \(reason))")
                    == true
            )
        }
    }

    @Test func whatMayPassIsRepeated() async throws {
        let good = TestWebServer.Response.json("{}")
        let attempts = try await answering([.status(503, reason: "X"), .status(429, reason: "X", retryAfter: 7), good])
        { client, pauses in
            _ = try await client.maps.get("one")
            #expect(pauses.all.count == 2 && pauses.all.last == .seconds(7))
        }
        #expect(attempts == 3)
        let limited = try await answering([.status(503, reason: "X", details: #"{"retryAfterSeconds":4000}"#)]) {
            client,
            pauses in
            await #expect(throws: KubeError.self) { try await client.maps.get("one") }
            #expect(pauses.all == [.seconds(30), .seconds(30)], "not longer than the policy says")
        }
        #expect(limited == 3)
    }

    @Test func whatMayHaveHappenedIsNotRepeated() async throws {
        let map = ConfigMap.with { $0.metadata.name = "one" }
        let creation = try await answering([.status(503, reason: "X")]) { client, _ in
            await #expect(throws: KubeError.self) { try await client.maps.create(map) }
        }
        #expect(creation == 1)
        let steps = try await answering([.status(500, reason: "X")]) { client, _ in
            await #expect(throws: KubeError.self) { try await client.maps.patch("one", .json(JSONPatch([]))) }
        }
        #expect(steps == 1)
        // It was refused before anything was done.
        let limited = try await answering([.status(429, reason: "X"), .json("{}")]) { client, _ in
            _ = try await client.maps.create(map)
        }
        #expect(limited == 2)
        let replacing = try await answering([.status(503, reason: "X"), .json("{}")]) { client, _ in
            _ = try await client.maps.replace(map)
        }
        #expect(replacing == 2)
    }

    @Test func aCutAnswerIsAskedForAgain() async throws {
        var cut = TestWebServer.Response.json(#"{"metadata":{"name":"one"}}"#)
        cut.cut = 5
        _ = try await answering([cut]) { client, _ in
            let error = await #expect(throws: KubeError.self) { try await client.maps.get("one") }
            #expect(error?.kind == .unreachable, "\(error.map(\.description) ?? "")")
        }
    }

    @Test func conflictsOfAnApplyNameManagersAndFields() async throws {
        let details =
            #"{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"ku\\\"be\" using v1 at 2026-11-21T17:57:05Z","field":".data.a"},{"reason":"FieldManagerConflict","message":"conflict with \"b\"","field":".data.b"},{"reason":"Other"}]}"#
        _ = try await answering([.status(409, reason: "Conflict", details: details)]) { client, _ in
            let error = await #expect(throws: KubeError.self) {
                try await client.maps.apply(.with { $0.metadata.name = "one" }, manager: "me")
            }
            #expect(error?.applyConflicts.map(\.manager) == ["ku\"be", "b"])
            #expect(error?.applyConflicts.map(\.field) == [".data.a", ".data.b"])
        }
    }

    @Test func anUpdateIsTriedAgainAfterAConflict() async throws {
        let one = TestWebServer.Response.json(#"{"metadata":{"name":"one","resourceVersion":"1"}}"#)
        let attempts = try await answering([one, .status(409, reason: "Conflict"), one, one]) { client, pauses in
            _ = try await client.maps.update("one") { $0.data["a"] = "b" }
            #expect(pauses.all.count == 1)
        }
        #expect(attempts == 4)
        let lost = try await answering([one, .status(409, reason: "Conflict"), one, .status(409, reason: "Conflict")]) {
            client,
            _ in
            await #expect { try await client.maps.update("one", attempts: 2) { $0.data["a"] = "b" } } throws: {
                ($0 as? KubeError)?.isConflict == true
            }
        }
        #expect(lost == 4)
        let unchanged = try await answering([one]) { client, _ in _ = try await client.maps.update("one") { _ in } }
        #expect(unchanged == 1)
    }

    @Test func deletionsSayWhetherTheyAreDone() async throws {
        let status = #"{"kind":"Status","apiVersion":"v1","status":"Success"}"#
        _ = try await answering([
            .json(status), .json(#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"one"}}"#),
        ]) { client, _ in
            guard case .done = try await client.maps.delete("one") else { throw KubeErrorExpected() }
            guard case .begun(let map) = try await client.maps.delete("one") else { throw KubeErrorExpected() }
            #expect(map.metadata.name == "one")
        }
    }

    private struct KubeErrorExpected: Error {}

    @Test func pagesEndInAnErrorWhenTheyExpire() async throws {
        let page = TestWebServer.Response.json(
            #"{"metadata":{"continue":"t","resourceVersion":"9"},"items":[{"metadata":{"name":"a"}}]}"#
        )
        _ = try await answering([page, .status(410, reason: "Expired")]) { client, _ in
            var names: [String] = []
            let error = await #expect(throws: KubeError.self) {
                for try await page in client.maps.pages(pageSize: 1) { names += page.items.map(\.metadata.name) }
            }
            #expect(names == ["a"] && error?.isExpired == true)
        }
    }

    @Test func aTypeThatIsKnownAtRunTimeIsFilledIn() async throws {
        _ = try await answering([.json(#"{"metadata":{},"items":[{"metadata":{"name":"a"},"spec":{"x":1}}]}"#)]) {
            client,
            _ in
            let list = try await client.resource(Job.resourceType).list()
            #expect(list.items.map(\.kind) == ["Job"] && list.items.map(\.apiVersion) == ["batch/v1"])
            #expect(list.items[0]["spec"] == ["x": 1])
        }
    }

    @Test func typesAreDiscovered() async throws {
        let list =
            #"{"kind":"APIResourceList","groupVersion":"batch/v1","resources":[{"name":"jobs","namespaced":true,"kind":"Job","verbs":["get"]},{"name":"jobs/status","namespaced":true,"kind":"Job"}]}"#
        let asked = try await answering([.json(list)]) { client, _ in
            let discovery = Discovery(client)
            let type = try await discovery.resourceType(kind: "Job", apiVersion: "batch/v1")
            #expect(type == Job.resourceType)
            #expect(try await discovery.resources(of: "batch/v1").count == 1)
            // It may have come since.
            #expect(try await discovery.resourceType(kind: "CronJob", apiVersion: "batch/v1") == nil)
            #expect(try await discovery.resourceType(kind: "CronJob", apiVersion: "batch/v1") == nil)
        }
        #expect(asked == 3)
    }
}
