// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

import class Foundation.JSONDecoder

@testable import Server

/// A server that speaks E2B's API to two owners, `alice` and `bob`.
struct E2BClient {
    let api: APIClient
    let runtime: InMemoryRuntime

    /// What the owners are called by the runtime.
    static let owners = ["alice": "id-of-alice", "bob": "id-of-bob"]

    static let configuration: ServerConfiguration.E2B = {
        var e2b = ServerConfiguration.E2B()
        for (name, owner) in owners.sorted(by: { $0.key < $1.key }) {
            guard let key = APIKey("key-of-\(name)") else { continue }
            e2b.keys.append(ServerConfiguration.E2B.Key(key: key, owner: owner, team: "red", name: name))
        }
        e2b.domain = "sandboxes.example"
        e2b.defaultTemplate = "box"
        var template = ServerConfiguration.E2B.Template(image: "busybox:1.36")
        template.environment = ["GREETING": "hello", "FOO": "template"]
        template.resourceLimits = ["cpu": "1500m", "memory": "512Mi"]
        e2b.templates["box"] = template
        return e2b
    }()

    static func with(
        _ configuration: ServerConfiguration.E2B = configuration,
        live: Bool = false,
        test: @escaping @Sendable (E2BClient) async throws -> Void
    ) async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime, live: live, e2b: configuration) { api async throws in
            try await test(E2BClient(api: api, runtime: runtime))
        }
    }

    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        as owner: String? = "alice",
        headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        var headers = headers
        if let owner { headers[.e2bKey] = "key-of-\(owner)" }
        return try await api.call(method, "/e2b" + path, body, headers: headers)
    }

    /// Puts a sandbox of `alice` there.
    @discardableResult
    func put(_ id: String, _ state: SandboxStatus.State = .running, metadata: [String: String] = [:]) async -> Sandbox {
        await runtime.put(id, state, of: Self.owners["alice"] ?? "", metadata: metadata)
    }
}

extension TestResponse {
    /// The code and the message of an error, which has nothing else but a word of E2B's.
    func e2bError() throws -> (code: Int, message: String) {
        struct Body: Decodable {
            var code: Int
            var message: String
        }
        let body: Body = try json()
        #expect(body.code == status.code)
        #expect(!body.message.isEmpty)
        return (body.code, body.message)
    }
}

/// A sandbox as a client reads it.
struct E2BAnswer: Decodable, Equatable {
    struct Lifecycle: Decodable, Equatable {
        var autoResume: Bool
        var onTimeout: String
    }

    var templateID: String
    var sandboxID: String
    var clientID: String
    var envdVersion: String
    var domain: String?
    var startedAt: String?
    var endAt: String?
    var cpuCount: Int?
    var memoryMB: Int?
    var diskSizeMB: Int?
    var metadata: [String: String]?
    var state: String?
    var lifecycle: Lifecycle?
    var pauseMode: String?
}
