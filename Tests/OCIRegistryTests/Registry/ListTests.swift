// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOHTTP1
import OCIRegistry
import TestSupport
import Testing

/// Lists of tags, and deletions.
struct ListTests {
    @Test func listsTheTagsOfARealRegistry() async throws {
        let image = try await SampleImage.make()
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("app"))
                #expect(try await repository.tags(after: nil, limit: 10) == [], "there is no such repository")
                let tags = (1...5).map { "t\($0)" }
                for tag in tags { try await image.push(to: repository, as: .tag(tag)) }
                #expect(try await repository.tags(after: nil, limit: 100) == tags)
                #expect(try await repository.tags(after: nil, limit: 2) == ["t1", "t2"])
                #expect(try await repository.tags(after: "t2", limit: 2) == ["t3", "t4"])
                #expect(try await repository.tags(after: "t5", limit: 2) == [])
                #expect(try await repository.tags(after: nil, limit: 0) == [])
                try await repository.ping()
            }
        }
    }

    /// A registry with pages of two, whose links are written as `link` says.
    private func withPages<Result: Sendable>(
        _ link: @escaping @Sendable (_ last: String, _ authority: String) -> String,
        _ body: (RegistryRepository, TestWebServer) async throws -> Result
    ) async throws -> Result {
        let all = (0..<7).map { "t\($0)" }
        return try await TestWebServer.run({ request in
            let authority = request.headers.first(name: "Host") ?? ""
            let last = URLComponents(string: request.target)?.queryItems?.first { $0.name == "last" }?.value
            let rest = last.map { last in all.filter { $0 > last } } ?? all
            let page = rest.prefix(2)
            var headers: HTTPHeaders = [:]
            if let end = page.last, rest.count > 2 { headers.add(name: "Link", value: link(end, authority)) }
            let names = page.map { "\"\($0)\"" }.joined(separator: ",")
            return .init(.ok, headers, text: #"{"name":"app","tags":[\#(names)]}"#)
        }) { server in
            try await withTestClient { client, _ in
                try await body(client.repository(try ImageReference(parsing: "\(server.authority)/app")), server)
            }
        }
    }

    @Test(arguments: [
        #"</v2/app/tags/list?n=2&last=LAST>; rel="next""#, #"<http://HOST/v2/app/tags/list?last=LAST>;rel=next"#,
        #"<list?last=LAST>; title="a, b; <c>"; REL="prev Next""#, #"</other>; rel=last, <list?last=LAST>; rel=next"#,
    ])
    func followsLinks(_ link: String) async throws {
        try await withPages({ link.replacing("LAST", with: $0).replacing("HOST", with: $1) }) { repository, server in
            let all = try await repository.tags(after: nil, limit: 100)
            #expect(all == (0..<7).map { "t\($0)" })
            #expect(server.requests.count == 4)
            let some = try await repository.tags(after: nil, limit: 3)
            #expect(some == ["t0", "t1", "t2"])
            #expect(server.requests.count == 6, "no more pages than are wanted")
        }
    }

    @Test(arguments: [
        (#"<http://elsewhere.example/v2/app/tags/list>; rel=next"#, "not at"),
        (#"<?n=100>; rel=next"#, "come to an end"),
        (#"<http://[>; rel=next"#, "not at"),
    ])
    func followsNoBadLink(_ link: String, _ reason: String) async throws {
        try await withPages({ _, _ in link }) { repository, server in
            let error = await #expect(throws: RegistryError.self) { try await repository.tags(after: nil, limit: 100) }
            #expect(error?.reason.contains(reason) == true, "\(error.map { "\($0)" } ?? "")")
            #expect(server.requests.count <= 2)
        }
    }

    @Test func leavesOutWhatIsNoTag() async throws {
        let handler: @Sendable (TestWebServer.Request) -> TestWebServer.Response = { _ in
            .init(.ok, [:], text: #"{"tags":["ok","../x","","a b"]}"#)
        }
        try await TestWebServer.run(handler) { server in
            try await withTestClient { client, _ in
                let repository = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                #expect(try await repository.tags(after: nil, limit: 10) == ["ok"])
            }
        }
    }

    // MARK: Deletions

    @Test func deletesFromARealRegistry() async throws {
        let image = try await SampleImage.make()
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("app"))
                let pushed = try await image.push(to: repository, as: .tag("1"))
                let layer = try #require(image.manifest.layers.first).digest
                #expect(try await repository.deleteBlob(layer) == .deleted)
                #expect(try await repository.blobSize(layer) == nil)
                #expect(try await repository.deleteBlob(layer) == .absent)
                // This registry deletes by digest only.
                #expect(try await repository.deleteTag("1") == .unsupported)
                #expect(try await repository.deleteManifest(pushed.digest) == .deleted)
                #expect(try await repository.deleteManifest(pushed.digest) == .absent)
                #expect(try await repository.tags(after: nil, limit: 10) == [])
            }
        }
    }

    @Test(arguments: [
        (HTTPResponseStatus.accepted, Deletion.deleted), (.ok, .deleted), (.noContent, .deleted), (.notFound, .absent),
        (.methodNotAllowed, .unsupported), (.badRequest, .unsupported),
    ])
    func saysWhatBecameOfADeletion(_ status: HTTPResponseStatus, _ outcome: Deletion) async throws {
        let handler: @Sendable (TestWebServer.Request) -> TestWebServer.Response = { request in
            guard request.method == .DELETE else { return .init(.notFound) }
            return .init(status, [:], text: #"{"errors":[{"code":"UNSUPPORTED"}]}"#)
        }
        try await TestWebServer.run(handler) { server in
            try await withTestClient { client, _ in
                let repository = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                #expect(try await repository.deleteTag("1") == outcome)
                #expect(try await repository.deleteBlob(.sha256(of: [1])) == outcome)
                #expect(try await repository.deleteManifest(.sha256(of: [1])) == outcome)
                await #expect(throws: RegistryError.self) { try await repository.deleteTag("../x") }
            }
        }
    }
}
