// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import SandboxModels

/// A small client of the server's Lifecycle API.
struct RuntimeAPI: Sendable {
    static let key = "test"

    let port: Int
    private let client: HTTPClient

    /// Talks to a server on a port of the loopback interface for as long as `body` runs.
    static func with<Result: Sendable>(
        port: Int,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (RuntimeAPI) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration()
        // Who is not there is dead, and the test wants to know it.
        configuration.connectionPool.retryConnectionEstablishment = false
        return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
            try await body(RuntimeAPI(port: port, client: client))
        }
    }

    /// An answer that is no success.
    struct Refusal: Error, Decodable, CustomStringConvertible {
        var status = 0
        var code: String
        var message: String

        private enum CodingKeys: CodingKey { case code, message }

        var description: String { "\(status) \(code): \(message)" }
    }

    /// A sandbox as the server tells it.
    struct SandboxAnswer: Decodable, Sendable {
        struct Status: Decodable, Sendable {
            var state: String
            var reason: String?
            var message: String?
        }

        var id: String
        var status: Status
        var snapshotId: String?
        var artifact: Artifact?

        /// Whether it is on its way somewhere.
        var isChanging: Bool { ["Pending", "Pausing", "Resuming", "Stopping", "Terminated"].contains(status.state) }
    }

    /// A snapshot as the server tells it.
    struct SnapshotAnswer: Decodable, Sendable {
        struct Status: Decodable, Sendable {
            var state: String
            var reason: String?
            var message: String?
        }

        var id: String
        var sandboxId: String
        var status: Status
        var artifact: Artifact?
    }

    private struct Page<Item: Decodable>: Decodable {
        var items: [Item]
    }

    // MARK: - Sandboxes

    /// Creates a sandbox of an image and answers when it runs.
    func create(image: String) async throws -> SandboxAnswer {
        try await create(#"{"image":{"uri":"\#(image)"},"entrypoint":["sleep","1000000"],"resourceLimits":{}}"#)
    }

    /// Creates a sandbox whose web server listens on port 8080, and which wakes when somebody asks it.
    func createWebServer(image: String) async throws -> SandboxAnswer {
        try await create(
            #"{"image":{"uri":"\#(image)"},"entrypoint":["httpd","-f","-p","8080","-h","/www"],"resourceLimits":{},"#
                + #""extensions":{"access.auto-resume":"true"}}"#
        )
    }

    /// What a port of a sandbox answers to a GET through the server.
    func get(_ id: String, port: Int, _ path: String) async throws -> String {
        String(buffer: try await send("GET", "/v1/sandboxes/\(id)/proxy/\(port)\(path)"))
    }

    /// Creates a sandbox of a snapshot and answers when it runs.
    func create(snapshot: String) async throws -> SandboxAnswer {
        try await create(#"{"snapshotId":"\#(snapshot)","entrypoint":["sleep","1000000"],"resourceLimits":{}}"#)
    }

    private func create(_ body: String) async throws -> SandboxAnswer {
        try await decode(send("POST", "/v1/sandboxes", body))
    }

    func sandbox(_ id: String) async throws -> SandboxAnswer {
        try await decode(send("GET", "/v1/sandboxes/\(id)"))
    }

    func sandboxes() async throws -> [SandboxAnswer] {
        try await decode(send("GET", "/v1/sandboxes?pageSize=200"), as: Page<SandboxAnswer>.self).items
    }

    func pause(_ id: String) async throws { _ = try await send("POST", "/v1/sandboxes/\(id)/pause") }

    func resume(_ id: String) async throws { _ = try await send("POST", "/v1/sandboxes/\(id)/resume") }

    func delete(_ id: String) async throws { _ = try await send("DELETE", "/v1/sandboxes/\(id)") }

    /// Looks until a sandbox is on no way anywhere; nil if it is gone.
    func settled(_ id: String) async throws -> SandboxAnswer? {
        let found: [SandboxAnswer] = try await Patience().until("the sandbox \(id) settles") {
            do {
                let found = try await sandbox(id)
                return found.isChanging ? nil : [found]
            } catch let refusal as Refusal where refusal.status == 404 {
                return []
            }
        }
        return found.first
    }

    // MARK: - Snapshots

    func takeSnapshot(of id: String) async throws -> SnapshotAnswer {
        try await decode(send("POST", "/v1/sandboxes/\(id)/snapshots"))
    }

    func snapshot(_ id: String) async throws -> SnapshotAnswer {
        try await decode(send("GET", "/v1/snapshots/\(id)"))
    }

    func snapshots() async throws -> [SnapshotAnswer] {
        try await decode(send("GET", "/v1/snapshots?pageSize=200"), as: Page<SnapshotAnswer>.self).items
    }

    func deleteSnapshot(_ id: String) async throws { _ = try await send("DELETE", "/v1/snapshots/\(id)") }

    /// Looks until a snapshot is taken or has failed.
    func settledSnapshot(_ id: String) async throws -> SnapshotAnswer {
        try await Patience().until("the snapshot \(id) settles") {
            let found = try await snapshot(id)
            return found.status.state == "Creating" ? nil : found
        }
    }

    // MARK: - HTTP

    /// Sends a request. Its connection is used once: the next request may be for another process.
    private func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> ByteBuffer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = .RAW(value: method)
        request.headers = ["OPEN-SANDBOX-API-KEY": Self.key, "Connection": "close"]
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await client.execute(request, timeout: .seconds(120))
        let answer = try await response.body.collect(upTo: 16 << 20)
        guard (200..<300).contains(Int(response.status.code)) else {
            var refusal =
                (try? JSONDecoder().decode(Refusal.self, from: Data(answer.readableBytesView)))
                ?? Refusal(code: "", message: String(buffer: answer))
            refusal.status = Int(response.status.code)
            throw refusal
        }
        return answer
    }

    private func decode<Value: Decodable>(_ bytes: ByteBuffer, as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
    }
}

/// Looks again and again at what nobody tells of, for as long as a loaded machine may take.
struct Patience: Sendable {
    var limit: Duration = .seconds(120)
    var interval: Duration = .milliseconds(10)

    /// Looks until there is a value.
    func until<Value>(
        _ what: String,
        isolation: isolated (any Actor)? = #isolation,
        _ look: () async throws -> Value?
    ) async throws -> Value {
        let deadline = ContinuousClock.now + limit
        while true {
            if let value = try await look() { return value }
            guard ContinuousClock.now < deadline else { throw Testbed.Failure("waited \(limit) in vain until \(what)") }
            try await Task.sleep(for: interval)
        }
    }
}
