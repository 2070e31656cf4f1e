// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import TestSupport

/// A real registry with a client.
func withTestRegistry(
    _ access: DockerRegistry.Access = .open,
    deletes: Bool = true,
    _ body: (DockerRegistry, RegistryClient) async throws -> Void
) async throws {
    try await DockerRegistry.run(access, deletes: deletes) { registry in
        var credentials = CredentialsProvider.anonymous
        if case .login(let username, let password) = access {
            credentials = .fixed(.basic(username: username, password: password), for: registry.authority)
        }
        try await withRegistryClient(RegistryConfiguration(credentials: credentials), logger: withoutLog) { client in
            try await body(registry, client)
        }
    }
}

extension RegistryClient {
    /// A repository of a registry.
    func repository(_ name: String, of registry: DockerRegistry) throws -> RegistryRepository {
        repository(try ImageReference(parsing: "\(registry.authority)/\(name)"))
    }
}

/// Says nothing.
let withoutLog = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
