// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import MetricsTestKit
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

struct RequestMetricsTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func run(_ address: String, _ metrics: TestMetrics, _ body: (KubeClient) async throws -> Void) async throws
    {
        let configuration = KubeClientConfiguration(
            server: try ServerEndpoint(address),
            rateLimit: .unlimited,
            retry: RetryPolicy(attempts: 3, sleep: { _ in })
        )
        try await withKubeClient(configuration, metrics: metrics, logger: Self.logger) { try await body($0) }
    }

    private func requests(_ metrics: TestMetrics, _ method: String, _ code: String) -> Int64 {
        metrics.counterTotal(label: "rest_client_requests_total", dimensions: [("method", method), ("code", code)])
    }

    @Test func eachAttemptIsCountedByVerbAndCode() async throws {
        let metrics = TestMetrics()
        let asked = Mutex(0)
        try await TestWebServer.run({ request in
            let count = asked.withLock { asked in
                asked += 1
                return asked
            }
            switch request.method {
            case .GET where request.target.contains("watch=1"): return .status(410, reason: "Expired")
            case .GET: return count == 1 ? .status(503, reason: "Busy") : .json(#"{"metadata":{"name":"a"}}"#)
            case .POST: return .status(409, reason: "AlreadyExists")
            default: return .json(#"{"apiVersion":"v1","kind":"Status","status":"Success"}"#)
            }
        }) { server in
            try await run("http://\(server.authority)", metrics) { client in
                for _ in 0..<3 { _ = try await client.maps.get("a") }
                await #expect(throws: KubeError.self) { try await client.maps.create(.with { $0.metadata.name = "a" }) }
                _ = try await client.maps.delete("a")
                await #expect(throws: KubeError.self) {
                    for try await _ in client.maps.watch(ListOptions(resourceVersion: "1")) {}
                }
            }
        }
        #expect(requests(metrics, "GET", "503") == 1 && requests(metrics, "GET", "200") == 3)
        #expect(requests(metrics, "POST", "409") == 1 && requests(metrics, "DELETE", "200") == 1)
        #expect(requests(metrics, "WATCH", "410") == 1)
        #expect(metrics.counterTotal(label: "rest_client_requests_total") == 7)
        #expect(metrics.counterTotal(label: "rest_client_request_retries_total", dimensions: [("verb", "GET")]) == 1)
        let durations = metrics.timers(label: "rest_client_request_duration_seconds", dimensions: [("verb", "GET")])
        #expect(durations.flatMap(\.values).count == 4 && durations.flatMap(\.values).allSatisfy { $0 > 0 })
        let waits = metrics.timers(label: "rest_client_rate_limiter_duration_seconds")
        #expect(waits.flatMap(\.values).count == 7)
        // However many names there are, there are so many series.
        #expect(metrics.counters(label: "rest_client_requests_total").count == 5)
    }

    @Test func whatWasNotAnsweredIsCounted() async throws {
        let metrics = TestMetrics()
        try await RawWebServer.run { _ in
            throw CancellationError()
        } body: { server in
            try await run("http://\(server.authority)", metrics) { client in
                await #expect(throws: KubeError.self) { try await client.maps.get("a") }
            }
        }
        #expect(requests(metrics, "GET", "<error>") == 3)
    }
}
