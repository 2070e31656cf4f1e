// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Testing

@testable import RegistryInventory

/// What of a record is taken for the name of an image.
struct ReferenceIndexTests {
    private let digest = Digest.sha256(of: [1])

    private func image(_ repository: String, tags: [String] = ["snap-gen1"]) -> InventoryImage {
        InventoryImage(repository: repository, digest: digest, tags: tags)
    }

    private func isHeld(_ image: InventoryImage, by record: String) -> Bool {
        var index = ReferenceIndex(repositories: [image.repository, "registry.example/else"])
        index.add(record, holder: "x")
        return index.holder(of: image) != nil
    }

    @Test func findsDigestsWhereverTheyAre() {
        let image = image("registry.example/team/app", tags: [])
        for record in [
            "\(digest)", "other.example/x@\(digest)", "{\"a\":\"b:1@\(digest)\"}",
            "{\"a\":\"{\\\"d\\\":\\\"\(digest)\\\"}\"}",
            "docker-pullable://registry.example/team/app@\(digest)", "oci:\\/var\\/lib\\/x@\(digest)",
            "[\(digest),\(digest)]",
        ] { #expect(isHeld(image, by: record), "\(record)") }
        for record in ["", "\(digest.hex)", "\(Digest.sha256(of: [2]))", "sha256:\(digest.hex.dropLast())"] {
            #expect(!isHeld(image, by: record), "\(record)")
        }
    }

    /// Registries are known by other names elsewhere; repositories and tags are not.
    @Test func findsTagsOfTheRepository() {
        let image = image("registry.example/team/app")
        for record in [
            "\"registry.example/team/app:snap-gen1\"", "10.0.0.1:5000/team/app:snap-gen1", "team/app:snap-gen1",
            "mirror/registry.example/team/app:snap-gen1",
            "x=registry.example/team/app:snap-gen1@\(Digest.sha256(of: [3]))",
        ] { #expect(isHeld(image, by: record), "\(record)") }
        for record in [
            "registry.example/team/app:snap-gen12", "registry.example/team/app:snap",
            "registry.example/team/application:snap-gen1",
            "registry.example/app:snap-gen1", "otherteam/app:snap-gen1", "registry.example/team/app", "snap-gen1",
        ] { #expect(!isHeld(image, by: record), "\(record)") }
        #expect(
            isHeld(self.image("registry.example/team/app", tags: ["latest"]), by: "image: registry.example/team/app")
        )
    }

    @Test func findsTagsOfFolders() {
        let image = image("oci:/var/lib/stasis/snapshots")
        #expect(isHeld(image, by: #"{"reference":"oci:\/var\/lib\/stasis\/snapshots:snap-gen1"}"#))
        #expect(!isHeld(image, by: "oci:/var/lib/stasis/snapshots:snap-gen2"))
        #expect(!isHeld(image, by: "oci:/var/lib/other/snapshots:snap-gen1"))
    }

    /// Runtimes name images by their configurations, and records name what is in an index.
    @Test func findsParts() {
        var image = image("registry.example/app", tags: [])
        let config = Descriptor(of: [4], mediaType: .ociConfig)
        let layer = Descriptor(of: [5], mediaType: .ociLayer)
        image.content = [config, layer]
        image.referrers = [Descriptor(of: [6], mediaType: .ociManifest)]
        #expect(isHeld(image, by: config.digest.description))
        #expect(isHeld(image, by: image.referrers[0].digest.description))
        #expect(!isHeld(image, by: layer.digest.description))
    }
}
