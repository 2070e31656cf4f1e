// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics
import NIOHTTP1
import Synchronization

/// What a client measures of its requests, under the names that client-go has.
///
/// Labels are few whatever is asked for: the verb is the HTTP method, or `WATCH`, and the code that of the answer, or `<error>`
/// if there was none.
final class RequestMetrics: Sendable {
    private struct Outcome: Hashable {
        let verb: String
        let code: String
    }

    private struct Measures {
        var requests: [Outcome: Counter] = [:]
        var durations: [String: Timer] = [:]
        var waits: [String: Timer] = [:]
        var retries: [String: Counter] = [:]
    }

    private let factory: any MetricsFactory
    private let measures = Mutex(Measures())

    init(factory: any MetricsFactory) { self.factory = factory }

    /// An answer has come, or has begun if it is read as it is asked for, or there is none.
    func sent(_ request: KubeRequest, code: Int?, in time: Duration) {
        var answer = "<error>"
        if let code { answer = String(code) }
        let outcome = Outcome(verb: request.verb, code: answer)
        count(outcome).increment()
        duration(of: outcome.verb).record(duration: time)
    }

    /// A request has waited for its turn.
    func waited(_ request: KubeRequest, _ time: Duration) { wait(of: request.verb).record(duration: time) }

    /// A request is going to be sent once more.
    func repeated(_ request: KubeRequest) { retry(of: request.verb).increment() }

    // MARK: Measures, made when they are needed first

    private func count(_ outcome: Outcome) -> Counter {
        measures.withLock { measures in
            if let counter = measures.requests[outcome] { return counter }
            let dimensions = [("method", outcome.verb), ("code", outcome.code)]
            let counter = Counter(label: "rest_client_requests_total", dimensions: dimensions, factory: factory)
            measures.requests[outcome] = counter
            return counter
        }
    }

    private func duration(of verb: String) -> Timer {
        measures.withLock { measures in
            if let timer = measures.durations[verb] { return timer }
            let timer = makeTimer("rest_client_request_duration_seconds", verb)
            measures.durations[verb] = timer
            return timer
        }
    }

    private func wait(of verb: String) -> Timer {
        measures.withLock { measures in
            if let timer = measures.waits[verb] { return timer }
            let timer = makeTimer("rest_client_rate_limiter_duration_seconds", verb)
            measures.waits[verb] = timer
            return timer
        }
    }

    private func retry(of verb: String) -> Counter {
        measures.withLock { measures in
            if let counter = measures.retries[verb] { return counter }
            let label = "rest_client_request_retries_total"
            let counter = Counter(label: label, dimensions: [("verb", verb)], factory: factory)
            measures.retries[verb] = counter
            return counter
        }
    }

    private func makeTimer(_ label: String, _ verb: String) -> Timer {
        Timer(label: label, dimensions: [("verb", verb)], preferredDisplayUnit: .seconds, factory: factory)
    }
}

extension KubeRequest {
    /// What it is in measurements.
    fileprivate var verb: String { answer == .watch ? "WATCH" : method.rawValue }
}
