// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

import struct Foundation.Date
import class Foundation.JSONDecoder

@testable import Server

/// Calls the API of a runtime, without or with a socket.
struct APIClient {
    let client: any TestClientProtocol

    /// Runs a test against the API.
    ///
    /// - Parameter live: Over a socket; otherwise the router is called directly.
    static func with(
        _ runtime: any SandboxRuntime = InMemoryRuntime(),
        live: Bool = false,
        proxy: ServerConfiguration.Proxy = ServerConfiguration.Proxy(),
        ingress: ServerConfiguration.Ingress = ServerConfiguration.Ingress(),
        e2b: ServerConfiguration.E2B? = nil,
        configure: (inout ServerConfiguration.HTTP) -> Void = { _ in },
        test: @Sendable (APIClient) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration.HTTP()
        configuration.host = "127.0.0.1"
        configuration.port = 0
        configure(&configuration)
        let tenants = Tenants(key: configuration.apiKey, runtime: runtime)
        try await with(
            tenants,
            live: live,
            proxy: proxy,
            ingress: ingress,
            e2b: e2b.map { E2BService($0, runtime: runtime) },
            configuration: configuration,
            test: test
        )
    }

    /// Runs a test against the API of several tenants.
    static func with(
        _ tenants: Tenants,
        live: Bool,
        proxy: ServerConfiguration.Proxy = ServerConfiguration.Proxy(),
        ingress: ServerConfiguration.Ingress = ServerConfiguration.Ingress(),
        e2b: E2BService? = nil,
        configuration: ServerConfiguration.HTTP,
        test: @Sendable (APIClient) async throws -> Void
    ) async throws {
        let api = SandboxAPI(
            tenants: tenants,
            configuration: configuration,
            proxy: proxy,
            ingress: ingress,
            e2b: e2b,
            now: { InMemoryRuntime.start }
        )
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let application = StasisServer.application(api, configuration: configuration, logger: logger)
        try await application.test(live ? .live : .router) { client in
            try await test(APIClient(client: client))
        }
    }

    /// Sends a request; a body is sent as JSON unless the headers say otherwise.
    func call(
        _ method: HTTPRequest.Method,
        _ uri: String,
        _ body: String? = nil,
        headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        var headers = headers
        if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        return try await client.execute(
            uri: uri,
            method: method,
            headers: headers,
            body: body.map { ByteBuffer(string: $0) }
        )
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }

    /// The body as a type, if it is JSON without a single null: clients stumble over those.
    func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        #expect(headers[.contentType] == "application/json")
        #expect(!text.contains(":null"), "\(text)")
        let decoder = JSONDecoder()
        return try decoder.decode(Value.self, from: .init(text.utf8))
    }

    /// The status and the code of an error whose body has exactly a code and a message.
    func error() throws -> ErrorAnswer {
        let body = try json([String: String].self)
        #expect(Set(body.keys) == ["code", "message"])
        #expect(body["message"]?.isEmpty == false)
        return ErrorAnswer(status: status.code, code: body["code"] ?? "")
    }

    /// The kinds and places of a 422.
    func issues() throws -> [IssueAnswer] {
        #expect(status.code == 422)
        return try json([String: [IssueAnswer]].self)["detail"] ?? []
    }
}

/// What clients compare of an error.
struct ErrorAnswer: Equatable {
    var status: Int
    var code: String

    init(status: Int, code: String) {
        self.status = status
        self.code = code
    }

    init(_ status: Int, _ code: String) {
        self.init(status: status, code: code)
    }
}

/// An entry of a 422's `detail`.
struct IssueAnswer: Decodable, Equatable, CustomTestStringConvertible {
    var type: String
    /// The place, joined with dots.
    var place: String

    private enum CodingKeys: CodingKey {
        case type, loc, msg
    }

    private enum Step: Decodable {
        case name(String)
        case index(Int)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let index = try? container.decode(Int.self) {
                self = .index(index)
            } else {
                self = .name(try container.decode(String.self))
            }
        }

        var text: String {
            switch self {
            case .name(let name): name
            case .index(let index): "\(index)"
            }
        }
    }

    init(_ type: String, _ place: String) {
        self.type = type
        self.place = place
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        type = try container.decode(String.self, forKey: .type)
        place = try container.decode([Step].self, forKey: .loc).map(\.text).joined(separator: ".")
        #expect(try !container.decode(String.self, forKey: .msg).isEmpty)
    }

    var testDescription: String { "\(type)@\(place)" }
}

/// A sandbox as a client reads it.
struct SandboxAnswer: Decodable, Equatable {
    struct Image: Decodable, Equatable {
        var uri: String
    }

    struct Platform: Decodable, Equatable {
        var os: String
        var arch: String
    }

    struct Status: Decodable, Equatable {
        var state: String
        var reason: String?
        var message: String?
        var lastTransitionAt: String
    }

    var id: String
    var image: Image?
    var platform: Platform?
    var status: Status
    var metadata: [String: String]?
    var extensions: [String: String]?
    var entrypoint: [String]
    var expiresAt: String?
    var createdAt: String
}
