// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

@Suite struct SnapshotRoutesTests {
    struct Answer: Decodable, Equatable {
        struct Status: Decodable, Equatable {
            var state: String
            var lastTransitionAt: String
        }

        var id: String
        var sandboxId: String
        var name: String?
        var status: Status
        var createdAt: String
        var artifact: Artifact?
    }

    struct Page: Decodable {
        var items: [Answer]
        var pagination: ListSandboxesTests.Page.Pagination
    }

    static let artifact = Artifact(
        provider: "oci-rootfs",
        parts: [
            Artifact.Part(
                container: "sandbox",
                reference: "registry.example/s:1",
                digest: "sha256:" + String(repeating: "a", count: 64),
                size: 7
            )
        ],
        platform: "linux/amd64"
    )

    /// A running and a paused sandbox, and snapshots a to e, `e` the newest.
    static func runtime() async -> InMemoryRuntime {
        let runtime = InMemoryRuntime()
        await runtime.put("up", .running)
        await runtime.put("down", .paused)
        await runtime.putSnapshot("a", .ready, of: "up", name: "base", artifact: artifact)
        await runtime.putSnapshot("b", .ready, of: "gone", name: "base")
        await runtime.putSnapshot("c", .failed, of: "up", name: "Base")
        await runtime.putSnapshot("d", .creating, of: "up")
        await runtime.putSnapshot("e", .ready, of: "gone")
        return runtime
    }

    @Test(arguments: ["", "/v1"]) func creates(mount: String) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            let named = try await api.call(.post, mount + "/sandboxes/up/snapshots", #"{"name":"cp1"}"#)
            #expect(named.status == .accepted)
            let snapshot = try named.json(Answer.self)
            #expect(named.headers[.location] == "/v1/snapshots/\(snapshot.id)")
            #expect(snapshot.sandboxId == "up" && snapshot.name == "cp1" && snapshot.status.state == "Creating")
            for body in [nil, "{}", #"{"name":null}"#] {
                let plain = try await api.call(.post, mount + "/sandboxes/up/snapshots", body)
                #expect(plain.status == .accepted)
                #expect(try plain.json(Answer.self).name == nil)
            }
        }
    }

    @Test(arguments: [
        (HTTPRequest.Method.post, "sandboxes/nope/snapshots", 404, "KUBERNETES::SANDBOX_NOT_FOUND"),
        (.post, "sandboxes/down/snapshots", 409, "SNAPSHOT::INVALID_SOURCE_STATE"),
        (.get, "snapshots/nope", 404, "SNAPSHOT::NOT_FOUND"),
        (.delete, "snapshots/nope", 404, "SNAPSHOT::NOT_FOUND"),
        (.delete, "snapshots/d", 409, "SNAPSHOT::INVALID_STATE"),
    ])
    func refuses(method: HTTPRequest.Method, path: String, status: Int, code: String) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            #expect(try await api.call(method, "/v1/" + path).error() == ErrorAnswer(status, code))
        }
    }

    @Test(arguments: [
        (#"{"name":""}"#, IssueAnswer("string_too_short", "body.name")),
        (#"{"name":7}"#, IssueAnswer("string_type", "body.name")),
        (#"{"#, IssueAnswer("json_invalid", "body.1")),
    ])
    func tellsWhatIsMistyped(body: String, issue: IssueAnswer) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            #expect(try await api.call(.post, "/v1/sandboxes/up/snapshots", body).issues() == [issue])
        }
    }

    @Test func readsAndDeletes() async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            let found = try await api.call(.get, "/v1/snapshots/a").json(Answer.self)
            #expect(found.artifact == Self.artifact)
            #expect(found.createdAt == "2026-01-01T00:00:00.250Z")
            #expect(try await api.call(.get, "/v1/snapshots/b").json(Answer.self).artifact == nil)
            let deleted = try await api.call(.delete, "/v1/snapshots/a")
            #expect(deleted.status == .noContent && deleted.text.isEmpty)
            #expect(try await api.call(.get, "/v1/snapshots/a").error() == ErrorAnswer(404, "SNAPSHOT::NOT_FOUND"))
        }
    }

    @Test(arguments: [
        ("", "edcba"), ("?sandboxId=gone", "eb"), ("?name=base", "ba"), ("?sandboxId=up&name=base&state=Ready", "a"),
        ("?state=rEADY&state=creating", "edba"), ("?state=Nonsense", ""), ("?pageSize=2&page=3", "a"),
        ("?pageSize=2&page=4", ""), ("?name=", ""),
    ])
    func filtersAndPages(query: String, ids: String) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            for mount in ["", "/v1"] {
                let page = try await api.call(.get, mount + "/snapshots" + query).json(Page.self)
                #expect(page.items.map(\.id).joined() == ids)
            }
            #expect(try await api.call(.get, "/snapshots?page=0").issues().map(\.place) == ["query.page"])
        }
    }

    @Test func aSandboxIsCreatedFromOne() async throws {
        let runtime = await Self.runtime()
        try await APIClient.with(runtime) { api async throws in
            func create(from id: String) async throws -> TestResponse {
                let body = #"{"snapshotId":"\#(id)","resourceLimits":{"cpu":"1"}}"#
                return try await api.call(.post, "/v1/sandboxes", body)
            }
            let created = try await create(from: "a")
            #expect(created.status == .accepted)
            let spec = try #require(await runtime.created.first?.spec)
            #expect(spec.snapshotID == "a")
            #expect(spec.entrypoint == ["tail", "-f", "/dev/null"])
            let id = try created.json(SandboxAnswer.self).id
            let found = try await api.call(.get, "/v1/sandboxes/\(id)")
            #expect(try found.json(SandboxAnswer.self).image == nil)
            #expect(found.text.contains(#""snapshotId":"a""#))
            #expect(try await create(from: "d").error() == ErrorAnswer(409, "SNAPSHOT::NOT_READY"))
            #expect(try await create(from: "nope").error() == ErrorAnswer(404, "SNAPSHOT::NOT_FOUND"))
        }
    }
}
