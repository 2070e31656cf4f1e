// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import TestSupport
import Testing

/// The API server is away from the controller, as one is that is started again.
@Suite("A controller whose API server is away")
struct APIOutageTests {
    @Test("brings each pause and resume to its end when it is back", .timeLimit(.minutes(15)))
    func outages() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run(isControlled: false) { cluster, proxy in
                try await withClient(of: cluster) { client, api in
                    try await cluster.control(client) {
                        try await cluster.createCounting("box", in: folder)

                        // When a transition has just begun.
                        try await cluster.setPause(true, of: "box")
                        try await cluster.wait(for: "box") { $0.status?.phase == .pausing }
                        try await beAway(api)
                        try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                        try await cluster.setPause(false, of: "box")
                        try await cluster.wait(for: "box") { $0.status?.phase == .resuming }
                        try await beAway(api)
                        try await cluster.wait(for: "box") { $0.status?.phase == .succeed }

                        // When the committer has said how it ended, and while a verification takes its time.
                        proxy.holdOnce("PUT", containing: "/manifests/snap-")
                        try await cluster.setPause(true, of: "box")
                        await proxy.waitUntilHeld()
                        api.goAway()
                        proxy.release()
                        try await cluster.wait(forPodOf: "commit", of: "box") { $0.ending(of: "commit") != nil }
                        #expect(try await cluster.container(of: "box-0").isFrozen)
                        api.comeBack()
                        try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                        proxy.holdOnce("GET", containing: "/manifests/sha256:")
                        try await cluster.setPause(false, of: "box")
                        await proxy.waitUntilHeld()
                        api.goAway()
                        proxy.release()
                        try await beAway(api)
                        try await cluster.wait(for: "box") { $0.status?.phase == .succeed }

                        // At every change.
                        try await cutting(api, in: cluster) {
                            try await cluster.setPause(true, of: "box")
                            try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                            try await cluster.setPause(false, of: "box")
                            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                        }
                        #expect(try await cluster.shell("cat /marker", in: "box-0") == "kept\n")
                        try await cluster.waitUntilNothingIsLeft(of: "box")
                    }
                }
                let jobs = try await cluster.jobsEver()
                #expect(jobs == Array(repeating: "box-pause-commit", count: 3))
                #expect(try await cluster.freezes(of: "box").isEmpty)
            }
        }
    }

    /// Runs `body` with a client of the cluster whose connections can be cut.
    private func withClient(
        of cluster: SandboxCluster,
        _ body: @escaping @Sendable (KubeClient, OutageProxy) async throws -> Void
    ) async throws {
        let server = cluster.testbed.api.replacing("https://", with: "")
        try await OutageProxy.run(before: server) { api in
            var configuration = try KubeClientConfiguration(Kubeconfig.load(files: [cluster.testbed.kubeconfig]))
            let verification = configuration.server.verification
            configuration.server = try ServerEndpoint("https://\(api.authority)", verification: verification)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            try await withKubeClient(configuration, logger: logger) { try await body($0, api) }
        }
    }

    /// Takes the API server away for as long as one needs to start again.
    private func beAway(_ api: OutageProxy) async throws {
        api.goAway()
        try await Task.sleep(for: .seconds(3))
        api.comeBack()
    }

    /// Cuts all connections whenever something has changed.
    private func cutting(
        _ api: OutageProxy,
        in cluster: SandboxCluster,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let sandboxes = Informer(cluster.sandboxes, logger: logger)
        let pods = Informer(cluster.pods, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandboxes.run() }
            group.addTask { try await pods.run() }
            group.addTask { for await _ in sandboxes.changes { api.cutConnections() } }
            group.addTask { for await _ in pods.changes { api.cutConnections() } }
            group.addTask { try await body() }
            // The others go on for ever.
            try await group.next()
            group.cancelAll()
        }
    }
}
