// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import OCIRegistry

/// Files with logins: what is found in one is found in one that is written from it, and no secret gets into an error.
struct DockerConfigFuzzTests {
    private static let hosts = [
        "r.example", "r.example:5000", "https://r.example/v1/", "https://index.docker.io/v1/", "r.example/team",
        "[::1]:5000",
    ]

    private let fuzzer = Fuzzer(
        seed: 8,
        examples: [
            #"{"auths":{"r.example":{"auth":"YTpodXNo"},"https://index.docker.io/v1/":{"identitytoken":"hush"}}}"#,
            #"{"credsStore":"x","credHelpers":{"r.example":"y"},"auths":{"r.example/team":{"username":"u","password":"hush"}}}"#,
            #"{"https://r.example/v1/":{"auth":"YTpodXNo","email":"x"}}"#,
        ],
        words: [
            "{", "}", "\"", ":", ",", "null", "\"auth\":", "\"auths\":{", "YTpodXNo", "hush", "=", "\\u0000", "://",
            "/v2", "é",
            "\"credHelpers\":{", "\"identitytoken\":", "[", "]",
        ],
        generate: { generator in
            func login(_ generator: inout SeededGenerator) -> String {
                generator.one([
                    #"{"auth":"YTpodXNo"}"#, #"{"username":"u","password":"hush"}"#, #"{"identitytoken":"hush"}"#, "{}",
                    #"{"registrytoken":"hush"}"#,
                ])
            }
            let entries = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                "\"\(generator.one(hosts))\":\(login(&generator))"
            }
            let helpers = (0..<Int.random(in: 0...2, using: &generator)).map { _ in
                "\"\(generator.one(hosts))\":\"\(generator.one(["a", "b", ""]))\""
            }
            return "{\"auths\":{\(entries.joined(separator: ","))},\"credHelpers\":{\(helpers.joined(separator: ","))}}"
        }
    )

    private struct Written: Encodable {
        struct Entry: Encodable {
            var username: String?
            var password: String?
            var identitytoken: String?
            var registrytoken: String?
        }
        var auths: [String: Entry] = [:]
        var credHelpers: [String: String] = [:]
    }

    private static let places = [
        ("r.example", "team/app"), ("r.example", "other"), ("r.example:5000", "a"), ("docker.io", "library/a"),
        ("[::1]:5000", "a"),
    ]

    private func check(_ text: String) throws {
        let config: DockerConfig
        do {
            config = try DockerConfig(parsing: Array(text.utf8))
        } catch {
            try #require(error.kind == .malformedDocument, "\(text.prefix(300))")
            // The message may name a registry, and chance may have made a secret a part of that name.
            let isInAName = text.contains(/"[^"]*hush[^"]*"\s*:/)
            try #require(isInAName || !"\(error)".contains("hush"), "\(text.prefix(300))")
            return
        }
        for (domain, repository) in Self.places {
            var written = Written()
            let login = config.credentials(domain: domain, repository: repository)
            switch login {
            case .basic(let username, let password):
                // An empty user means none in this form.
                guard !username.isEmpty else { continue }
                written.auths[domain] = .init(username: username, password: password)
            case .identityToken(let token): written.auths[domain] = .init(identitytoken: token)
            case .registryToken(let token): written.auths[domain] = .init(registrytoken: token)
            case nil: break
            }
            let helper = config.helper(domain: domain, repository: repository)
            written.credHelpers[domain] = helper
            let again = try DockerConfig(parsing: try ImageDocument.encode(written))
            try #require(again.credentials(domain: domain, repository: repository) == login, "\(text.prefix(300))")
            try #require(again.helper(domain: domain, repository: repository) == helper, "\(text.prefix(300))")
        }
    }

    @Test func findsWhatIsThere() throws { try fuzzer.run(check) }
    @Test func comesToAnEnd() throws { try fuzzer.runLong(check) }
}
