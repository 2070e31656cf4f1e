// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Where credentials come from. Asked each time that a login is needed, so that rotated secrets are seen.
public struct CredentialsProvider: Sendable {
    private let find: @Sendable (_ domain: String, _ repository: String) async throws -> RegistryCredentials?

    /// Asks a function.
    ///
    /// - Parameter find: gets the registry as it is written in references (`docker.io`, `localhost:5000`) and the
    ///   repository; returns `nil` if it has nothing for them.
    public init(
        _ find: @escaping @Sendable (_ domain: String, _ repository: String) async throws -> RegistryCredentials?
    ) {
        self.find = find
    }

    /// The credentials for a repository, if there are any.
    public func credentials(domain: String, repository: String) async throws -> RegistryCredentials? {
        try await find(domain, repository)
    }

    /// None: only what everybody may do.
    public static let anonymous = CredentialsProvider { _, _ in nil }

    /// The same credentials for everything in one registry, `domain` as it is written in references.
    public static func fixed(_ credentials: RegistryCredentials, for domain: String) -> CredentialsProvider {
        CredentialsProvider { asked, _ in asked == domain ? credentials : nil }
    }

    /// A Docker `config.json`, or the `.dockerconfigjson` of a Kubernetes secret, read anew each time. A file that is
    /// not there has no credentials.
    public static func dockerConfig(path: String) -> CredentialsProvider {
        CredentialsProvider { domain, repository in
            let config = try await BlockingIO.run { try DockerConfig(path: path) }
            return config?.credentials(domain: domain, repository: repository)
        }
    }

    /// Docker's own file: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
    public static func docker(environment: [String: String]) -> CredentialsProvider {
        if let folder = environment["DOCKER_CONFIG"], !folder.isEmpty {
            return .dockerConfig(path: "\(folder)/config.json")
        }
        guard let home = environment["HOME"], !home.isEmpty else { return .anonymous }
        return .dockerConfig(path: "\(home)/.docker/config.json")
    }

    /// Asks this provider first, then another one.
    public func or(_ other: CredentialsProvider) -> CredentialsProvider {
        CredentialsProvider { domain, repository in
            if let found = try await credentials(domain: domain, repository: repository) { return found }
            return try await other.credentials(domain: domain, repository: repository)
        }
    }
}
