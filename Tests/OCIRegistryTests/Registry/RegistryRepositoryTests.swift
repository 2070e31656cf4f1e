// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import OCIRegistry
import TestSupport
import Testing

/// Against Debian's docker-registry, open to everybody.
struct RegistryRepositoryTests {
    @Test func pushesAndPulls() async throws {
        let image = try await SampleImage.make()
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("team/app"))
                #expect(try await repository.resolve(.tag("1")) == nil)
                let pushed = try await image.push(to: repository, as: .tag("1"))
                #expect(try await repository.resolve(.tag("1")) == pushed)
                #expect(try await repository.resolve(.digest(pushed.digest)) == pushed)
                #expect(try await repository.manifest(.tag("1")).descriptor == pushed)
                let read = try await repository.image(.tag("1"))
                #expect(read.manifest == image.manifest)
                #expect(read.config == image.config)
                for blob in image.blobs {
                    #expect(try await repository.blobSize(blob.descriptor.digest) == blob.descriptor.size)
                    #expect(try await collect(try await repository.blob(blob.descriptor)) == blob.bytes)
                }
                #expect(try await repository.blobSize(.sha256(of: [1])) == nil)
                let inspected = try await Command.run(
                    "skopeo",
                    ["inspect", "--tls-verify=false", "docker://\(registry.authority)/team/app:1"]
                )
                #expect(inspected.contains(pushed.digest.description))
            }
        }
    }

    /// More chunks than one, one exactly full, and none at all.
    @Test(arguments: [0, 1, 999, 1000, 1001, 2000, 25_003])
    func uploadsInChunks(_ size: Int) async throws {
        let bytes = SampleImage.seededBytes(size)
        try await DockerRegistry.run { registry in
            try await withTestClient(chunkSize: 1000) { client, _ in
                let repository = client.repository(try registry.reference("chunks"))
                let digest = Digest.sha256(of: bytes)
                let written = try await repository.upload { upload in
                    var generator = SeededGenerator(seed: 3)
                    var rest = ByteBuffer(bytes: bytes)
                    while rest.readableBytes > 0 {
                        let length = min(rest.readableBytes, Int.random(in: 1...3000, using: &generator))
                        try await upload.write(try #require(rest.readSlice(length: length)))
                    }
                    return digest
                }
                #expect(written == Int64(size))
                let descriptor = Descriptor(mediaType: .ociLayer, digest: digest, size: written)
                #expect(try await repository.blobData(descriptor, limit: size) == bytes)
            }
        }
    }

    @Test func refusesAWrongDigestAndForgetsCancelledUploads() async throws {
        try await DockerRegistry.run { registry in
            try await withTestClient(chunkSize: 1000) { client, _ in
                let repository = client.repository(try registry.reference("wrong"))
                for size in [10, 5000] {
                    let wrong = Digest.sha256(of: [UInt8(size & 255)])
                    let error = await #expect(throws: RegistryError.self) {
                        try await repository.upload { upload in
                            try await upload.write(ByteBuffer(repeating: 1, count: size))
                            return wrong
                        }
                    }
                    #expect(error?.kind == .digestMismatch, "\(error.map { "\($0)" } ?? "")")
                    #expect(try await repository.blobSize(wrong) == nil)
                    #expect(try registry.unfinishedUploads().isEmpty, "after \(size) bytes")
                }
                let upload = try await repository.startUpload()
                try await upload.write(ByteBuffer(repeating: 1, count: 5000))
                await upload.cancel()
                await upload.cancel()
                await #expect(throws: RegistryError.self) { try await upload.commit(.sha256(of: [1])) }
                #expect(try registry.unfinishedUploads().isEmpty)
            }
        }
    }

    @Test func cancelsTheUploadOfACancelledTask() async throws {
        try await DockerRegistry.run { registry in
            try await withTestClient(chunkSize: 1000) { client, _ in
                let repository = client.repository(try registry.reference("cancelled"))
                let (started, signal) = AsyncStream.makeStream(of: Void.self)
                await withThrowingTaskGroup(of: Int64.self) { group in
                    group.addTask {
                        try await repository.upload { upload in
                            try await upload.write(ByteBuffer(repeating: 1, count: 5000))
                            signal.finish()
                            while true {
                                try Task.checkCancellation()
                                await Task.yield()
                            }
                        }
                    }
                    for await _ in started {}
                    group.cancelAll()
                    await #expect(throws: CancellationError.self) { try await group.next() }
                }
                #expect(try registry.unfinishedUploads().isEmpty)
            }
        }
    }

    @Test func mountsWithinARegistry() async throws {
        let image = try await SampleImage.make()
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let source = client.repository(try registry.reference("source"))
                let target = client.repository(try registry.reference("target"))
                try await image.push(to: source, as: .tag("1"))
                let layer = image.manifest.layers[0]
                #expect(try await target.mountBlob(layer.digest, from: "source"))
                #expect(try await collect(try await target.blob(layer)) == image.blobs[1].bytes)
                #expect(try await !target.mountBlob(.sha256(of: [1]), from: "source"))
                #expect(try await !target.mountBlob(image.manifest.layers[1].digest, from: "nowhere"))
                // The rest of the image is mounted by copyImage, and what is there already is left alone.
                let copied = try await copyImage(.tag("1"), from: source, to: target, as: .tag("2"))
                #expect(try await target.resolve(.tag("2")) == copied)
                #expect(try await !copyBlob(image.manifest.layers[1], from: source, to: target))
            }
        }
    }

    @Test func copiesBetweenRegistriesAndLayouts() async throws {
        let image = try await SampleImage.make(
            layers: (0..<7).map { ["f\($0)": SampleImage.seededBytes(9000, seed: $0)] }
        )
        try await DockerRegistry.run { first in
            try await DockerRegistry.run { second in
                try await withTemporaryFolder { folder in
                    try await withTestClient(chunkSize: 4096) { client, _ in
                        let layout = ImageLayoutRepository(folder: folder)
                        let pushed = try await image.push(to: layout, as: .tag("1"))
                        let there = client.repository(try first.reference("a/b"))
                        let elsewhere = client.repository(try second.reference("c"))
                        try await copyImage(.tag("1"), from: layout, to: there, as: .tag("x"))
                        try await copyImage(.digest(pushed.digest), from: there, to: elsewhere, as: .tag("y"))
                        let back = ImageLayoutRepository(folder: "\(folder)/back")
                        let copied = try await copyImage(.tag("y"), from: elsewhere, to: back, as: .tag("z"))
                        #expect(copied.digest == pushed.digest)
                        #expect(try await back.image(.tag("z")).config == image.config)
                        for blob in image.blobs {
                            #expect(try await collect(try await back.blob(blob.descriptor)) == blob.bytes)
                        }
                    }
                }
            }
        }
    }

    @Test func pullsDockersTypes() async throws {
        let image = try await SampleImage.make()
        try await DockerRegistry.run { registry in
            try await withTemporaryFolder { folder in
                try await image.push(to: ImageLayoutRepository(folder: folder), as: .tag("1"))
                try await Command.run(
                    "skopeo",
                    [
                        "copy", "--format", "v2s2", "--dest-tls-verify=false", "oci:\(folder):1",
                        "docker://\(registry.authority)/docker:1",
                    ]
                )
                try await withTestClient { client, _ in
                    let repository = client.repository(try registry.reference("docker"))
                    let content = try await repository.manifest(.tag("1"))
                    #expect(content.mediaType == .dockerManifest)
                    let read = try await repository.image(.tag("1"))
                    #expect(read.manifest.config.mediaType == .dockerConfig)
                    #expect(read.manifest.layers.map(\.mediaType) == [.dockerLayerGzip, .dockerLayerGzip])
                    #expect(read.config.rootfs.diffIDs == image.config.rootfs.diffIDs)
                    #expect(try await repository.resolve(.tag("1"))?.mediaType == .dockerManifest)
                    let layout = ImageLayoutRepository(folder: "\(folder)/copy")
                    let copied = try await copyImage(.tag("1"), from: repository, to: layout, as: .tag("1"))
                    #expect(copied.digest == content.digest)
                }
            }
        }
    }

    @Test func saysThatAnImageIsUnknown() async throws {
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("nobody/nothing"))
                let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
                #expect(error?.isNotFound == true)
                #expect(error?.status == 404)
                #expect(error?.answers.first?.code == "MANIFEST_UNKNOWN")
                #expect(error?.subject == "\(registry.authority)/nobody/nothing:1")
                let blob = Descriptor(mediaType: .ociLayer, digest: .sha256(of: [1]), size: 1)
                let other = await #expect(throws: RegistryError.self) { try await repository.blob(blob) }
                #expect(other?.isNotFound == true)
                #expect(other?.answers.first?.code == "BLOB_UNKNOWN")
                await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("../../x")) }
            }
        }
    }

    @Test func refusesAManifestWhoseBlobsAreMissing() async throws {
        let image = try await SampleImage.make()
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("half"))
                let error = await #expect(throws: RegistryError.self) {
                    let bytes = try ImageDocument.encode(image.manifest)
                    return try await repository.putManifest(bytes, mediaType: .ociManifest, as: .tag("1"))
                }
                #expect(error?.answers.contains { $0.code == "MANIFEST_BLOB_UNKNOWN" } == true)
                #expect(try await repository.resolve(.tag("1")) == nil)
            }
        }
    }

    @Test(arguments: [false, true])
    func noticesDamageInTheRegistry(_ truncated: Bool) async throws {
        let image = try await SampleImage.make()
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("damaged"))
                let pushed = try await image.push(to: repository, as: .tag("1"))
                let layer = image.manifest.layers[1]
                try damage(registry.blobFile(sha256: layer.digest.hex), truncated: truncated)
                let error = await #expect(throws: RegistryError.self) {
                    try await collect(try await repository.blob(layer))
                }
                #expect(error?.kind == (truncated ? .sizeMismatch : .digestMismatch), "\(error.map { "\($0)" } ?? "")")
                try damage(registry.blobFile(sha256: pushed.digest.hex))
                await #expect(throws: RegistryError.self) { try await repository.manifest(.digest(pushed.digest)) }
            }
        }
    }

    @Test func holdsOnlySoMuchInMemory() async throws {
        let image = try await SampleImage.make()
        try await DockerRegistry.run { registry in
            try await withTestClient { client, _ in
                let repository = client.repository(try registry.reference("limits"))
                try await image.push(to: repository, as: .tag("1"))
                let layer = image.manifest.layers[1]
                let error = await #expect(throws: RegistryError.self) {
                    try await repository.blobData(layer, limit: Int(layer.size) - 1)
                }
                #expect(error?.kind == .tooLarge)
                // A descriptor that lies about the size is found out.
                var small = layer
                small.size = 10
                let lie = await #expect(throws: RegistryError.self) { try await repository.blobData(small, limit: 100) }
                #expect(lie?.kind == .sizeMismatch)
            }
        }
    }

    @Test func saysThatNobodyAnswers() async throws {
        let address = try await DockerRegistry.run { $0.authority }
        try await withTestClient { client, pauses in
            let repository = client.repository(try ImageReference(parsing: "\(address)/a"))
            let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
            #expect(error?.kind == .unreachable)
            #expect("\(try #require(error))".contains("no connection to \(address)"), "\(error.map { "\($0)" } ?? "")")
            #expect(pauses.all.count == 2, "it was tried three times")
        }
    }
}
