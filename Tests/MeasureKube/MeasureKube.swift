// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KubeClient
import Logging

/// Does what controllers do with many pods, in a process of its own, and prints what that took as `name=value` on one line.
///
/// The cluster is the one that KUBECONFIG names. Times are of the work alone: neither the start of the process nor the
/// reading of the configuration counts.
@main
struct MeasureKube: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure-kube",
        subcommands: [Sync.self, Events.self, Decode.self, Requests.self]
    )

    static let logger = Logger(label: "measure-kube") { StreamLogHandler.standardError(label: $0) }

    /// Runs `body` with a client that sends as many requests as it can.
    static func withClient(_ body: (KubeClient) async throws -> Void) async throws {
        var configuration = try await KubeClientConfiguration.automatic()
        configuration.rateLimit = .unlimited
        try await withKubeClient(configuration, logger: logger, body)
    }
}
