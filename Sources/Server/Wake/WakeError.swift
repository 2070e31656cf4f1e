// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Why a request was not held until its sandbox was awake, or in vain.
enum WakeError: Error, Equatable {
    /// As many wait as may.
    case tooManyWait
    /// It took too long.
    case timeout
    /// It cannot be resumed now, for this reason if it is known.
    case failed(String?)
    /// There is no such sandbox any more.
    case gone
    /// The server stops.
    case stopping
}

extension APIError {
    /// What a client hears of it.
    init(_ error: WakeError, of id: String, timeout: Int) {
        switch error {
        case .tooManyWait:
            self.init(
                .serviceUnavailable,
                "SANDBOX::WAKE_OVERLOADED",
                "As many requests wait for paused sandboxes to resume as may. Try again in a moment.",
                headers: [.retryAfter: "1"]
            )
        case .timeout:
            self.init(
                .gatewayTimeout,
                "SANDBOX::WAKE_TIMEOUT",
                "The sandbox '\(id)' was not up within \(timeout) seconds. It may be soon; try again."
            )
        case .failed(let reason):
            self.init(
                .serviceUnavailable,
                "SANDBOX::WAKE_FAILED",
                "The sandbox '\(id)' could not be resumed. \(reason ?? "Its status tells why.")",
                headers: [.retryAfter: "5"]
            )
        case .gone:
            self.init(.notFound, "KUBERNETES::SANDBOX_NOT_FOUND", "There is no sandbox '\(id)' any more.")
        case .stopping:
            self.init(
                .serviceUnavailable,
                Self.unknownCode,
                "The server is about to stop. Try again in a moment.",
                headers: [.retryAfter: "1"]
            )
        }
    }
}
