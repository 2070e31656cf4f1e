// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// Opens the places that images are read from and written to.
public struct ImageRepositories: Sendable {
    private let registries: RegistryClient

    /// Registries are reached through this client, with its credentials and its trust.
    public init(registries: RegistryClient) {
        self.registries = registries
    }

    /// The repository or the image-layout folder that a location is in. Nothing is asked of it yet.
    public func repository(of location: ImageLocation) -> any ImageRepository {
        registries.repository(of: location)
    }
}
