// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

struct DockerConfigTests {
    static func basic(_ user: String, _ password: String) -> RegistryCredentials {
        .basic(username: user, password: password)
    }

    /// `anna:p:w`, a password with a colon.
    static let auth = Data("anna:p:w".utf8).base64EncodedString()

    @Test(arguments: [
        ("registry.example", "registry.example", "any"),
        ("registry.example:5000", "registry.example:5000", "any"),
        ("https://registry.example", "registry.example", "any"),
        ("https://registry.example/v2/", "registry.example", "any"),
        ("http://Registry.Example:5000/", "registry.example:5000", "any"),
        ("https://index.docker.io/v1/", "docker.io", "library/debian"),
        ("index.docker.io", "docker.io", "library/debian"),
        ("docker.io", "docker.io", "library/debian"),
        ("registry-1.docker.io", "docker.io", "library/debian"),
        ("registry.example/team", "registry.example", "team/app"),
    ])
    func findsAKey(_ key: String, _ domain: String, _ repository: String) throws {
        let config = try DockerConfig(parsing: Array(#"{"auths":{"\#(key)":{"auth":"\#(Self.auth)"}}}"#.utf8))
        #expect(config.credentials(domain: domain, repository: repository) == Self.basic("anna", "p:w"))
        #expect(config.credentials(domain: "other.example", repository: repository) == nil)
        #expect(config.credentials(domain: domain + ".evil", repository: repository) == nil)
    }

    @Test func prefersTheLongestPath() throws {
        let text = """
            {"auths":{"r.example":{"username":"all","password":"1"},"r.example/team":{"username":"team","password":"2"}}}
            """
        let config = try DockerConfig(parsing: Array(text.utf8))
        #expect(config.credentials(domain: "r.example", repository: "team/app") == Self.basic("team", "2"))
        #expect(config.credentials(domain: "r.example", repository: "teams/app") == Self.basic("all", "1"))
    }

    @Test(arguments: [
        (#"{"identitytoken":"t","auth":"YTpi"}"#, RegistryCredentials.identityToken("t")),
        (#"{"registrytoken":"t"}"#, .registryToken("t")),
        (#"{"username":"u","password":"p"}"#, .basic(username: "u", password: "p")),
        (#"{"auth":"YTpi"}"#, .basic(username: "a", password: "b")),
        (#"{"auth":"YTpiAAA="}"#, .basic(username: "a", password: "b")),
        (#"{"auth":"","username":"u"}"#, .basic(username: "u", password: "")),
    ])
    func readsEachForm(_ entry: String, _ expected: RegistryCredentials) throws {
        let config = try DockerConfig(parsing: Array(#"{"auths":{"r.example":\#(entry)}}"#.utf8))
        #expect(config.credentials(domain: "r.example", repository: "a") == expected)
    }

    @Test(arguments: ["{}", #"{"auths":{}}"#, #"{"auths":{"r.example":{}}}"#, #"{"credsStore":"x","auths":null}"#])
    func hasNothingWhereNothingIs(_ text: String) throws {
        let config = try DockerConfig(parsing: Array(text.utf8))
        #expect(config.credentials(domain: "r.example", repository: "a") == nil)
    }

    @Test func readsTheOldForm() throws {
        let config = try DockerConfig(parsing: Array(#"{"https://r.example/v1/":{"auth":"YTpi","email":"x"}}"#.utf8))
        #expect(config.credentials(domain: "r.example", repository: "a") == Self.basic("a", "b"))
    }

    @Test(arguments: [
        "", "[]", "null", #"{"auths":[]}"#, #"{"auths":{"r.example":{"auth":"c2VjcmV0"}}}"#,
        #"{"auths":{"r.example":{"auth":"%%%"}}}"#, #"{"auths":{"r.example":"c2VjcmV0"}}"#,
    ])
    func refusesWhatIsNotOne(_ text: String) {
        let error = #expect(throws: RegistryError.self) { try DockerConfig(parsing: Array(text.utf8)) }
        #expect(error?.kind == .malformedDocument)
        let said = error.map { "\($0)" } ?? ""
        #expect(!said.contains("c2VjcmV0") && !said.contains("secret"), "no secret in \(said)")
    }

    @Test func asksTheNextProvider() async throws {
        let first = CredentialsProvider.fixed(.registryToken("1"), for: "a.example")
        let both = first.or(.fixed(.registryToken("2"), for: "b.example"))
        #expect(try await both.credentials(domain: "a.example", repository: "x") == .registryToken("1"))
        #expect(try await both.credentials(domain: "b.example", repository: "x") == .registryToken("2"))
        #expect(try await both.credentials(domain: "c.example", repository: "x") == nil)
    }

    @Test func readsTheFileAnewEachTime() async throws {
        try await withTemporaryFolder { folder in
            let provider = CredentialsProvider.docker(environment: ["DOCKER_CONFIG": folder])
            #expect(try await provider.credentials(domain: "r.example", repository: "a") == nil)
            try #"{"auths":{"r.example":{"auth":"YTpi"}}}"#
                .write(toFile: "\(folder)/config.json", atomically: true, encoding: .utf8)
            #expect(try await provider.credentials(domain: "r.example", repository: "a") == Self.basic("a", "b"))
        }
    }

    @Test func neverPrintsASecret() {
        let secrets: [RegistryCredentials] = [Self.basic("u", "hush"), .identityToken("hush"), .registryToken("hush")]
        for secret in secrets {
            #expect(!"\(secret)".contains("hush"))
            #expect(!String(reflecting: secret).contains("hush"))
        }
    }
}
