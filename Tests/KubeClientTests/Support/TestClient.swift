// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import NIOHTTP1
import Synchronization
import TestSupport

/// The pauses that a client wanted to make.
final class Pauses: Sendable {
    private let durations = Mutex<[Duration]>([])

    func add(_ duration: Duration) { durations.withLock { $0.append(duration) } }

    var all: [Duration] { durations.withLock { $0 } }
}

/// Runs `body` with a client that does not wait between attempts, and with a record of the pauses it would have made.
@discardableResult
func withTestClient<Result: Sendable>(
    _ address: String,
    credentials: KubeCredentials = KubeCredentials(),
    configure: (inout KubeClientConfiguration) -> Void = { _ in },
    _ body: (KubeClient, Pauses) async throws -> Result
) async throws -> Result {
    let pauses = Pauses()
    var configuration = KubeClientConfiguration(
        server: try ServerEndpoint(address),
        credentials: credentials,
        namespace: "team",
        rateLimit: .unlimited,
        retry: RetryPolicy(attempts: 3, sleep: { pauses.add($0) })
    )
    configure(&configuration)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return try await withKubeClient(configuration, logger: logger) { try await body($0, pauses) }
}

extension KubeClient {
    /// What most tests ask for.
    var maps: ResourceClient<ConfigMap> { resource(ConfigMap.self) }
}

extension TestWebServer.Response {
    /// An answer with a JSON document.
    static func json(_ text: String) -> TestWebServer.Response {
        TestWebServer.Response(.ok, ["Content-Type": "application/json"], text: text)
    }

    /// A refusal with a `Status`.
    static func status(_ code: Int, reason: String, details: String = "{}", retryAfter: Int? = nil)
        -> TestWebServer.Response
    {
        let text =
            #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"sorry","reason":"\#(reason)","details":\#(details),"code":\#(code)}"#
        var response = TestWebServer.Response(.init(statusCode: code), ["Content-Type": "application/json"], text: text)
        if let retryAfter { response.headers.add(name: "Retry-After", value: String(retryAfter)) }
        return response
    }
}
