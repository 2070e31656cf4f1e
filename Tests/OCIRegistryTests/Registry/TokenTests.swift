// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1
import OCIRegistry
import Synchronization
import TestSupport
import Testing

/// Against a docker-registry that wants tokens, and verifies them.
struct TokenTests {
    static let anna = RegistryCredentials.basic(username: "anna", password: "right")

    private func withTokens(
        credentials: @escaping @Sendable (String) -> CredentialsProvider,
        _ body: (DockerRegistry, RegistryClient, TestWebServer) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let (tokens, certificates) = try await TokenService.make(in: folder)
            try await TestWebServer.run({ try tokens.answer($0) }) { server in
                let access = DockerRegistry.Access.token(
                    realm: "http://\(server.authority)/token",
                    service: TokenService.service,
                    issuer: TokenService.issuer,
                    certificates: certificates
                )
                try await DockerRegistry.run(access) { registry in
                    try await withTestClient(credentials: credentials(registry.authority)) { client, _ in
                        try await body(registry, client, server)
                    }
                }
            }
        }
    }

    @Test(arguments: [anna, .identityToken("long-lived")])
    func pushesAndPullsWithFewTokens(_ login: RegistryCredentials) async throws {
        let image = try await SampleImage.make()
        try await withTokens(credentials: { .fixed(login, for: $0) }) { registry, client, server in
            let repository = client.repository(try registry.reference("team/app"))
            let pushed = try await image.push(to: repository, as: .tag("1"))
            #expect(try await repository.resolve(.tag("1")) == pushed)
            for blob in image.blobs {
                #expect(try await collect(try await repository.blob(blob.descriptor)) == blob.bytes)
            }
            #expect(server.requests.count == 2, "one token to pull, one to push")
        }
    }

    @Test func mountsAcrossRepositories() async throws {
        let image = try await SampleImage.make()
        try await withTokens(credentials: { .fixed(Self.anna, for: $0) }) { registry, client, server in
            let source = client.repository(try registry.reference("a/source"))
            let target = client.repository(try registry.reference("b/target"))
            try await image.push(to: source, as: .tag("1"))
            #expect(try await target.mountBlob(image.manifest.layers[0].digest, from: "a/source"))
            let last = server.requests.last?.target ?? ""
            #expect(last.contains("scope=repository:a/source:pull&scope=repository:b/target:pull,push"), "\(last)")
        }
    }

    @Test func sharesOneFetch() async throws {
        try await withTokens(credentials: { .fixed(Self.anna, for: $0) }) { registry, client, server in
            let repository = client.repository(try registry.reference("team/app"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<24 {
                    group.addTask {
                        let found = try await repository.resolve(.tag("t\(number)"))
                        #expect(found == nil)
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test func pullsWithoutALoginWhatIsPublic() async throws {
        try await withTokens(credentials: { _ in .anonymous }) { registry, client, _ in
            let open = client.repository(try registry.reference("public"))
            #expect(try await open.resolve(.tag("1")) == nil)
            for name in ["public", "private"] {
                let error = await #expect(throws: RegistryError.self) {
                    try await client.repository(try registry.reference(name)).startUpload()
                }
                #expect(error?.isUnauthorized == true, "\(error.map { "\($0)" } ?? "")")
            }
        }
    }

    @Test(arguments: [RegistryCredentials.basic(username: "anna", password: "hush"), .identityToken("hush")])
    func saysThatTheTokenServiceRefused(_ login: RegistryCredentials) async throws {
        try await withTokens(credentials: { .fixed(login, for: $0) }) { registry, client, server in
            let repository = client.repository(try registry.reference("team/app"))
            let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
            #expect(error?.isUnauthorized == true)
            let said = "\(try #require(error))"
            #expect(said.contains("token service http://\(server.authority)/token refused"), "\(said)")
            #expect(!said.contains("hush"))
        }
    }

    /// A registry that stops believing a token before its time is asked once more with a new one, and only once.
    @Test func replacesARefusedTokenOnce() async throws {
        let good = Mutex("token-1")
        let issued = Mutex(0)
        try await TestWebServer.run({ request in
            if request.target.hasPrefix("/token") {
                let number = issued.withLock {
                    $0 += 1
                    return $0
                }
                return .init(.ok, text: #"{"access_token":"token-\#(number)"}"#)
            }
            let host = request.headers.first(name: "Host") ?? ""
            guard request.headers.first(name: "Authorization") == "Bearer \(good.withLock { $0 })" else {
                return .init(.unauthorized, ["WWW-Authenticate": "Bearer realm=\"http://\(host)/token\",service=x"])
            }
            return .init(.notFound)
        }) { server in
            try await withTestClient { client, _ in
                let repository = client.repository(try ImageReference(parsing: "\(server.authority)/a"))
                #expect(try await repository.resolve(.tag("1")) == nil)
                #expect(issued.withLock { $0 } == 1)
                good.withLock { $0 = "token-2" }
                #expect(try await repository.resolve(.tag("1")) == nil)
                #expect(issued.withLock { $0 } == 2)
                good.withLock { $0 = "never" }
                let error = await #expect(throws: RegistryError.self) { try await repository.resolve(.tag("1")) }
                #expect(error?.isUnauthorized == true)
                #expect(issued.withLock { $0 } == 3)
            }
        }
    }

    /// A realm without TLS on another machine would get the password in clear.
    @Test func doesNotTakeItsLoginToAnInsecureTokenService() async throws {
        try await TestWebServer.run({ _ in
            .init(.unauthorized, ["WWW-Authenticate": "Bearer realm=\"http://tokens.example/\""])
        }) { server in
            try await withTestClient(credentials: .fixed(Self.anna, for: server.authority)) { client, _ in
                let repository = client.repository(try ImageReference(parsing: "\(server.authority)/a"))
                let error = await #expect(throws: RegistryError.self) { try await repository.resolve(.tag("1")) }
                #expect("\(try #require(error))".contains("tokens.example without TLS"))
            }
        }
    }
}
