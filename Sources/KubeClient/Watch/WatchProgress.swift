// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// How far a watch has come, and what follows when its stream ends. Pure.
struct WatchProgress {
    /// What follows.
    enum Step {
        /// Go on from the state that has been reached, after a pause.
        case reconnect(after: Duration)
        /// It is over.
        case fail(KubeError)
    }

    /// The state that has been reached.
    private(set) var resourceVersion: String?
    /// How many streams in a row have ended in a failure, or without an event.
    private(set) var failures = 0

    init(from resourceVersion: String?) { self.resourceVersion = resourceVersion }

    /// An event was delivered.
    mutating func advance(to version: String?) {
        failures = 0
        if let version, !version.isEmpty { resourceVersion = version }
    }

    /// A stream has ended.
    ///
    /// - Parameters:
    ///   - failure: why, if not in good order.
    ///   - isShort: whether it has ended much sooner than it was to last. The server may do so when it is about to stop; one
    ///     that does it again and again must not be asked without pause.
    mutating func ended(with failure: TransientFailure?, isShort: Bool, _ policy: RetryPolicy) -> Step {
        guard let failure else {
            guard isShort else { return .reconnect(after: .zero) }
            failures += 1
            return .reconnect(after: failures == 1 ? .zero : policy.delay(after: failures - 1, retryAfter: nil))
        }
        failures += 1
        guard failures < policy.attempts else { return .fail(failure.error) }
        return .reconnect(after: policy.delay(after: failures, retryAfter: failure.retryAfter))
    }
}
