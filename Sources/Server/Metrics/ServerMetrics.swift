// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Metrics
import Synchronization

/// What the server measures of its requests. There are only so many labels: routes are told by their templates, statuses
/// by their first digit, methods that no route knows as `other`.
public final class ServerMetrics: Sendable {
    struct Labels: Hashable {
        var method: HTTPRequest.Method
        var route: String
        var statusClass: Int
        var tenant: String
    }

    private struct Series {
        let requests: Counter
        let duration: Metrics.Timer
        let received: Counter
        let sent: Counter
    }

    private let factory: any MetricsFactory
    private let series = Mutex<[Labels: Series]>([:])
    private let failures = Mutex<[String: Counter]>([:])
    private let running: Meter
    private let connections: Meter
    private let isOn: Bool

    /// Measures with what the program has set up for it.
    public convenience init() {
        self.init(factory: MetricsSystem.factory)
    }

    /// Measures with a factory.
    public init(factory: any MetricsFactory) {
        self.factory = factory
        isOn = !(factory is NOOPMetricsHandler)
        running = Meter(label: "stasis_server_requests_in_flight", factory: factory)
        connections = Meter(label: "stasis_server_connections", factory: factory)
        Meter(
            label: "stasis_build_info",
            dimensions: [("program", "stasis-server"), ("version", ServerVersion.current)],
            factory: factory
        )
        .set(1)
    }

    func requestBegan() {
        if isOn { running.increment(by: 1) }
    }

    func requestEnded(_ labels: Labels, _ duration: Duration, received: Int, sent: Int) {
        guard isOn else { return }
        running.decrement(by: 1)
        var labels = labels
        if !Self.methods.contains(labels.method) { labels.method = Self.other }
        let series = series.withLock { all in
            if let known = all[labels] { return known }
            let made = make(labels)
            all[labels] = made
            return made
        }
        series.requests.increment()
        series.duration.recordNanoseconds(duration.nanoseconds)
        if received > 0 { series.received.increment(by: received) }
        if sent > 0 { series.sent.increment(by: sent) }
    }

    /// Counts an answer that is no success.
    func failed(with code: String) {
        guard isOn else { return }
        let counter = failures.withLock { all in
            if let known = all[code] { return known }
            let made = Counter(label: "stasis_server_errors_total", dimensions: [("code", code)], factory: factory)
            all[code] = made
            return made
        }
        counter.increment()
    }

    func connectionOpened() {
        if isOn { connections.increment(by: 1) }
    }

    func connectionClosed() {
        if isOn { connections.decrement(by: 1) }
    }

    /// Counts a connection that the server has ended.
    func connectionRefused(_ reason: String) {
        guard isOn else { return }
        Counter(label: "stasis_server_connections_refused_total", dimensions: [("reason", reason)], factory: factory)
            .increment()
    }

    private func make(_ labels: Labels) -> Series {
        let route = [("method", labels.method.rawValue), ("route", labels.route)]
        let all = route + [("status", "\(labels.statusClass)xx"), ("tenant", labels.tenant)]
        return Series(
            requests: Counter(label: "stasis_server_requests_total", dimensions: all, factory: factory),
            duration: Metrics.Timer(
                label: "stasis_server_request_duration_seconds",
                dimensions: route,
                factory: factory
            ),
            received: Counter(label: "stasis_server_received_bytes_total", dimensions: route, factory: factory),
            sent: Counter(label: "stasis_server_sent_bytes_total", dimensions: route, factory: factory)
        )
    }

    private static let methods: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete, .options]
    private static let other = HTTPRequest.Method("OTHER") ?? .trace
}

extension Duration {
    /// Whole nanoseconds.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
