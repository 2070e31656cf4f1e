// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

@Suite struct ListSandboxesTests {
    struct Page: Decodable, Equatable {
        struct Pagination: Decodable, Equatable {
            var page: Int
            var pageSize: Int
            var totalItems: Int
            var totalPages: Int
            var hasNextPage: Bool
        }

        var items: [SandboxAnswer]
        var pagination: Pagination
    }

    /// Five sandboxes, `e` the newest.
    static func runtime() async -> InMemoryRuntime {
        let runtime = InMemoryRuntime()
        await runtime.put("a", .running, metadata: ["project": "A&B", "note": "x y"])
        await runtime.put("b", .paused, metadata: ["project": "A&B", "note": "x y"])
        await runtime.put("c", .failed, metadata: ["project": "A&B", "note": "other"])
        await runtime.put("d", .running, metadata: ["empty": ""])
        await runtime.put("e", .pausing)
        return runtime
    }

    @Test(arguments: [
        ("", "edcba"),
        ("?state=Running", "da"),
        ("?state=rUNNING&state=Paused", "dba"),
        ("?state=", ""),
        ("?state=Nonsense", ""),
        ("?metadata=project%3DA%2526B%26note%3Dx%2520y", "ba"),
        ("?metadata=project%3DA%2526B%26note%3Dx%2By", "ba"),
        ("?metadata=project%3DA%2526B&state=Failed", "c"),
        ("?metadata=project%3Da%2526b", ""),
        ("?metadata=empty%3D", "d"),
        ("?metadata=", "edcba"),
        ("?pageSize=2", "ed"),
        ("?pageSize=2&page=3", "a"),
        ("?pageSize=2&page=4", ""),
        ("?page=9223372036854775807&pageSize=200", ""),
        ("?page=1&page=2&pageSize=4", "a"),
        ("?unknown=1", "edcba"),
    ])
    func filtersAndPages(query: String, ids: String) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            for mount in ["", "/v1"] {
                let response = try await api.call(.get, mount + "/sandboxes" + query)
                #expect(response.status == .ok)
                #expect(try response.json(Page.self).items.map(\.id).joined() == ids)
            }
        }
    }

    @Test(arguments: [
        ("", Page.Pagination(page: 1, pageSize: 20, totalItems: 5, totalPages: 1, hasNextPage: false)),
        ("?pageSize=2", Page.Pagination(page: 1, pageSize: 2, totalItems: 5, totalPages: 3, hasNextPage: true)),
        ("?pageSize=2&page=3", Page.Pagination(page: 3, pageSize: 2, totalItems: 5, totalPages: 3, hasNextPage: false)),
        ("?pageSize=5", Page.Pagination(page: 1, pageSize: 5, totalItems: 5, totalPages: 1, hasNextPage: false)),
        ("?state=none", Page.Pagination(page: 1, pageSize: 20, totalItems: 0, totalPages: 0, hasNextPage: false)),
    ])
    func countsPages(query: String, pagination: Page.Pagination) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            #expect(try await api.call(.get, "/sandboxes" + query).json(Page.self).pagination == pagination)
        }
    }

    @Test(arguments: [
        ("?page=0", [IssueAnswer("greater_than_equal", "query.page")]),
        ("?page=x", [IssueAnswer("int_parsing", "query.page")]),
        ("?page=", [IssueAnswer("int_parsing", "query.page")]),
        (
            "?page=-1&pageSize=201",
            [IssueAnswer("greater_than_equal", "query.page"), IssueAnswer("less_than_equal", "query.pageSize")]
        ),
        ("?pageSize=0", [IssueAnswer("greater_than_equal", "query.pageSize")]),
    ])
    func refusesPagesThatCannotBe(query: String, issues: [IssueAnswer]) async throws {
        try await APIClient.with { api async throws in
            #expect(try await api.call(.get, "/v1/sandboxes" + query).issues() == issues)
        }
    }

    @Test(arguments: ["a", "a%3D1%26b", "a%3D1%26"]) func refusesMetadataThatIsNoPairs(metadata: String) async throws {
        try await APIClient.with { api async throws in
            let answer = try await api.call(.get, "/sandboxes?metadata=\(metadata)").error()
            #expect(answer == ErrorAnswer(400, "INVALID_METADATA_FORMAT"))
        }
    }
}
