// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import NIOPosix
import SandboxModels
import ServiceLifecycle

import struct Foundation.Data
import class Foundation.ProcessInfo
import struct Foundation.URL

/// The connections to a cluster, for as long as a server has them.
struct ClusterConnections: ServiceLifecycle.Service {
    /// Whoever asks the cluster.
    let client: KubeClient
    private let connections: KubeConnections

    /// Finds out where the cluster is and as whom to ask it. Nothing is asked yet.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if that is not known.
    init(_ kubernetes: ServerConfiguration.Kubernetes, logger: Logger) async throws {
        do {
            let configuration = try await Self.configuration(kubernetes)
            let connections = try await NIOThreadPool.singleton.runIfActive { try KubeConnections(configuration) }
            self.connections = connections
            client = KubeClient(connections: connections, configuration: configuration, logger: logger)
        } catch let error as KubeError {
            throw SandboxError(.runtimeUnavailable, "The cluster cannot be used", cause: error, tellsCause: true)
        }
    }

    /// Keeps the connections until everybody who needs them has ended.
    func run() async throws {
        try? await gracefulShutdown()
        try await connections.shutdown()
    }

    private static func configuration(_ kubernetes: ServerConfiguration.Kubernetes) async throws
        -> KubeClientConfiguration
    {
        let environment = ProcessInfo.processInfo.environment
        var configuration =
            if let path = kubernetes.kubeconfigPath {
                try await NIOThreadPool.singleton.runIfActive {
                    try KubeClientConfiguration(Kubeconfig.load(files: [path]), context: nil, environment: environment)
                }
            } else {
                try await KubeClientConfiguration.automatic(context: nil, environment: environment)
            }
        if kubernetes.skipsTLSVerification { configuration.server.verification = .none }
        configuration.userAgent = "stasis-server/\(ServerVersion.current)"
        // All reading is by watches, so what is limited is writing.
        configuration.rateLimit =
            kubernetes.writeLimit.map {
                RateLimit(requestsPerSecond: $0.requestsPerSecond, burst: $0.burst)
            } ?? .unlimited
        return configuration
    }

    /// The file that says what sandboxes' objects begin as; nothing if there is none.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if it cannot be read.
    static func template(_ path: String?) async throws -> KubeModels.JSONValue {
        guard let path else { return [:] }
        do {
            let text = try await NIOThreadPool.singleton.runIfActive {
                String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
            }
            let template = try KubeModels.JSONValue(yaml: text, subject: path)
            return template.object == nil ? [:] : template
        } catch {
            throw SandboxError(
                .runtimeUnavailable,
                "kubernetes.batchsandbox_template_file cannot be read",
                cause: error,
                tellsCause: true
            )
        }
    }
}

extension ClusterConnections: CustomStringConvertible {
    /// Which API server it is.
    var description: String { "connections to \(client.configuration.server.address)" }
}
