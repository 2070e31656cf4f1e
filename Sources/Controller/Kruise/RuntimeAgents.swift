// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import KubeModels
import NIOCore
import NIOHTTP1
import SandboxModels
import Synchronization

/// Speaks with the agents in sandboxes. What they answer is whatever the owner of the sandbox likes, so it is read as such: in a
/// limited time, no more than the status, and nobody is sent elsewhere.
final class RuntimeAgents: Sendable {
    /// Why an agent was not told.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let timeLimit = TimeAmount.seconds(1)
    private let client = Mutex<HTTPClient?>(nil)

    /// Keeps the connections until the task is cancelled.
    func run() async throws {
        var http = HTTPClient.Configuration(redirectConfiguration: .disallow)
        http.httpVersion = .http1Only
        http.timeout.connect = Self.timeLimit
        http.connectionPool.idleTimeout = .seconds(1)
        let connections = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
        client.withLock { $0 = connections }
        // It goes on until it is cancelled.
        try? await Task.sleep(for: .seconds(Int64(Int32.max)))
        client.withLock { $0 = nil }
        try await connections.shutdown()
    }

    /// Tells the agent at an address what it has to know. One that was told before by somebody who knew its token, which is what 401
    /// says, needs nothing.
    ///
    /// - Throws: ``Failure``; `CancellationError`.
    func tell(_ request: KruiseRuntimeRequest, at address: String) async throws {
        guard let client = client.withLock(\.self) else { throw Failure(description: "the controller is ending") }
        let host = address.contains(":") ? "[\(address)]" : address
        let url = "http://\(host):\(request.port)/init"
        var message = HTTPClientRequest(url: url)
        message.method = .POST
        message.headers.add(name: "Content-Type", value: "application/json")
        message.headers.add(name: "Connection", value: "close")
        message.body = .bytes(ByteBuffer(bytes: request.body.json()))
        let status: HTTPResponseStatus
        do {
            status = try await client.execute(message, timeout: Self.timeLimit).status
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Failure(
                description:
                    "The agent at port \(request.port) of its pod does not answer POST /init: \(error). It is asked "
                    + "again."
            )
        }
        guard (200..<300).contains(status.code) || status == .unauthorized else {
            throw Failure(
                description:
                    "The agent at port \(request.port) of its pod has answered POST /init with \(status.code). "
                    + "It is asked again."
            )
        }
    }
}
