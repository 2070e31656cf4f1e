// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What went wrong between this server and a sandbox.
enum UpstreamError: Error {
    /// The port took no connection.
    case noConnection(cause: any Error)
    /// No answer in time.
    case noAnswer
    /// The connection broke before the answer was complete, or what came is no HTTP.
    case connectionLost(cause: (any Error)?)
    /// It switched to a protocol that nobody asked for, or said in the wrong words that it did.
    case wrongUpgrade

    /// Whether nothing of the request can have reached the sandbox.
    var isBeforeRequest: Bool { if case .noConnection = self { true } else { false } }
}

extension APIError {
    /// What a client hears of it; where the sandbox is stays out of it.
    init(_ error: UpstreamError, port: Int, of id: String, responseTimeout: Int) {
        switch error {
        case .noConnection:
            self.init(
                .badGateway,
                "BACKEND_CONNECTION_FAILED",
                "Port \(port) of the sandbox '\(id)' takes no connection; make sure that something listens there."
            )
        case .noAnswer:
            self.init(
                .gatewayTimeout,
                "BACKEND_TIMEOUT",
                "Port \(port) of the sandbox '\(id)' did not answer within \(responseTimeout) seconds."
            )
        case .connectionLost:
            self.init(
                .badGateway,
                "BACKEND_RESPONSE_FAILED",
                "Port \(port) of the sandbox '\(id)' closed the connection before it had answered, or did not speak HTTP."
            )
        case .wrongUpgrade:
            self.init(
                .badGateway,
                "BACKEND_RESPONSE_FAILED",
                "Port \(port) of the sandbox '\(id)' switched to another protocol than it was asked for."
            )
        }
    }
}
