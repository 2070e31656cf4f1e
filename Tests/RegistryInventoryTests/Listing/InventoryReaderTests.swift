// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

@testable import RegistryInventory

/// What is read of a real registry.
struct InventoryReaderTests {
    @Test func tellsWhatThereIs() async throws {
        try await withTestRegistry { registry, client in
            let repository = try client.repository("snapshots/box", of: registry)
            let other = try client.repository("snapshots/other", of: registry)
            let first = try await SampleSnapshot.push(to: repository, tag: "snap-gen1", number: 1)
            let second = try await SampleSnapshot.push(
                to: repository,
                tag: "snap-gen2",
                sandbox: "team/two",
                number: 2,
                parent: first.digest
            )
            try await SampleSnapshot.push(
                to: repository,
                tag: "newest",
                sandbox: "team/two",
                number: 2,
                parent: first.digest
            )
            _ = try await SampleSnapshot.attach(to: second, in: repository)
            try await SampleSnapshot.push(to: other, tag: "app", number: 3, created: nil, isSnapshot: false)
            let index = try ImageDocument.encode(ImageIndex(manifests: [first, second]))
            try await repository.putManifest(index, mediaType: .ociIndex, as: .tag("both"))

            let inventory = try await InventoryReader().read([repository, other])
            #expect(inventory.images.map(\.tags) == [["both"], ["newest", "snap-gen2"], ["snap-gen1"], ["app"]])
            #expect(inventory.images.map(\.repository).last == other.name)
            #expect(inventory.images.map(\.origin?.sandbox) == [nil, "team/two", "default/box", nil])
            #expect(inventory.images[1].origin?.parent == first.digest.description)
            #expect(inventory.images[1].referrers.count == 1)
            #expect(inventory.images[3].created == nil)
            let age = inventory.images[2].created?.timeIntervalSince(SampleSnapshot.old)
            #expect(age.map { $0 > -1 && $0 < 1 } == true)
            // The index has both images, and only itself of its own.
            #expect(inventory.images[0].content.count == 8)
            #expect(inventory.ownBytes(of: inventory.images[0]) == Int64(index.count))
            #expect(inventory.ownBytes(of: inventory.images[1]) == 0)
            #expect(inventory.ownBytes(of: inventory.images[3]) < inventory.images[3].size)
        }
    }

    /// A damaged image is listed, keeps nothing else from being listed, and stays.
    @Test func listsWhatIsDamaged() async throws {
        try await withTestRegistry { registry, client in
            let repository = try client.repository("snapshots/box", of: registry)
            try await SampleSnapshot.push(to: repository, tag: "damaged", number: 1)
            try await SampleSnapshot.push(to: repository, tag: "whole", number: 2)
            let config = try await repository.image(.tag("damaged")).manifest.config
            _ = try await repository.deleteBlob(config.digest)
            let survey = PruneSurvey(repositories: [repository], installations: [], age: Age(seconds: 1))
            let (inventory, plan) = try await survey.run()
            #expect(inventory.images.map(\.tags) == [["damaged"], ["whole"]])
            #expect(plan.reclaimable.map(\.tags) == [["whole"]])

            // An index that lacks one of its images holds the other one.
            let whole = try #require(try await repository.resolve(.tag("whole")))
            let gone = try await SampleSnapshot.push(to: repository, tag: "gone", number: 3)
            let index = try ImageDocument.encode(ImageIndex(manifests: [gone, whole]))
            try await repository.putManifest(index, mediaType: .ociIndex, as: .tag("index"))
            _ = try await repository.deleteManifest(gone.digest)
            let again = try await survey.run().plan
            #expect(again.items.map(\.image.tags) == [["damaged"], ["index"], ["whole"]])
            #expect(again.reclaimable.isEmpty)
        }
    }

    @Test(arguments: [
        ("2026-01-02T03:04:05Z", 1_767_323_045.0), ("2026-01-02T03:04:05.123456789Z", 1_767_323_045),
        ("2026-01-02T05:04:05+02:00", 1_767_323_045), ("1970-01-01T00:00:00Z", 0), ("yesterday", nil), ("", nil),
    ])
    func readsTimes(_ text: String, _ seconds: Double?) {
        #expect(Date(timestamp: text)?.timeIntervalSince1970 == seconds)
    }

    @Test func readsAges() {
        #expect(
            ["90s", "30m", "24h", "7d", "5", "1.5h"].map { Age($0)?.seconds } == [90, 1800, 86400, 604_800, 5, 5400]
        )
        for text in ["", "h", "-1h", "1w", "inf", "nan", "1 h"] { #expect(Age(text) == nil, "\(text)") }
        #expect(
            [1, 119, 120, 7199, 7200, 172_799, 172_800].map { Age(seconds: $0).text } == [
                "1s", "119s", "2m", "119m", "2h", "47h", "2d",
            ]
        )
    }

    @Test func writesBytes() {
        #expect(
            [0, 999, 1000, 9_949, 9_951, 999_499, 999_501, 1_234_567_890].map { InventoryReport.bytes($0) } == [
                "0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "1.2 GB",
            ]
        )
    }
}
