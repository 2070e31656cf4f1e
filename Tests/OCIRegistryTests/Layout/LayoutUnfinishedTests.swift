// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

/// What writers leave in an image layout that fail or die before their manifest is there.
struct LayoutUnfinishedTests {
    @Test("removes the blobs of a writer that gave up, and no others")
    func abandoned() async throws {
        let image = try await SampleImage.make()
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            let descriptor = try await image.push(to: layout, as: .tag("one"))
            // Somebody else's, who keeps it without an entry in the index.
            let foreign = "\(folder)/blobs/sha256/\(Digest.sha256(of: [9]).hex)"
            try Data([9]).write(to: URL(fileURLWithPath: foreign))
            try await Self.giveUp([1, 2, 3], in: folder)
            let live = ImageLayoutRepository(folder: folder)
            let alive = try await live.putBlob([4, 5, 6], mediaType: .ociConfig)
            #expect(try await layout.blobSize(.sha256(of: [1, 2, 3])) == 3)

            try await layout.removeUnfinished()
            #expect(try await layout.blobSize(.sha256(of: [1, 2, 3])) == nil)
            #expect(FileManager.default.fileExists(atPath: foreign))
            #expect(try await layout.blobSize(alive.digest) == 3)
            for blob in image.blobs { #expect(try await layout.blobSize(blob.descriptor.digest) != nil) }
            #expect(try await layout.resolve(.tag("one"))?.digest == descriptor.digest)
            withExtendedLifetime(live) {}
        }
    }

    @Test("keeps what a manifest needs by now, whoever had put it there")
    func neededMeanwhile() async throws {
        let image = try await SampleImage.make()
        try await withTemporaryFolder { folder in
            for blob in image.blobs { try await Self.giveUp(blob.bytes, in: folder) }
            let layout = ImageLayoutRepository(folder: folder)
            try await image.push(to: layout, as: .tag("one"))
            try await layout.removeUnfinished()
            for blob in image.blobs { #expect(try await layout.blobSize(blob.descriptor.digest) != nil) }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(left == ["blobs", "index.json", "oci-layout"])
        }
    }

    @Test("deletes the rest of an image whose deletion was cut off")
    func deletionCutOff() async throws {
        let image = try await SampleImage.make()
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            let descriptor = try await image.push(to: layout, as: .tag("one"))
            // As far as a deletion had come that was killed: no entry, and some of the blobs gone.
            let index = #"{"schemaVersion":2,"manifests":[]}"#
            try index.write(toFile: "\(folder)/index.json", atomically: true, encoding: .utf8)
            try FileManager.default.removeItem(
                atPath: "\(folder)/blobs/sha256/\(image.manifest.config.digest.hex)"
            )
            #expect(try await layout.deleteManifest(descriptor.digest) == .deleted)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/blobs/sha256").isEmpty)
        }
    }

    /// Writes a blob and ends before there is a manifest.
    private static func giveUp(_ bytes: [UInt8], in folder: String) async throws {
        let layout = ImageLayoutRepository(folder: folder)
        _ = try await layout.putBlob(bytes, mediaType: .ociConfig)
    }
}
