// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging

/// A client of OCI registries. Repositories that come from one client share its connections and tokens.
public struct RegistryClient: Sendable {
    /// How it speaks with registries.
    public let configuration: RegistryConfiguration
    private let transport: RegistryTransport

    /// Creates a client.
    ///
    /// - Parameter connections: made from the same configuration; shut down by its owner.
    public init(connections: RegistryConnections, configuration: RegistryConfiguration, logger: Logger) {
        self.configuration = configuration
        self.transport = RegistryTransport(
            connections: connections,
            configuration: configuration,
            authenticator: Authenticator(credentials: configuration.credentials),
            logger: logger
        )
    }

    /// A client that shares this one's connections but has other credentials and its own tokens.
    public func with(credentials: CredentialsProvider) -> RegistryClient {
        var configuration = configuration
        configuration.credentials = credentials
        return RegistryClient(
            connections: transport.connections,
            configuration: configuration,
            logger: transport.logger
        )
    }

    /// The repository of a reference. Nothing is sent yet.
    public func repository(_ reference: ImageReference) -> RegistryRepository {
        RegistryRepository(reference: reference, transport: transport)
    }

    /// The repository of a location, and what to ask it for: what the location says, or a layout's only image.
    ///
    /// - Throws: `RegistryError` if the location is a layout that has none or several images and none is named.
    public func open(
        _ location: ImageLocation
    ) async throws -> (repository: any ImageRepository, reference: ManifestReference) {
        switch location {
        case .registry(let reference):
            return (repository(reference), reference.manifestReference)
        case .layout(let folder, _, _):
            let layout = ImageLayoutRepository(folder: folder)
            if let reference = location.manifestReference { return (layout, reference) }
            return (layout, try await layout.onlyReference())
        }
    }

    /// The repository of a location, to write to. Nothing is sent or written yet.
    public func repository(of location: ImageLocation) -> any ImageRepository {
        switch location {
        case .registry(let reference): repository(reference)
        case .layout(let folder, _, _): ImageLayoutRepository(folder: folder)
        }
    }
}

/// Runs `body` with a client that has connections of its own, which are shut down when `body` is done.
///
/// - Throws: what `body` throws; `RegistryError` if the configuration's authorities cannot be read.
public func withRegistryClient<Result: Sendable>(
    _ configuration: RegistryConfiguration = RegistryConfiguration(),
    logger: Logger,
    _ body: (RegistryClient) async throws -> Result
) async throws -> Result {
    let connections = try await BlockingIO.run { try RegistryConnections(configuration) }
    do {
        let result = try await body(
            RegistryClient(connections: connections, configuration: configuration, logger: logger)
        )
        try await connections.shutdown()
        return result
    } catch {
        try? await connections.shutdown()
        throw error
    }
}
