// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

@Suite struct DiagnosticsRoutesTests {
    struct Content: Decodable, Equatable {
        var sandboxId: String
        var kind: String
        var scope: String
        var delivery: String
        var contentType: String
        var content: String
        var contentLength: Int
        var truncated: Bool
        var warnings: [String]?
    }

    /// A sandbox that printed three lines a minute ago, and one of which nothing runs.
    static func runtime() async -> InMemoryRuntime {
        let runtime = InMemoryRuntime()
        await runtime.put("up", .running)
        let minuteAgo = InMemoryRuntime.start.addingTimeInterval(-60)
        await runtime.print(SandboxLog(text: "one\ntwo\nthr\u{e9}e\n", lastWrittenAt: minuteAgo), in: "up")
        await runtime.put("paused", .paused)
        return runtime
    }

    @Test(arguments: ["", "/v1"]) func describesTheLog(mount: String) async throws {
        let runtime = await Self.runtime()
        try await APIClient.with(runtime) { api async throws in
            for scope in ["container", "all"] {
                let answer = try await api.call(.get, mount + "/sandboxes/up/diagnostics/logs?scope=\(scope)")
                #expect(answer.status == .ok)
                let content = try answer.json(Content.self)
                let expected = Content(
                    sandboxId: "up",
                    kind: "logs",
                    scope: scope,
                    delivery: "inline",
                    contentType: "text/plain; charset=utf-8",
                    content: "one\ntwo\nthr\u{e9}e\n",
                    contentLength: 15,
                    truncated: false,
                    warnings: nil
                )
                #expect(content == expected)
            }
        }
    }

    @Test func saysWhatIsMissing() async throws {
        let runtime = await Self.runtime()
        await runtime.print(
            SandboxLog(text: "end\n", isTruncated: true, lastWrittenAt: InMemoryRuntime.start),
            in: "up"
        )
        try await APIClient.with(runtime) { api async throws in
            let cut = try await api.call(.get, "/sandboxes/up/diagnostics/logs?scope=all").json(Content.self)
            #expect(cut.truncated)
            let none = try await api.call(.get, "/sandboxes/paused/diagnostics/logs?scope=all").json(Content.self)
            #expect(none.content.isEmpty && none.contentLength == 0 && none.warnings?.count == 1)
            let other = try await api.call(.get, "/sandboxes/up/diagnostics/logs?scope=lifecycle").json(Content.self)
            #expect(other.content.isEmpty && !other.truncated && other.warnings?.count == 1)
        }
    }

    @Test(arguments: [
        ("", "one\ntwo\nthr\u{e9}e\n"), ("?tail=2", "two\nthr\u{e9}e\n"), ("?tail=1", "thr\u{e9}e\n"),
        ("?tail=10000", "one\ntwo\nthr\u{e9}e\n"), ("?since=2m&tail=1", "thr\u{e9}e\n"), ("?since=59s", ""),
        ("?since=1h", "one\ntwo\nthr\u{e9}e\n"),
    ])
    func theOlderFormIsPlainText(query: String, text: String) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            let answer = try await api.call(.get, "/v1/sandboxes/up/diagnostics/logs\(query)")
            #expect(answer.status == .ok)
            #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
            #expect(answer.headers[.deprecation] == "true")
            #expect(answer.text == text)
        }
    }

    @Test func refuses() async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            for query in ["?scope=secrets", "?scope=", "?since=yesterday", "?since=5", "?since=-5m"] {
                let answer = try await api.call(.get, "/v1/sandboxes/up/diagnostics/logs" + query)
                #expect(try answer.error() == ErrorAnswer(400, "SANDBOX::INVALID_PARAMETER"), "\(query)")
            }
            for query in ["", "?scope=all"] {
                let answer = try await api.call(.get, "/v1/sandboxes/nope/diagnostics/logs" + query)
                #expect(try answer.error() == ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND"))
            }
            for (tail, kind) in [("0", "greater_than_equal"), ("10001", "less_than_equal"), ("x", "int_parsing")] {
                let answer = try await api.call(.get, "/v1/sandboxes/up/diagnostics/logs?tail=\(tail)")
                #expect(try answer.issues() == [IssueAnswer(kind, "query.tail")])
            }
        }
    }
}
