// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import PrometheusMetrics
import Testing

@testable import Server

/// What Prometheus reads of a server.
@Suite struct MetricsListenerTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func whatWasMeasuredIsToldWithBoundedLabels() async throws {
        let registry = PrometheusRegistry.forServer()
        let metrics = ServerMetrics(factory: registry)
        for id in 0..<3 {
            metrics.requestBegan()
            let labels = ServerMetrics.Labels(
                // A method that a client has made up is no label of its own.
                method: try #require(HTTPRequest.Method("BREW\(id)")),
                route: "/sandboxes/:id",
                statusClass: 4,
                tenant: "a"
            )
            metrics.requestEnded(labels, .milliseconds(3), received: 0, sent: 10)
        }
        metrics.failed(with: "KUBERNETES::SANDBOX_NOT_FOUND")
        let listener = MetricsListener(registry, at: .init(host: "127.0.0.1", port: 0), logger: Self.logger)
        try await listener.application().test(.live) { client in
            let answer = try await client.execute(uri: "/metrics", method: .get)
            #expect(answer.status == .ok)
            #expect(answer.headers[.contentType]?.hasPrefix("text/plain") == true)
            let text = String(buffer: answer.body)
            let line =
                #"stasis_server_requests_total{method="OTHER",route="/sandboxes/:id",status="4xx",tenant="a"} 3"#
            #expect(text.contains(line), "\(text)")
            #expect(text.contains(#"stasis_server_errors_total{code="KUBERNETES::SANDBOX_NOT_FOUND"} 1"#))
            #expect(text.contains("stasis_server_requests_in_flight 0"))
            #expect(text.contains("process_resident_memory_bytes"))
            // Nothing else is to be had there.
            for path in ["/", "/v1/sandboxes", "/health"] {
                #expect(try await client.execute(uri: path, method: .get).status == .notFound)
            }
        }
    }
}
