// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import HTTPTypes
import KubeModels
import Logging
import NIOCore
import NIOHTTP1
import SandboxModels
import Synchronization

/// Speaks with the task executors of pods. What they answer is whatever the owner of the sandbox likes, so it is read as such:
/// in a limited time, of a limited size, and nobody is sent elsewhere.
final class TaskExecutors: Sendable {
    /// An executor has refused what it was told.
    struct Refusal: Error, CustomStringConvertible {
        let status: UInt
        let message: String

        var description: String { "the task executor answered \(status): \(message)" }
    }

    /// `run()` is not being called.
    private struct NotRunning: Error {}

    /// How many are spoken with at a time, for one sandbox.
    static let width = 10
    private static let timeLimit = TimeAmount.seconds(3)
    private static let maximumAnswer = 1 << 20
    private let port: Int
    private let client = Mutex<HTTPClient?>(nil)

    /// - Parameter port: Where executors listen.
    init(port: Int) { self.port = port }

    /// Keeps the connections until the task is cancelled.
    func run() async throws {
        var http = HTTPClient.Configuration(redirectConfiguration: .disallow)
        http.httpVersion = .http1Only
        http.timeout.connect = Self.timeLimit
        http.connectionPool.idleTimeout = .seconds(10)
        let connections = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
        client.withLock { $0 = connections }
        // It goes on until it is cancelled.
        try? await Task.sleep(for: .seconds(Int64(Int32.max)))
        client.withLock { $0 = nil }
        try await connections.shutdown()
    }

    /// The tasks of the executor at an address.
    ///
    /// - Throws: What went wrong.
    func tasks(at address: String) async throws -> [ExecutorTask] {
        try await send(HTTPClientRequest(url: url(address, "getTasks")))
    }

    /// Tells the executor at an address which tasks it is to have, and no others.
    ///
    /// - Returns: Those that it has.
    /// - Throws: `Refusal`, and what else went wrong.
    func set(_ tasks: [ExecutorTask], at address: String) async throws -> [ExecutorTask] {
        var request = HTTPClientRequest(url: url(address, "setTasks"))
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: tasks.json()))
        return try await send(request)
    }

    private func url(_ address: String, _ path: String) -> String {
        let host = address.contains(":") ? "[\(address)]" : address
        return "http://\(host):\(port)/\(path)"
    }

    private func send(_ request: HTTPClientRequest) async throws -> [ExecutorTask] {
        guard let client = client.withLock(\.self) else { throw NotRunning() }
        let response = try await client.execute(request, timeout: Self.timeLimit)
        let body = try await response.body.collect(upTo: Self.maximumAnswer)
        guard response.status == .ok else {
            let message = (try? JSONValue(json: Array(body.readableBytesView)))?["message"]?.string
            throw Refusal(status: response.status.code, message: message ?? response.status.reasonPhrase)
        }
        return try [ExecutorTask](json: Array(body.readableBytesView))
    }
}
