// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import OCIRegistry
import SandboxModels
import Synchronization
import TestSupport
import Testing

@testable import RegistryInventory

/// Deletions beside a real API server.
@Suite("What a cluster refers to")
struct ClusterInstallationTests {
    private func prune(
        _ repository: any ImageRepository,
        _ installation: any Installation,
        record: String,
        before: (PrunePlan) async throws -> Void = { _ in }
    ) async throws -> [Pruner.Outcome] {
        let survey = PruneSurvey(repositories: [repository], installations: [installation], age: Age(seconds: 86400))
        let (_, plan) = try await survey.run()
        try await before(plan)
        let outcomes = Mutex<[Pruner.Outcome]>([])
        let pruner = Pruner([repository], installations: [installation], record: PruneRecord(path: record))
        try await pruner.delete(plan) { _, outcome in outcomes.withLock { $0.append(outcome) } }
        return outcomes.withLock { $0 }
    }

    /// Every way of naming an image, twice over and by a seed, among images that nobody names; and a sandbox that is paused
    /// between the list and the deletion.
    @Test(.timeLimit(.minutes(5)))
    func isNeverDeleted() async throws {
        try await TestCluster.run { cluster in
            try await withTestRegistry { registry, client in
                try await withTemporaryFolder { folder in
                    let repository = try client.repository("snapshots/box", of: registry)
                    let installation = ClusterInstallation(name: "cluster test", client: cluster.client)
                    var random = SeededGenerator(seed: 5)
                    let kinds = (ClusterRecord.allCases + ClusterRecord.allCases).shuffled(using: &random)
                    var needed: [String: String] = [:]
                    var free: [String] = []
                    var late: (tag: String, digest: Digest)?
                    for (number, kind) in kinds.enumerated() {
                        let tag = "snap-gen\(number)"
                        let image = try await SampleSnapshot.push(to: repository, tag: tag, number: number)
                        needed[tag] = "\(kind)"
                        try await kind.make(
                            "r\(number)",
                            naming: repository.name,
                            tag: tag,
                            image.digest.description,
                            cluster.client
                        )
                        guard random.happens(0.4) else { continue }
                        let unused = "free-\(number)"
                        let digest = try await SampleSnapshot.push(to: repository, tag: unused, number: 100 + number)
                            .digest
                        if late == nil { late = (unused, digest) } else { free.append(unused) }
                    }
                    let paused = try #require(late)
                    #expect(!free.isEmpty)
                    let outcomes = try await prune(repository, installation, record: "\(folder)/r") { plan in
                        #expect(Set(plan.reclaimable.flatMap(\.tags)) == Set(free + [paused.tag]))
                        try await ClusterRecord.pausedRecord.make(
                            "late",
                            naming: repository.name,
                            tag: paused.tag,
                            paused.digest.description,
                            cluster.client
                        )
                    }
                    #expect(outcomes.filter { $0 == .deleted(manifests: 1) }.count == free.count)
                    #expect(outcomes.contains(.kept("referred to by BatchSandbox default/late of cluster test")))
                    let left = Set(try await repository.tags(after: nil, limit: 1000))
                    for (tag, kind) in needed where !left.contains(tag) { Issue.record("deleted what a \(kind) needs") }
                    #expect(left == Set(needed.keys).union([paused.tag]))
                }
            }
        }
    }

    /// It is not the cluster that was meant, or it does not tell everything.
    @Test(.timeLimit(.minutes(5)))
    func refusesWhatItCannotRead() async throws {
        try await TestCluster.run([]) { cluster in
            var index = ReferenceIndex(repositories: [])
            let installation = ClusterInstallation(name: "cluster test", client: cluster.client)
            let error = await #expect(throws: InstallationError.self) {
                try await installation.addReferences(to: &index)
            }
            #expect(error?.description.contains("serves none of") == true)
        }
        let testbed = try KubernetesTestbed.find()
        try await KubernetesTestbed.defineOpenSandbox()
        var configuration = try KubeClientConfiguration(Kubeconfig.load(files: [testbed.kubeconfig]))
        configuration.impersonation = Impersonation(user: "nobody-in-particular")
        let logger = withoutLog
        try await withKubeClient(configuration, logger: logger) { client in
            var index = ReferenceIndex(repositories: [])
            let installation = ClusterInstallation(name: "the testbed", client: client)
            var error: InstallationError?
            // Kinds are served a moment after they are defined, and nobody is told when.
            for _ in 1...1200 {
                error = await #expect(throws: InstallationError.self) {
                    try await installation.addReferences(to: &index)
                }
                guard error?.description.contains("serves none of") == true else { break }
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(error?.description.contains("may not list") == true, "\(error.map { "\($0)" } ?? "")")
        }
    }
}
