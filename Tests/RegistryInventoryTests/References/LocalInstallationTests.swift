// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import TestSupport
import Testing

@testable import LocalRuntime
@testable import RegistryInventory

/// Deletions beside a server's database, which the server has open.
@Suite("What a server on this machine refers to")
struct LocalInstallationTests {
    /// The ways in which a database names an image.
    private enum Way: CaseIterable {
        case createdFrom, pausedAs, leftover, ready, creating, deleting, retained, unrecorded, lent
    }

    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func artifact(_ image: (tag: String, digest: Digest), in repository: String) -> Artifact {
        let part = Artifact.Part(
            container: "main",
            reference: "\(repository):\(image.tag)",
            digest: image.digest.description,
            size: 1
        )
        return Artifact(provider: "oci-rootfs", parts: [part], platform: "linux/amd64")
    }

    private func write(
        _ way: Way,
        _ id: String,
        _ image: (tag: String, digest: Digest),
        in repository: String,
        to store: SandboxStore
    ) async throws {
        var row = SandboxRow(
            id: id,
            spec: SandboxSpec(image: "registry.example/base:1"),
            createdAt: Self.now,
            intent: Intent(wish: .running, generation: 1),
            recorded: Recorded(identity: id, now: Self.now),
            image: "registry.example/base@\(Digest.sha256(of: [1]))"
        )
        var snapshot = SnapshotRow(
            id: id,
            sandboxID: "gone",
            status: SnapshotStatus(state: .ready, reason: "r", message: nil, lastTransitionAt: Self.now),
            createdAt: Self.now
        )
        let artifact = artifact(image, in: repository)
        switch way {
        case .createdFrom:
            row.image = "\(repository)@\(image.digest)"
            try await store.insert(row)
        case .pausedAs:
            row.recorded.artifact = artifact
            try await store.insert(row)
        case .leftover:
            try await store.insert(row)
            row.recorded.artifact = artifact
            try await store.update(recorded: row.recorded, of: id)
        case .ready:
            snapshot.artifact = artifact
            try await store.snapshots.insert(snapshot)
        case .creating:
            snapshot.unfinished = "\(repository):\(image.tag)"
            snapshot.enter(.creating, "r", at: Self.now)
            try await store.snapshots.insert(snapshot)
        case .deleting:
            snapshot.artifact = artifact
            snapshot.enter(.deleting, "r", at: Self.now)
            try await store.snapshots.insert(snapshot)
        case .retained: try await store.snapshots.retain(artifact)
        // By a move; the sandbox is gone here, and runs elsewhere from it.
        case .lent: try await store.moves.lend([image.digest.description])
        case .unrecorded:
            let target = "\(repository):\(image.tag)"
            try await store.snapshots.postpone(UnrecordedImage(target: target, capture: id, sandbox: "gone"))
        }
    }

    /// Every way of naming an image under seeds, in an image layout and in a registry.
    @Test(arguments: 0..<4) func isNeverDeleted(_ seed: Int) async throws {
        try await withTemporaryFolder { folder in
            try await withTestRegistry { registry, client in
                let isLayout = seed % 2 == 0
                let repository: any ImageRepository =
                    isLayout
                    ? ImageLayoutRepository(folder: "\(folder)/snapshots")
                    : try client.repository("team/snapshots", of: registry)
                var random = SeededGenerator(seed: UInt64(seed))
                let store = try SandboxStore(path: "\(folder)/sandboxes.sqlite")
                var needed: Set<String> = []
                var free: Set<String> = []
                for number in 0..<16 {
                    let tag = "t\(number)"
                    let image = (tag, try await SampleSnapshot.push(to: repository, tag: tag, number: number).digest)
                    let ways =
                        Way.allCases.filter { _ in random.happens(0.1) }
                        + (number < Way.allCases.count ? [Way.allCases[number]] : [])
                    for (index, way) in Set(ways).enumerated() {
                        try await write(way, "\(number)-\(index)", image, in: repository.name, to: store)
                    }
                    if ways.isEmpty { free.insert(tag) } else { needed.insert(tag) }
                }
                #expect(!free.isEmpty)
                let installation = LocalInstallation(stateFolder: folder)
                let survey = PruneSurvey(
                    repositories: [repository],
                    installations: [installation],
                    age: Age(seconds: 86400)
                )
                let (_, plan) = try await survey.run()
                #expect(Set(plan.reclaimable.flatMap(\.tags)) == free)
                // One of them comes to be needed meanwhile.
                let late = try #require(plan.reclaimable.first)
                try await write(.pausedAs, "late", (late.tags[0], late.digest), in: repository.name, to: store)
                let pruner = Pruner(
                    [repository],
                    installations: [installation],
                    record: PruneRecord(path: "\(folder)/record")
                )
                try await pruner.delete(plan)
                #expect(Set(try await repository.tags(after: nil, limit: 100)) == needed.union(late.tags))
                try store.close()
                // As it is when the server has ended.
                let again = try await survey.run().plan
                #expect(again.reclaimable.isEmpty)
            }
        }
    }

    @Test func refusesWhatIsNoDatabase() async throws {
        try await withTemporaryFolder { folder in
            var index = ReferenceIndex(repositories: [])
            let installation = LocalInstallation(stateFolder: folder)
            var error = await #expect(throws: InstallationError.self) {
                try await installation.addReferences(to: &index)
            }
            #expect(error?.description.contains("there is no \(folder)/sandboxes.sqlite") == true)
            try Data("no database at all, but something of some length".utf8).write(
                to: URL(filePath: "\(folder)/sandboxes.sqlite")
            )
            error = await #expect(throws: InstallationError.self) { try await installation.addReferences(to: &index) }
            #expect(error?.description.contains("cannot be read") == true)
            try FileManager.default.removeItem(atPath: "\(folder)/sandboxes.sqlite")
            try await Command.run(
                "python3",
                [
                    "-c", "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE other (a TEXT)')",
                    "\(folder)/sandboxes.sqlite",
                ]
            )
            error = await #expect(throws: InstallationError.self) { try await installation.addReferences(to: &index) }
            #expect(error?.description.contains("no database of a server") == true)
        }
    }
}
