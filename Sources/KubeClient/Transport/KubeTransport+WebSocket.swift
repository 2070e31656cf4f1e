// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import NIOCore
import NIOHTTP1
import WebSockets

extension KubeTransport {
    /// Opens a WebSocket and runs `body` with it.
    ///
    /// - Throws: what `body` throws; `KubeError` if the WebSocket cannot be opened.
    func openWebSocket<Result: Sendable>(
        _ request: KubeRequest,
        subprotocols: [String],
        _ body: (WebSocket) async throws -> Result
    ) async throws -> Result {
        let endpoint = configuration.server
        guard endpoint.proxy == nil else {
            throw request.fault(.invalidConfiguration, "commands cannot be run through a proxy-url")
        }
        try await awaitTurn(of: request)
        var authorization = try await authenticator.authorization()
        var isSecondTry = false
        while true {
            let isOpen = OpenFlag()
            let start = ContinuousClock.now
            do {
                let client = WebSocketClient(
                    host: endpoint.host,
                    port: endpoint.port,
                    tls: endpoint.scheme == "https" ? authorization.apply(to: connections.tls) : nil,
                    serverName: endpoint.serverName,
                    timeout: configuration.requestTimeout,
                    configure: { KubeConnections.watchOver($0) }
                )
                return try await client.connect(
                    endpoint.path + request.target,
                    headers: try headers(request, authorization),
                    subprotocols: subprotocols
                ) { socket in
                    isOpen.value = true
                    measures.sent(request, code: 101, in: .now - start)
                    return try await body(socket)
                }
            } catch {
                if isOpen.value { throw error }
                if case WebSocketError.refused(let code, _) = error {
                    measures.sent(request, code: code, in: .now - start)
                } else {
                    measures.sent(request, code: nil, in: .now - start)
                }
                if case WebSocketError.refused(401, _) = error, !isSecondTry,
                    let other = try await authenticator.replacement(for: authorization)
                {
                    authorization = other
                    isSecondTry = true
                    continue
                }
                throw refusal(error, of: request)
            }
        }
    }

    /// Tells an error of the opening from one of the body. It is used by one task only.
    private final class OpenFlag { var value = false }

    private func refusal(_ error: any Error, of request: KubeRequest) -> any Error {
        switch error {
        case WebSocketError.refused(let code, let body):
            let status = try? Status(json: body)
            var fault = Self.fault(code, status, request)
            fault.statusCode = code
            fault.status = status
            if status == nil {
                fault.reason += "; it sent '\(String(decoding: body.prefix(400), as: UTF8.self).onOneLine(limit: 200))'"
            }
            return fault
        case WebSocketError.timeout:
            return request.fault(.timeout, "\(configuration.server.authority) did not answer in time", cause: error)
        case WebSocketError.connectionLost:
            return request.fault(
                .unreachable,
                "the connection to \(configuration.server.authority) broke",
                cause: error
            )
        case let error as WebSocketError:
            return request.fault(.unexpectedAnswer, "no WebSocket could be opened", cause: error)
        default:
            let failure = failure(error, of: request)
            return (failure as? TransientFailure)?.error ?? failure
        }
    }
}
