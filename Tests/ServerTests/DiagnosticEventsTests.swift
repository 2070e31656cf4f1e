// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

@Suite struct DiagnosticEventsTests {
    /// A sandbox to which three things have happened.
    static func runtime() async -> InMemoryRuntime {
        let runtime = InMemoryRuntime()
        await runtime.put("up", .running, metadata: ["team": "blue"], reason: "X", message: "two\nlines")
        let later = InMemoryRuntime.start.addingTimeInterval(5)
        await runtime.happen(SandboxEvent(at: later, "Pausing", "It is being captured."), to: "up")
        await runtime.happen(SandboxEvent(at: later, "PauseFailed", "No\nregistry.", kind: .warning), to: "up")
        await runtime.print(SandboxLog(text: "a\nb\nc\n", lastWrittenAt: later), in: "up")
        return runtime
    }

    private static let lines = """
        [2026-01-01T00:00:00.250Z] Normal   Created              The sandbox was asked for.
        [2026-01-01T00:00:05.250Z] Normal   Pausing              It is being captured.
        [2026-01-01T00:00:05.250Z] Warning  PauseFailed          No registry.

        """

    @Test(arguments: ["runtime", "LIFECYCLE", "all"]) func describesThem(scope: String) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            for mount in ["", "/v1"] {
                let answer = try await api.call(.get, "\(mount)/sandboxes/up/diagnostics/events?scope=\(scope)")
                #expect(answer.status == .ok)
                let content = try answer.json(DiagnosticsRoutesTests.Content.self)
                let expected = DiagnosticsRoutesTests.Content(
                    sandboxId: "up",
                    kind: "events",
                    scope: scope.lowercased(),
                    delivery: "inline",
                    contentType: "text/plain; charset=utf-8",
                    content: Self.lines,
                    contentLength: Self.lines.utf8.count,
                    truncated: false,
                    warnings: nil
                )
                #expect(content == expected)
            }
        }
    }

    @Test(arguments: [("", 3), ("?limit=2", 2), ("?limit=500", 3)])
    func theOlderFormIsPlainText(query: String, count: Int) async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            let answer = try await api.call(.get, "/v1/sandboxes/up/diagnostics/events\(query)")
            #expect(answer.status == .ok && answer.headers[.deprecation] == "true")
            #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
            let all = Self.lines.split(separator: "\n")
            #expect(answer.text.split(separator: "\n") == all.suffix(count))
        }
    }

    @Test func inspectionAndSummary() async throws {
        let runtime = await Self.runtime()
        let spec = SandboxSpec(
            image: "busybox:1.36",
            entrypoint: ["sh"],
            environment: ["API_TOKEN": "hunter2"],
            resourceLimits: ["cpu": "1"],
            volumes: [SandboxVolume(name: "v", source: .host(path: "/d"), mountPath: "/m", isReadOnly: true)]
        )
        let id = try await runtime.create(spec, credentials: nil, expiresAt: nil).id
        try await APIClient.with(runtime) { api async throws in
            let inspection = try await api.call(.get, "/v1/sandboxes/\(id)/diagnostics/inspect")
            #expect(inspection.status == .ok)
            #expect(inspection.headers[.contentType] == "text/plain; charset=utf-8")
            for part in [id, "Running", "busybox:1.36", "cpu: 1", "v: /d at /m, read-only", "API_TOKEN"] {
                #expect(inspection.text.contains(part), "\(part)")
            }
            #expect(!inspection.text.contains("hunter2"))
            let summary = try await api.call(.get, "/v1/sandboxes/up/diagnostics/summary?tail=2&event_limit=1")
            #expect(summary.status == .ok)
            #expect(summary.text.contains("Message:        two lines\n"))
            #expect(summary.text.contains("PauseFailed") && !summary.text.contains("Created  "))
            #expect(summary.text.hasSuffix("=== Logs ===\nb\nc\n"))
        }
    }

    @Test func refuses() async throws {
        try await APIClient.with(await Self.runtime()) { api async throws in
            for scope in ["secrets", "", "container"] {
                let answer = try await api.call(.get, "/v1/sandboxes/up/diagnostics/events?scope=\(scope)")
                #expect(try answer.error() == ErrorAnswer(400, "SANDBOX::INVALID_PARAMETER"))
            }
            for path in ["events", "events?scope=all", "inspect", "summary"] {
                let answer = try await api.call(.get, "/v1/sandboxes/nope/diagnostics/\(path)")
                #expect(try answer.error() == ErrorAnswer(404, "KUBERNETES::SANDBOX_NOT_FOUND"))
            }
            for (query, issue) in [
                ("events?limit=0", IssueAnswer("greater_than_equal", "query.limit")),
                ("events?limit=501", IssueAnswer("less_than_equal", "query.limit")),
                ("summary?tail=0", IssueAnswer("greater_than_equal", "query.tail")),
                ("summary?event_limit=x", IssueAnswer("int_parsing", "query.event_limit")),
            ] {
                let answer = try await api.call(.get, "/v1/sandboxes/up/diagnostics/\(query)")
                #expect(try answer.issues() == [issue])
            }
        }
    }
}
