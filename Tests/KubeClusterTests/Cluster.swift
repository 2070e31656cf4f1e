// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import TestSupport

/// The real cluster that the tests speak with.
enum Cluster {
    /// An image with busybox, which the cluster's node can pull.
    static func busybox() throws -> String { try KubernetesTestbed.find().busybox }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func configuration() throws -> KubeClientConfiguration {
        try KubeClientConfiguration(Kubeconfig.load(files: [KubernetesTestbed.find().kubeconfig]))
    }

    /// Runs `body` with a client and a namespace of its own.
    static func run(_ body: (KubeClient, _ namespace: String) async throws -> Void) async throws {
        try await withKubeClient(configuration(), logger: logger) { client in
            let name = "kube-test-\(UInt32.random(in: 0 ... .max))"
            let namespaces = client.resource(Namespace.self)
            _ = try await namespaces.create(.with { $0.metadata.name = name })
            do {
                try await body(client, name)
            } catch {
                _ = try? await namespaces.delete(name)
                throw error
            }
            try await namespaces.delete(name)
        }
    }
}
