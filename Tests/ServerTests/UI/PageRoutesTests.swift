// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import NIOCore
import SandboxModels
import ServerPage
import Testing

@testable import Server

/// The files of the page. What it does with them is tried in a browser (Tests/Browser).
@Suite struct PageRoutesTests {
    @Test func everyFileIsThereForEverybody() async throws {
        try await APIClient.with(live: true, configure: { $0.apiKey = APIKey("k") }) { api async throws in
            for file in PageFile.all {
                let path = "/ui/\(file.name == "index.html" ? "" : file.name)"
                let response = try await api.call(.get, path)
                #expect(response.status == .ok && Array(response.body.readableBytesView) == file.bytes, "\(path)")
                #expect(response.headers[.contentType] == file.mediaType)
                #expect(!file.bytes.isEmpty)
                let tag = try #require(response.headers[.eTag])
                #expect(
                    try await api.call(.get, path, headers: [.ifNoneMatch: "\"x\", W/\(tag)"]).status == .notModified
                )
                #expect(try await api.call(.get, path, headers: [.ifNoneMatch: "\"x\""]).status == .ok)
                let head = try await api.call(.head, path)
                #expect(head.status == .ok && head.body.readableBytes == 0)
                #expect(head.headers[.contentLength] == "\(file.bytes.count)")
            }
        }
    }

    @Test func nothingIsLeftToBrowsersToDecide() async throws {
        try await APIClient.with { api async throws in
            let headers = try await api.call(.get, "/v1/ui/").headers
            let policy = try #require(HTTPField.Name("Content-Security-Policy").flatMap { headers[$0] })
            #expect(policy.hasPrefix("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe"))
            #expect(HTTPField.Name("X-Content-Type-Options").flatMap { headers[$0] } == "nosniff")
            #expect(headers[.cacheControl] == "no-cache")
            let html = String(decoding: try #require(PageFile.all.first).bytes, as: UTF8.self)
            #expect(!html.contains("://") && !html.contains("style=") && !html.contains("onclick"))
        }
    }

    @Test func whatIsNotThereIsNotThere() async throws {
        try await APIClient.with(configure: { $0.apiKey = APIKey("k") }) { api async throws in
            for path in ["/ui/nope", "/ui/../health", "/ui/%2e%2e/x", "/ui/page.js/x"] {
                #expect(try await api.call(.get, path).status == .notFound, "\(path)")
            }
            #expect(try await api.call(.post, "/ui/", "{}").status == .methodNotAllowed)
            #expect(try await api.call(.get, "/ui/api/changes").status == .unauthorized)
            let response = try await api.call(.get, "/ui")
            #expect(response.status == .permanentRedirect && response.headers[.location] == "ui/")
        }
    }

    @Test func aServerWithoutItHasNothingThere() async throws {
        let (configuration, warnings) = try ConfigurationTests.load("[ui]\nenabled = false")
        #expect(!configuration.servesPage && warnings.isEmpty)
        #expect(try ConfigurationTests.load("").configuration.servesPage)
        let api = SandboxAPI(tenants: Tenants([]), configuration: ServerConfiguration.HTTP(), servesPage: false)
        #expect(!api.routes.routes.contains { $0.path.hasPrefix("/ui") })
    }
}
