// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

@Suite struct AuthenticationTests {
    static func headers(_ key: String) -> HTTPFields { [.apiKey: key] }

    @Test(arguments: ["/sandboxes", "/v1/sandboxes", "/v1/sandboxes/s1", "/nope", "/health/x", "/healthy"])
    func aKeyIsAskedFor(path: String) async throws {
        try await APIClient.with(configure: { $0.apiKey = APIKey("secret") }) { api async throws in
            #expect(try await api.call(.get, path).error() == ErrorAnswer(401, "MISSING_API_KEY"))
            let empty = try await api.call(.get, path, headers: Self.headers("")).error()
            #expect(empty == ErrorAnswer(401, "MISSING_API_KEY"))
            for wrong in ["Secret", "secre", "secrets", "secret ,secret"] {
                let answer = try await api.call(.get, path, headers: Self.headers(wrong)).error()
                #expect(answer == ErrorAnswer(401, "INVALID_API_KEY"), "\(wrong)")
            }
            let right = try await api.call(.get, path, headers: Self.headers("secret"))
            #expect(right.status.code != 401)
        }
    }

    @Test(arguments: ["/health", "/v1/health", "/version", "/v1/version"])
    func probesNeedNoKey(path: String) async throws {
        try await APIClient.with(configure: { $0.apiKey = APIKey("secret") }) { api async throws in
            #expect(try await api.call(.get, path).status == .ok)
        }
    }

    @Test func withoutAKeyEverybodyIsLetIn() async throws {
        try await APIClient.with { api async throws in
            #expect(try await api.call(.get, "/sandboxes").status == .ok)
            #expect(try await api.call(.get, "/sandboxes", headers: Self.headers("whatever")).status == .ok)
        }
    }

    @Test func aBlankKeyIsNoKey() {
        #expect(APIKey("") == nil)
        #expect(APIKey(" \t") == nil)
        #expect(APIKey("x") != nil)
    }

    @Test func aKeyDoesNotPrintItself() throws {
        let key = try #require(APIKey("hunter2"))
        #expect(!"\(key) \(String(reflecting: key))".contains("hunter2"))
        var dumped = ""
        dump(key, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }
}
