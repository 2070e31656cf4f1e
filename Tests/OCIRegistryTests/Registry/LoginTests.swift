// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

/// Against a docker-registry that wants a user and a password.
struct LoginTests {
    @Test func logsIn() async throws {
        let image = try await SampleImage.make()
        try await DockerRegistry.run(.login(username: "anna", password: "p:w")) { registry in
            let login = RegistryCredentials.basic(username: "anna", password: "p:w")
            try await withTestClient(credentials: .fixed(login, for: registry.authority)) { client, _ in
                let repository = client.repository(try registry.reference("app"))
                let pushed = try await image.push(to: repository, as: .tag("1"))
                #expect(try await repository.resolve(.tag("1")) == pushed)
            }
        }
    }

    @Test func saysWhatIsWrongWithTheLogin() async throws {
        try await DockerRegistry.run(.login(username: "anna", password: "right")) { registry in
            let wrong = RegistryCredentials.basic(username: "anna", password: "hush")
            for credentials in [CredentialsProvider.fixed(wrong, for: registry.authority), .anonymous] {
                try await withTestClient(credentials: credentials) { client, pauses in
                    let repository = client.repository(try registry.reference("app"))
                    for _ in 0..<2 {
                        let error = await #expect(throws: RegistryError.self) {
                            try await repository.manifest(.tag("1"))
                        }
                        #expect(error?.isUnauthorized == true)
                        #expect(error?.status == 401)
                        #expect(!"\(try #require(error))".contains("hush"))
                    }
                    #expect(pauses.all.isEmpty, "asking again would not help")
                }
            }
        }
    }

    @Test func seesANewPassword() async throws {
        try await DockerRegistry.run(.login(username: "anna", password: "right")) { registry in
            try await withTemporaryFolder { folder in
                let path = "\(folder)/config.json"
                func write(_ password: String) throws {
                    try """
                    {"auths":{"http://\(registry.authority)/v2/":{"username":"anna","password":"\(password)"}}}
                    """.write(toFile: path, atomically: true, encoding: .utf8)
                }
                try write("old")
                try await withTestClient(credentials: .dockerConfig(path: path, environment: [:])) { client, _ in
                    let repository = client.repository(try registry.reference("app"))
                    await #expect(throws: RegistryError.self) { try await repository.resolve(.tag("1")) }
                    try write("right")
                    #expect(try await repository.resolve(.tag("1")) == nil)
                }
            }
        }
    }
}
