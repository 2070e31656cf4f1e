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
    ///
    /// Where it names a credential helper (`credHelpers`, `credsStore`), the program `docker-credential-<name>` is run
    /// and asked; if it has nothing, the file's own logins are looked at. No shell has a part in it.
    ///
    /// - Parameters:
    ///   - environment: the helpers' environment; they are looked up in its `PATH`.
    ///   - timeLimit: how long a helper may take to answer.
    public static func dockerConfig(
        path: String,
        environment: [String: String],
        timeLimit: Duration = .seconds(30)
    ) -> CredentialsProvider {
        CredentialsProvider { domain, repository in
            guard let config = try await BlockingIO.run({ try DockerConfig(path: path) }) else { return nil }
            if let name = config.helper(domain: domain, repository: repository) {
                let helper = CredentialHelper(name: name, environment: environment, timeLimit: timeLimit)
                if let found = try await helper.credentials(for: DockerConfig.serverName(domain)) { return found }
            }
            return config.credentials(domain: domain, repository: repository)
        }
    }

    /// Docker's own file: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`; and the helpers that it names.
    public static func docker(environment: [String: String]) -> CredentialsProvider {
        if let folder = environment["DOCKER_CONFIG"], !folder.isEmpty {
            return .dockerConfig(path: "\(folder)/config.json", environment: environment)
        }
        guard let home = environment["HOME"], !home.isEmpty else { return .anonymous }
        return .dockerConfig(path: "\(home)/.docker/config.json", environment: environment)
    }

    /// Asks this provider first, then another one.
    public func or(_ other: CredentialsProvider) -> CredentialsProvider {
        CredentialsProvider { domain, repository in
            if let found = try await credentials(domain: domain, repository: repository) { return found }
            return try await other.credentials(domain: domain, repository: repository)
        }
    }
}
