// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import Synchronization
import TestSupport

extension DockerRegistry {
    /// A reference into this registry.
    func reference(_ name: String) throws -> ImageReference { try ImageReference(parsing: "\(authority)/\(name)") }
}

/// Runs `body` with a client that does not wait between attempts, and with a record of the pauses it would have made.
func withTestClient<Result: Sendable>(
    credentials: CredentialsProvider = .anonymous,
    attempts: Int = 3,
    chunkSize: Int = 8 << 20,
    configure: (inout RegistryConfiguration) -> Void = { _ in },
    _ body: (RegistryClient, Pauses) async throws -> Result
) async throws -> Result {
    let pauses = Pauses()
    let retry = RetryPolicy(attempts: attempts, sleep: { pauses.add($0) })
    var configuration = RegistryConfiguration(credentials: credentials, retry: retry, uploadChunkSize: chunkSize)
    configure(&configuration)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return try await withRegistryClient(configuration, logger: logger) { try await body($0, pauses) }
}

/// The pauses that a client wanted to make.
final class Pauses: Sendable {
    private let durations = Mutex<[Duration]>([])

    func add(_ duration: Duration) { durations.withLock { $0.append(duration) } }

    var all: [Duration] { durations.withLock { $0 } }
}
