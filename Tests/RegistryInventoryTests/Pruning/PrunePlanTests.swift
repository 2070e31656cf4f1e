// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import TestSupport
import Testing

import struct Foundation.Date

@testable import RegistryInventory

/// Which images may go.
struct PrunePlanTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)
    private static let old = now.addingTimeInterval(-2 * 86400)

    private static func digest(_ number: Int) -> Digest { .sha256(of: Array("image \(number)".utf8)) }

    private static func image(
        _ number: Int,
        parent: Int? = nil,
        base: Int? = nil,
        created: Date? = old,
        isSnapshot: Bool = true,
        content: [Int] = [],
        referrers: [Int] = []
    ) -> InventoryImage {
        let parts = content.map { Descriptor(mediaType: .ociManifest, digest: digest($0), size: 10) }
        return InventoryImage(
            repository: "registry.example/r",
            digest: digest(number),
            tags: ["t\(number)"],
            origin: isSnapshot
                ? .init(
                    sandbox: "box",
                    parent: parent.map { digest($0).description },
                    base: base.map { digest($0).description }
                ) : nil,
            created: created,
            content: [Descriptor(mediaType: .ociManifest, digest: digest(number), size: 10)] + parts,
            referrers: referrers.map { Descriptor(mediaType: .ociManifest, digest: digest($0), size: 1) }
        )
    }

    /// The numbers of those that may go.
    private func going(_ images: [InventoryImage], live: [Int] = [], age: Double = 86400) -> [Int] {
        var references = ReferenceIndex(repositories: ["registry.example/r"])
        for number in live { references.add("\(Self.digest(number))", holder: "Pool p") }
        let plan = PrunePlan(RegistryInventory(images), references: references, olderThan: age, now: Self.now)
        return plan.reclaimable.compactMap { $0.tags.first.flatMap { Int($0.dropFirst()) } }
    }

    @Test func takesWhatNobodyNeeds() {
        let young = Self.now.addingTimeInterval(-3600)
        let images = [
            Self.image(1), Self.image(2), Self.image(3, created: young), Self.image(4, created: nil),
            Self.image(5, isSnapshot: false), Self.image(6, created: Self.now.addingTimeInterval(60)),
        ]
        #expect(going(images) == [1, 2])
        #expect(going(images, live: [1]) == [2])
        #expect(going(images, age: 60) == [1, 2, 3])
        #expect(going(images, age: 0) == [1, 2, 3], "what comes from the future is young")
    }

    @Test func keepsWhatTheNeededWasMadeFrom() {
        let images = [
            Self.image(1), Self.image(2, parent: 1, base: 1), Self.image(3, parent: 2, base: 1),
            Self.image(4, parent: 3),
        ]
        #expect(going(images, live: [3]) == [4])
        #expect(going(images, live: [2]) == [3, 4])
        #expect(going(images) == [1, 2, 3, 4], "nobody needs an ancestor as such")
    }

    @Test func keepsWhatIsInOrAboutWhatStays() {
        // An index that is no snapshot stays, and so do the snapshots in it.
        #expect(going([Self.image(1), Self.image(2, isSnapshot: false, content: [1])]) == [])
        // A snapshot about one that stays, and one that something which stays is about.
        #expect(going([Self.image(1, referrers: [2]), Self.image(2)], live: [1]) == [])
        #expect(going([Self.image(1, referrers: [2]), Self.image(2)], live: [2]) == [])
        #expect(going([Self.image(1, referrers: [2]), Self.image(2)]) == [1, 2])
        #expect(going([Self.image(1, referrers: [2]), Self.image(2, isSnapshot: false)]) == [])
    }

    @Test func saysWhy() {
        var references = ReferenceIndex(repositories: ["registry.example/r"])
        references.add("registry.example/r:t1", holder: "Pool a/p")
        let images = [Self.image(1, parent: 2), Self.image(2), Self.image(3, isSnapshot: false)]
        let plan = PrunePlan(RegistryInventory(images), references: references, olderThan: 1, now: Self.now)
        #expect(
            plan.items.map { $0.reason?.description } == [
                "referred to by Pool a/p", "\(Self.digest(1)) was made from it", "no snapshot",
            ]
        )
    }

    @Test func countsSharedBytesOnce() {
        func image(_ number: Int, _ blobs: [(UInt8, Int64)]) -> InventoryImage {
            var image = Self.image(number)
            image.content = blobs.map { blob in
                Descriptor(mediaType: .ociLayer, digest: .sha256(of: [blob.0]), size: blob.1)
            }
            return image
        }
        let images = [image(1, [(1, 100), (2, 10)]), image(2, [(1, 100), (3, 20)]), image(3, [(3, 20), (4, 1)])]
        let inventory = RegistryInventory(images)
        #expect(images.map(\.size) == [110, 120, 21])
        #expect(images.map { inventory.ownBytes(of: $0) } == [10, 0, 1])
        #expect(inventory.bytesFreed(without: [images[0], images[1]]) == 110)
        #expect(inventory.bytesFreed(without: images) == 131)
        #expect(inventory.bytesFreed(without: []) == 0)
    }

    /// Random families of images under random records: nothing that is named, made from, in or about what is needed goes, and
    /// all else that is an old snapshot does.
    @Test(arguments: 0..<8) func decidesAsALookAtEachWould(_ seed: Int) {
        for round in 0..<50 {
            var random = SeededGenerator(seed: UInt64(seed * 1000 + round))
            let count = Int.random(in: 1...14, using: &random)
            let images = (0..<count).map { number in
                Self.image(
                    number,
                    parent: number > 0 && random.happens(0.6) ? Int.random(in: 0..<number, using: &random) : nil,
                    base: number > 0 && random.happens(0.3) ? 0 : nil,
                    created: random.happens(0.1) ? nil : random.happens(0.2) ? Self.now : Self.old,
                    isSnapshot: !random.happens(0.15),
                    content: number > 0 && random.happens(0.1) ? [Int.random(in: 0..<number, using: &random)] : [],
                    referrers: number > 0 && random.happens(0.15) ? [Int.random(in: 0..<number, using: &random)] : []
                )
            }
            let live = (0..<count).filter { _ in random.happens(0.2) }
            let going = Set(going(images, live: live))
            let staying = Set(0..<count).subtracting(going)
            let number = Dictionary(uniqueKeysWithValues: (0..<count).map { (Self.digest($0).description, $0) })
            func numbers(_ parts: [Descriptor]) -> [Int] { parts.compactMap { number[$0.digest.description] } }
            // What names an image in its record holds the whole of it.
            let named = (0..<count).filter { place in
                live.contains(place)
                    || !Set(numbers(images[place].content + images[place].referrers)).isDisjoint(with: live)
            }
            for place in going {
                let image = images[place]
                #expect(!named.contains(place) && image.origin != nil && image.created == Self.old)
                for other in staying where numbers(images[other].content).contains(place) {
                    Issue.record("\(place) is in \(other)")
                }
                for other in staying where numbers(images[other].referrers).contains(place) {
                    Issue.record("\(place) is about \(other)")
                }
                #expect(Set(numbers(image.referrers)).isSubset(of: going))
                for other in named {
                    let origins = [images[other].origin?.parent, images[other].origin?.base].compactMap { $0 }
                    #expect(!origins.contains(Self.digest(place).description), "\(other) was made from \(place)")
                }
            }
            // Whatever stays has a reason.
            for place in staying {
                let image = images[place]
                let isOrigin = named.contains { other in
                    [images[other].origin?.parent, images[other].origin?.base].contains(Self.digest(place).description)
                }
                let isPart = staying.contains { other in
                    other != place && numbers(images[other].content + images[other].referrers).contains(place)
                }
                let hasStayingReferrer = !Set(numbers(image.referrers)).isDisjoint(with: staying)
                #expect(
                    named.contains(place) || image.origin == nil || image.created != Self.old || isOrigin || isPart
                        || hasStayingReferrer,
                    "seed \(seed) round \(round): \(place)"
                )
            }
        }
    }
}
