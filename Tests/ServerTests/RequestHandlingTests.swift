// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Synchronization
import Testing

@testable import Server

@Suite struct RequestIDTests {
    @Test func theClientsNameIsRepeated() async throws {
        try await APIClient.with { api async throws in
            for path in ["/health", "/sandboxes", "/sandboxes/nope", "/nope"] {
                let response = try await api.call(.get, path, headers: [.requestID: "  my request 1 "])
                #expect(response.headers[values: .requestID] == ["my request 1"], "\(path)")
            }
        }
    }

    @Test func aRequestWithoutANameGetsOne() async throws {
        try await APIClient.with(configure: { $0.apiKey = APIKey("k") }) { api async throws in
            var names: Set<String> = []
            for headers in [
                [:], [.requestID: " "], [.requestID: "ä"], [.requestID: String(repeating: "x", count: 129)],
            ]
                as [HTTPFields]
            {
                let response = try await api.call(.get, "/sandboxes", headers: headers)
                #expect(response.status == .unauthorized)
                let name = try #require(response.headers[.requestID])
                #expect(name.count == 32 && name.allSatisfy { $0.isHexDigit && !$0.isUppercase })
                names.insert(name)
            }
            #expect(names.count == 4)
        }
    }
}

@Suite struct CORSTests {
    @Test func aPreflightNeedsNoKey() async throws {
        try await APIClient.with(configure: { $0.apiKey = APIKey("k") }) { api async throws in
            let response = try await api.call(
                .options,
                "/v1/sandboxes",
                headers: [
                    .origin: "https://page.example", .accessControlRequestMethod: "DELETE",
                    .accessControlRequestHeaders: "open-sandbox-api-key, x-other",
                ]
            )
            #expect(response.status == .ok)
            #expect(response.headers[.accessControlAllowOrigin] == "https://page.example")
            #expect(response.headers[.accessControlAllowCredentials] == "true")
            #expect(response.headers[.accessControlAllowHeaders] == "open-sandbox-api-key, x-other")
            #expect(response.headers[.accessControlAllowMethods]?.contains("DELETE") == true)
            #expect(response.headers[.vary] == "Origin")
        }
    }

    @Test func errorsCanBeReadByPagesToo() async throws {
        try await APIClient.with(configure: { $0.apiKey = APIKey("k") }) { api async throws in
            for path in ["/sandboxes", "/nope", "/health"] {
                let response = try await api.call(.get, path, headers: [.origin: "https://page.example"])
                #expect(response.headers[.accessControlAllowOrigin] == "https://page.example")
            }
            let plain = try await api.call(.get, "/sandboxes")
            #expect(plain.headers[.accessControlAllowOrigin] == nil)
        }
    }
}

@Suite struct ErrorAnswerTests {
    struct Unforeseen: Error, CustomStringConvertible {
        var description: String { "the password is hunter2" }
    }

    @Test func anUnforeseenErrorTellsNothing() async throws {
        try await APIClient.with(InMemoryRuntime { throw Unforeseen() }) { api async throws in
            let response = try await api.call(.post, "/sandboxes", SandboxRoutesTests.minimalBody)
            #expect(try response.error() == ErrorAnswer(500, "GENERAL::UNKNOWN_ERROR"))
            #expect(!response.text.contains("hunter2"))
            #expect(response.headers[.requestID] != nil)
        }
    }

    private struct Cause: Error, CustomStringConvertible {
        var description: String { "the registry is away" }
    }

    @Test(arguments: [
        (SandboxError.Code.notFound, ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND")),
        (.invalidState, ErrorAnswer(409, "KUBERNETES::INVALID_STATE")),
        (.neverExpires, ErrorAnswer(409, "DOCKER::INVALID_EXPIRATION")),
        (.invalidParameter, ErrorAnswer(400, "SANDBOX::INVALID_PARAMETER")),
        (.imageUnavailable, ErrorAnswer(500, "KUBERNETES::POD_FAILED")),
        (.addressUnavailable, ErrorAnswer(404, "KUBERNETES::POD_IP_NOT_AVAILABLE")),
        (.startFailed, ErrorAnswer(500, "KUBERNETES::POD_FAILED")),
        (.unsupported, ErrorAnswer(400, "SANDBOX::API_NOT_SUPPORTED")),
        (.runtimeUnavailable, ErrorAnswer(500, "KUBERNETES::API_ERROR")),
    ])
    func aRuntimesErrorsHaveCodes(code: SandboxError.Code, answer: ErrorAnswer) async throws {
        // Who asked is told what it came from only if that is said to be fit for it.
        for (tellsCause, message) in [(true, "What happened. (the registry is away)"), (false, "What happened.\"")] {
            let error = SandboxError(code, "What happened.", cause: Cause(), tellsCause: tellsCause)
            try await APIClient.with(InMemoryRuntime { throw error }) { api async throws in
                let response = try await api.call(.post, "/v1/sandboxes", SandboxRoutesTests.minimalBody)
                #expect(try response.error() == answer)
                #expect(response.text.contains(message))
            }
        }
    }
}

@Suite struct ConcurrencyLimitTests {
    @Test func tooManyRequestsAtOnceAreRefused() async throws {
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let runtime = InMemoryRuntime {
            enter.yield()
            for await _ in released { break }
        }
        try await APIClient.with(runtime, configure: { $0.concurrencyLimit = 1 }) { api async throws in
            async let slow = api.call(.post, "/sandboxes", SandboxRoutesTests.minimalBody)
            for await _ in entered { break }
            let refused = try await api.call(.get, "/sandboxes")
            #expect(try refused.error() == ErrorAnswer(503, "GENERAL::UNKNOWN_ERROR"))
            #expect(refused.headers[.retryAfter] == "1")
            #expect(try await api.call(.get, "/health").status == .ok)
            release.yield()
            #expect(try await slow.status == .accepted)
            #expect(try await api.call(.get, "/sandboxes").status == .ok)
        }
    }
}
