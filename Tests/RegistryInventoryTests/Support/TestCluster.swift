// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import Logging
import TestSupport

/// An API server of a test's own, with the dialects' kinds, and a kubeconfig for it.
struct TestCluster: Sendable {
    let client: KubeClient
    let kubeconfig: String

    /// Runs `body` with one.
    ///
    /// - Parameter kinds: the plurals of the kinds that it has.
    static func run(
        _ kinds: [String] = DeployedDefinition.openSandbox + DeployedDefinition.kruise,
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        let testbed = try KubernetesTestbed.find()
        try await APIServerDaemon.run { server in
            try await withTemporaryFolder { folder in
                let kubeconfig = "\(folder)/kubeconfig"
                try """
                apiVersion: v1
                kind: Config
                current-context: test
                contexts: [{name: test, context: {cluster: test, user: test}}]
                clusters: [{name: test, cluster: {server: "https://\(server.authority)", certificate-authority: "\(testbed.authority)"}}]
                users: [{name: test, user: {client-certificate: "\(testbed.certificate)", client-key: "\(testbed.key)"}}]
                """.write(toFile: kubeconfig, atomically: true, encoding: .utf8)
                let configuration = try KubeClientConfiguration(Kubeconfig.load(files: [kubeconfig]))
                try await withKubeClient(configuration, logger: withoutLog) { client in
                    try await define(kinds, client)
                    try await body(TestCluster(client: client, kubeconfig: kubeconfig))
                }
            }
        }
    }

    /// Defines kinds, and waits until they are served.
    private static func define(_ kinds: [String], _ client: KubeClient) async throws {
        for kind in kinds {
            let definition = try DeployedDefinition(kind).definition
            _ = try await client.resource(CustomResourceDefinition.self).create(definition)
            let names = definition.spec.names
            let type = ResourceType(
                group: definition.spec.group,
                version: definition.spec.versions.first?.name ?? "v1alpha1",
                kind: names.kind,
                plural: names.plural
            )
            // Nobody is told when a kind is served.
            for attempt in 1... {
                do {
                    _ = try await client.resource(type, in: .named("default")).list()
                    break
                } catch let error as KubeError where error.statusCode == 404 && attempt < 1200 {
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
        }
    }
}
