// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

@Suite struct RenewExpirationTests {
    /// The API's clock stands at 2026-01-01T00:00:00.250Z.
    static func runtime() async -> InMemoryRuntime {
        let runtime = InMemoryRuntime()
        await runtime.put("limited", .paused)
        await runtime.limit("limited", until: InMemoryRuntime.start.addingTimeInterval(600))
        await runtime.put("endless", .running)
        return runtime
    }

    @Test(arguments: ["", "/v1"]) func movesTheExpiry(mount: String) async throws {
        let runtime = await Self.runtime()
        try await APIClient.with(runtime) { api async throws in
            // Byte for byte as the official SDK sends it.
            let body = #"{"expiresAt":"2026-01-01T00:40:42.936841+00:00"}"#
            let answer = try await api.call(.post, mount + "/sandboxes/limited/renew-expiration", body)
            #expect(answer.status == .ok)
            #expect(answer.text == #"{"expiresAt":"2026-01-01T00:40:42.936Z"}"# || answer.text.contains("42.937Z"))
            let found = try await api.call(.get, mount + "/sandboxes/limited").json(SandboxAnswer.self)
            #expect(found.expiresAt?.hasPrefix("2026-01-01T00:40:42.93") == true)
        }
    }

    @Test(arguments: [
        ("limited", "2026-01-01T00:00:00.250Z", 400, "DOCKER::INVALID_EXPIRATION"),
        ("limited", "2020-01-01T00:00:00Z", 400, "DOCKER::INVALID_EXPIRATION"),
        // Half an hour in the past, written with an offset that makes it look like the future.
        ("limited", "2026-01-01T01:30:00+02:00", 400, "DOCKER::INVALID_EXPIRATION"),
        ("limited", "9999-12-31T23:59:60Z", 400, "DOCKER::INVALID_EXPIRATION"),
        ("endless", "2026-02-01T00:00:00Z", 409, "DOCKER::INVALID_EXPIRATION"),
        ("nope", "2026-02-01T00:00:00Z", 404, "KUBERNETES::SANDBOX_NOT_FOUND"),
    ])
    func refuses(id: String, date: String, status: Int, code: String) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            let answer = try await api.call(.post, "/v1/sandboxes/\(id)/renew-expiration", #"{"expiresAt":"\#(date)"}"#)
            #expect(try answer.error() == ErrorAnswer(status, code))
        }
    }

    @Test(arguments: [
        (#"{}"#, IssueAnswer("missing", "body.expiresAt")),
        (#"{"expiresAt":null}"#, IssueAnswer("datetime_type", "body.expiresAt")),
        (#"{"expiresAt":true}"#, IssueAnswer("datetime_type", "body.expiresAt")),
        (#"{"expiresAt":"tomorrow"}"#, IssueAnswer("datetime_parsing", "body.expiresAt")),
    ])
    func tellsWhatIsMistyped(body: String, issue: IssueAnswer) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            let answer = try await api.call(.post, "/v1/sandboxes/limited/renew-expiration", body)
            #expect(try answer.issues() == [issue])
        }
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-01-01T00:00:00.25Z", 1_767_225_600.25),
        ("2026-01-01T02:00:00+02:00", 1_767_225_600), ("2025-12-31T22:30:00-01:30", 1_767_225_600),
        ("2026-01-01t00:00:00z", 1_767_225_600), ("2026-01-01 00:00:00", 1_767_225_600),
        ("2024-02-29T00:00:00Z", 1_709_164_800), ("2000-02-29T12:00:00Z", 951_825_600),
        ("2016-12-31T23:59:60Z", 1_483_228_800), ("1969-12-31T23:59:59.5Z", -0.5),
        ("0000-01-01T00:00:00Z", -62_167_219_200), ("9999-12-31T23:59:59Z", 253_402_300_799),
    ])
    func readsDates(text: String, seconds: Double) {
        #expect(Date(rfc3339: text)?.timeIntervalSince1970 == seconds)
    }

    @Test(arguments: [
        "", "2026-01-01", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+2", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00ZZ", "26-01-01T00:00:00Z", "２026-01-01T00:00:00Z", "+026-01-01T00:00:00Z",
    ])
    func refusesWhatIsNoDate(text: String) {
        #expect(Date(rfc3339: text) == nil)
    }
}
