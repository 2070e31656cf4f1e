// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
public import Logging

/// Where an installation is, before anybody has connected to it.
public enum InstallationPlace: Sendable {
    /// A cluster, and what people call it.
    case cluster(name: String, KubeClientConfiguration)
    /// A server on this machine, by its state folder.
    case stateFolder(String)
}

/// Runs `body` with connections to some installations, which are shut down when it is done. Nothing is asked yet.
///
/// - Throws: what `body` throws; `KubeError` if a configuration cannot be used.
public func withInstallations<Result: Sendable>(
    _ places: [InstallationPlace],
    logger: Logger,
    _ body: ([any Installation]) async throws -> Result
) async throws -> Result {
    guard let place = places.first else { return try await body([]) }
    let rest = Array(places.dropFirst())
    switch place {
    case .stateFolder(let path):
        return try await withInstallations(rest, logger: logger) { installations in
            try await body([LocalInstallation(stateFolder: path)] + installations)
        }
    case .cluster(let name, let configuration):
        return try await withKubeClient(configuration, logger: logger) { client in
            try await withInstallations(rest, logger: logger) { installations in
                try await body([ClusterInstallation(name: name, client: client)] + installations)
            }
        }
    }
}
