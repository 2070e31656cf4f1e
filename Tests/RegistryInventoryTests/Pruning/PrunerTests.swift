// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import Synchronization
import TestSupport
import Testing

@testable import RegistryInventory

/// Deletions from a real registry.
struct PrunerTests {
    private struct Gone: Error {}

    /// Lists, decides and deletes.
    private func prune(
        _ repositories: [any ImageRepository],
        _ installations: [any Installation],
        record: String,
        before: (PrunePlan) async throws -> Void = { _ in }
    ) async throws -> [Pruner.Outcome] {
        let survey = PruneSurvey(repositories: repositories, installations: installations, age: Age(seconds: 86400))
        let (_, plan) = try await survey.run()
        try await before(plan)
        let outcomes = Mutex<[Pruner.Outcome]>([])
        let pruner = Pruner(repositories, installations: installations, record: PruneRecord(path: record))
        try await pruner.delete(plan) { _, outcome in outcomes.withLock { $0.append(outcome) } }
        return outcomes.withLock { $0 }
    }

    /// What is deleted goes with its tags and with what refers to it, and can be put back.
    @Test func deletesAllOfAnImageAndPutsItBack() async throws {
        try await withTemporaryFolder { folder in
            try await withTestRegistry { registry, client in
                let repository = try client.repository("snapshots/box", of: registry)
                let first = try await SampleSnapshot.push(to: repository, tag: "snap-gen1", number: 1)
                let second = try await SampleSnapshot.push(
                    to: repository,
                    tag: "snap-gen2",
                    number: 2,
                    parent: first.digest
                )
                let third = try await SampleSnapshot.push(
                    to: repository,
                    tag: "snap-gen3",
                    number: 3,
                    parent: second.digest
                )
                try await SampleSnapshot.push(to: repository, tag: "also", number: 1)
                let signature = try await SampleSnapshot.attach(to: first, in: repository)
                let about = try await SampleSnapshot.attach(to: signature, in: repository, note: "about")
                let kept = try await SampleSnapshot.attach(to: third, in: repository)
                let record = "\(folder)/record"
                let live = SpokenInstallation { _ in ["{\"image\":\"\(repository.name)@\(third.digest)\"}"] }
                let outcomes = try await prune([repository], [live], record: record)
                #expect(outcomes == [.deleted(manifests: 3)])
                for digest in [first.digest, signature.digest, about.digest] {
                    #expect(try await repository.resolve(.digest(digest)) == nil)
                }
                for digest in [second.digest, third.digest, kept.digest] {
                    #expect(try await repository.resolve(.digest(digest)) != nil)
                }
                let left = try await repository.tags(after: nil, limit: 100)
                #expect(left == ["sha256-\(third.digest.hex)", "snap-gen2", "snap-gen3"])

                let entries = try PruneRecord.entries(in: record)
                #expect(entries.map(\.digest) == [about.digest, signature.digest, first.digest])
                #expect(entries.last?.tags == ["also", "snap-gen1"])
                #expect(entries.allSatisfy { $0.sandbox == "default/box" && $0.repository == repository.name })
                // Another image has one of the names by now.
                try await SampleSnapshot.push(to: repository, tag: "also", number: 4)
                var taken: [String] = []
                for entry in entries { taken += try await PruneRecord.restore(entry, to: repository) }
                #expect(taken == ["also"])
                #expect(try await repository.resolve(.tag("snap-gen1"))?.digest == first.digest)
                let referrers = try await repository.referrers(of: first.digest, artifactType: nil)
                #expect(referrers.map(\.digest) == [signature.digest])
                #expect(try await repository.image(.tag("snap-gen1")).manifest.layers.count == 2)
            }
        }
    }

    /// A sandbox is paused after the list was made: its image is what was to be deleted.
    @Test func looksAgainBeforeEachDeletion() async throws {
        try await withTemporaryFolder { folder in
            try await withTestRegistry { registry, client in
                let repository = try client.repository("snapshots/box", of: registry)
                var images: [Descriptor] = []
                for number in 1...4 {
                    images.append(try await SampleSnapshot.push(to: repository, tag: "t\(number)", number: number))
                }
                let digests = images.map(\.digest.description)
                // With each look one more is needed: at the list none, before the first deletion the first, and so on.
                let installation = SpokenInstallation { turn in
                    switch turn {
                    case 0: []
                    case 1: [digests[0]]
                    case 2: []
                    default: [digests[2]]
                    }
                }
                let outcomes = try await prune([repository], [installation], record: "\(folder)/r")
                #expect(
                    outcomes == [
                        .kept("referred to by record"), .deleted(manifests: 1), .kept("referred to by record"),
                        .deleted(manifests: 1),
                    ]
                )
                #expect(installation.asked == 5)
                #expect(try await repository.tags(after: nil, limit: 9) == ["t1", "t3"])
            }
        }
    }

    /// An installation that cannot be read any more ends it, before anything further is deleted.
    @Test func deletesNothingThatItCannotDecide() async throws {
        try await withTemporaryFolder { folder in
            try await withTestRegistry { registry, client in
                let repository = try client.repository("snapshots/box", of: registry)
                for number in 1...3 { try await SampleSnapshot.push(to: repository, tag: "t\(number)", number: number) }
                let unreadable = SpokenInstallation { _ in throw Gone() }
                await #expect(throws: Gone.self) { try await prune([repository], [unreadable], record: "\(folder)/r") }
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/r"))
                let failing = SpokenInstallation { turn in
                    if turn == 2 { throw Gone() }
                    return []
                }
                await #expect(throws: Gone.self) { try await prune([repository], [failing], record: "\(folder)/r") }
                #expect(try await repository.tags(after: nil, limit: 9) == ["t2", "t3"])
                // A file that cannot be written ends it as well.
                await #expect(throws: PruneRecord.Failure.self) {
                    try await prune([repository], [], record: "\(folder)/no/such/folder")
                }
                #expect(try await repository.tags(after: nil, limit: 9) == ["t2", "t3"])
            }
        }
    }

    @Test func saysThatARegistryDeletesNothing() async throws {
        try await withTemporaryFolder { folder in
            try await withTestRegistry(deletes: false) { registry, client in
                let repository = try client.repository("snapshots/box", of: registry)
                let image = try await SampleSnapshot.push(to: repository, tag: "t", number: 1)
                let signature = try await SampleSnapshot.attach(to: image, in: repository)
                await #expect(throws: Pruner.Unsupported.self) {
                    try await prune([repository], [], record: "\(folder)/r")
                }
                #expect(try await repository.resolve(.digest(signature.digest)) != nil)
            }
        }
    }

    /// What another program deletes meanwhile, or names anew.
    @Test func goesWithWhatOthersDo() async throws {
        try await withTemporaryFolder { folder in
            try await withTestRegistry { registry, client in
                let repository = try client.repository("snapshots/box", of: registry)
                let first = try await SampleSnapshot.push(to: repository, tag: "a", number: 1)
                let second = try await SampleSnapshot.push(to: repository, tag: "b", number: 2)
                let outcomes = try await prune([repository], [], record: "\(folder)/r") { plan in
                    #expect(plan.reclaimable.count == 2)
                    _ = try await repository.deleteManifest(first.digest)
                    // A younger one takes the name of the second.
                    try await SampleSnapshot.push(to: repository, tag: "b", number: 3, created: Date())
                }
                #expect(outcomes == [.absent, .deleted(manifests: 1)])
                #expect(try await repository.resolve(.digest(second.digest)) == nil)
                #expect(try await repository.image(.tag("b")).manifest.layers.count == 2)
                #expect(try PruneRecord.entries(in: "\(folder)/r").map(\.tags) == [[]])
            }
        }
    }

    /// Image layouts as well, where blobs go at once if no other image has them.
    @Test func deletesFromALayout() async throws {
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: "\(folder)/images")
            let first = try await SampleSnapshot.push(to: layout, tag: "a", number: 1)
            let second = try await SampleSnapshot.push(to: layout, tag: "b", number: 2)
            let signature = try await SampleSnapshot.attach(to: first, in: layout)
            let live = SpokenInstallation { _ in ["oci:\(folder)/images@\(second.digest)"] }
            #expect(try await prune([layout], [live], record: "\(folder)/r") == [.deleted(manifests: 2)])
            #expect(try await layout.resolve(.digest(signature.digest)) == nil)
            #expect(try await layout.tags(after: nil, limit: 9) == ["b"])
            let image = try await layout.image(.tag("b"))
            for layer in image.manifest.layers { #expect(try await layout.blobSize(layer.digest) == layer.size) }
        }
    }
}
