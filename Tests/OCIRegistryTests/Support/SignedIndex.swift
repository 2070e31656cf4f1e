// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry

/// An index of two images with what refers to it: a signature of the index, a list of contents of one of the images, and a
/// signature of that list.
struct SignedIndex {
    /// The images, in the index's order.
    let images: [SampleImage]
    let index: Descriptor
    let indexSignature: Descriptor
    let contents: Descriptor
    let contentsSignature: Descriptor

    var referrers: Set<Digest> { [indexSignature.digest, contents.digest, contentsSignature.digest] }

    /// Makes it in a repository, under a tag.
    static func push(to repository: any ImageRepository, tag: String, seed: UInt64 = 1) async throws -> SignedIndex {
        let shared = ["shared": SampleImage.seededBytes(60_000, seed: seed)]
        let images = [
            try await SampleImage.make(layers: [shared, ["own": SampleImage.seededBytes(40_000, seed: seed + 1)]]),
            try await SampleImage.make(
                layers: [shared, ["own": SampleImage.seededBytes(20_000, seed: seed + 2)]],
                platform: Platform(os: "linux", architecture: "s390x")
            ),
        ]
        var entries: [Descriptor] = []
        for image in images {
            let digest = Digest.sha256(of: try ImageDocument.encode(image.manifest))
            var entry = try await image.push(to: repository, as: .digest(digest))
            entry.platform = image.config.platform
            entries.append(entry)
        }
        // White space, as other writers have it: bytes have to be kept.
        let bytes = try ImageDocument.encode(ImageIndex(manifests: entries)) + Array("\n".utf8)
        let index = try await repository.putManifest(bytes, mediaType: .ociIndex, as: .tag(tag))
        let contents = try await attach("test/contents", about: entries[0], to: repository, seed: seed + 3)
        return SignedIndex(
            images: images,
            index: index,
            indexSignature: try await attach("test/signature", about: index, to: repository, seed: seed + 4),
            contents: contents,
            contentsSignature: try await attach("test/signature", about: contents, to: repository, seed: seed + 5)
        )
    }

    /// Attaches an artifact with a blob of its own.
    static func attach(
        _ type: String,
        about subject: Descriptor,
        to repository: any ImageRepository,
        seed: UInt64
    ) async throws -> Descriptor {
        let empty = try await repository.putBlob(
            Array("{}".utf8),
            mediaType: MediaType("application/vnd.oci.empty.v1+json")
        )
        let layer = try await repository.putBlob(
            SampleImage.seededBytes(5000, seed: seed),
            mediaType: MediaType("application/vnd.test")
        )
        var about = subject
        (about.platform, about.annotations) = (nil, nil)
        let manifest = ImageManifest(artifactType: type, config: empty, layers: [layer], subject: about)
        let bytes = try ImageDocument.encode(manifest)
        return try await repository.putManifest(bytes, mediaType: .ociManifest, as: .digest(.sha256(of: bytes)))
    }

    /// What differs between a repository that has a copy and what was made.
    func faults(in repository: any ImageRepository, tag: String) async throws -> [String] {
        var faults: [String] = []
        if try await repository.resolve(.tag(tag))?.digest != index.digest { faults.append("the tag") }
        for image in images {
            let found = try await repository.image(.tag(tag), for: image.config.platform)
            if found.config != image.config { faults.append("the config for \(image.config.platform)") }
            for blob in image.blobs where try await collect(try await repository.blob(blob.descriptor)) != blob.bytes {
                faults.append("\(blob.descriptor.digest)")
            }
        }
        let pairs = [
            (index, indexSignature), (try await subject(of: contents, in: repository), contents),
            (contents, contentsSignature),
        ]
        for (subject, referrer) in pairs {
            let found = try await repository.referrers(of: subject.digest, artifactType: nil)
            if found.map(\.digest) != [referrer.digest] { faults.append("what refers to \(subject.digest)") }
            for blob in try await repository.manifest(.digest(referrer.digest)).imageManifest().blobs {
                _ = try await collect(try await repository.blob(blob))
            }
        }
        return faults
    }

    private func subject(of referrer: Descriptor, in repository: any ImageRepository) async throws -> Descriptor {
        try await repository.manifest(.digest(referrer.digest)).imageManifest().subject ?? referrer
    }
}
