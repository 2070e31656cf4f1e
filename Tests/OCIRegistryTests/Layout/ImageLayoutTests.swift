// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import OCIRegistry
import TestSupport
import Testing

struct ImageLayoutTests {
    @Test func writesWhatSkopeoAndUmociRead() async throws {
        let image = try await SampleImage.make()
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: "\(folder)/deep/images")
            let descriptor = try await image.push(to: layout, as: .tag("one"))
            let inspected = try await Command.run("skopeo", ["inspect", "oci:\(layout.folder):one"])
            #expect(inspected.contains(descriptor.digest.description))
            for layer in image.manifest.layers { #expect(inspected.contains(layer.digest.description)) }
            try await Command.run(
                "umoci",
                ["unpack", "--rootless", "--image", "\(layout.folder):one", "\(folder)/bundle"]
            )
            let hello = try String(contentsOfFile: "\(folder)/bundle/rootfs/hello", encoding: .utf8)
            #expect(hello == "hello\n")
        }
    }

    @Test func readsWhatSkopeoWrites() async throws {
        let image = try await SampleImage.make()
        try await withTemporaryFolder { folder in
            let first = ImageLayoutRepository(folder: "\(folder)/a")
            try await image.push(to: first, as: .tag("one"))
            try await Command.run("skopeo", ["copy", "oci:\(folder)/a:one", "oci:\(folder)/b:two"])
            let second = ImageLayoutRepository(folder: "\(folder)/b")
            let read = try await second.image(.tag("two"))
            #expect(read.config == image.config)
            #expect(read.manifest.layers == image.manifest.layers)
            #expect(try await second.onlyReference() == .tag("two"))
            for blob in image.blobs {
                #expect(try await collect(try await second.blob(blob.descriptor)) == blob.bytes)
                #expect(try await second.blobSize(blob.descriptor.digest) == blob.descriptor.size)
            }
        }
    }

    @Test func findsByTagAndByDigest() async throws {
        let image = try await SampleImage.make()
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            #expect(try await layout.resolve(.tag("one")) == nil)
            await #expect(throws: RegistryError.self) { try await layout.onlyReference() }
            let descriptor = try await image.push(to: layout, as: .tag("one"))
            #expect(try await layout.resolve(.tag("one"))?.digest == descriptor.digest)
            #expect(try await layout.resolve(.digest(descriptor.digest)) == descriptor)
            #expect(try await layout.resolve(.tag("two")) == nil)
            #expect(try await layout.resolve(.digest(.sha256(of: [1]))) == nil)
            // A moved tag leaves the old manifest where its digest finds it.
            let other = try await SampleImage.make(layers: [["other": [1]]])
            try await other.push(to: layout, as: .tag("one"))
            #expect(try await layout.resolve(.tag("one"))?.digest != descriptor.digest)
            #expect(try await layout.image(.digest(descriptor.digest)).config == image.config)
            let error = await #expect(throws: RegistryError.self) { try await layout.manifest(.tag("two")) }
            #expect(error?.isNotFound == true)
        }
    }

    @Test func keepsOtherWritersEntries() async throws {
        let image = try await SampleImage.make()
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            try await image.push(to: layout, as: .tag("one"))
            let path = "\(folder)/index.json"
            let foreign = """
                {"schemaVersion":2,"annotations":{"who":"else"},"manifests":[{"mediaType":"application/x","size":3,\
                "digest":"\(Digest.sha256(of: [9]))","newField":{"a":[1]}}],"newer":true}
                """
            try foreign.write(toFile: path, atomically: true, encoding: .utf8)
            try await image.push(to: layout, as: .tag("two"))
            try await image.push(to: layout, as: .tag("two"))
            let after = try String(contentsOfFile: path, encoding: .utf8)
            for part in [#""newField":{"a":[1]}"#, #""who":"else""#, #""newer":true"#, #""two""#] {
                #expect(after.contains(part), "\(part)")
            }
            #expect(after.components(separatedBy: "ref.name").count == 2, "one entry for a tag")
        }
    }

    @Test func takesManyWritersAtOnce() async throws {
        let image = try await SampleImage.make()
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            try await image.push(to: layout, as: .tag("t0"))
            let manifest = try ImageDocument.encode(image.manifest)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<32 {
                    // Each with a value of its own, as each process would have.
                    let writer = ImageLayoutRepository(folder: folder)
                    group.addTask {
                        try await writer.putManifest(manifest, mediaType: .ociManifest, as: .tag("t\(number)"))
                    }
                }
                try await group.waitForAll()
            }
            for number in 0..<32 {
                let found = try await layout.resolve(.tag("t\(number)"))
                #expect(found != nil, "t\(number)")
            }
            let rest = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(Set(rest) == ["blobs", "index.json", "oci-layout"])
        }
    }

    @Test func refusesWrongBytes() async throws {
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            let upload = try await layout.startUpload()
            try await upload.write(ByteBuffer(string: "abc"))
            let wrong = Digest.sha256(of: [0])
            let error = await #expect(throws: RegistryError.self) { try await upload.commit(wrong) }
            #expect(error?.kind == .digestMismatch)
            await upload.cancel()
            #expect(try await layout.blobSize(wrong) == nil)
            await #expect(throws: RegistryError.self) { try await upload.write(ByteBuffer(string: "d")) }
            await #expect(throws: RegistryError.self) {
                try await layout.putManifest([1], mediaType: .ociManifest, as: .digest(wrong))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasPrefix(".") })
        }
    }

    @Test func commitsUnderSHA512() async throws {
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            let bytes = SampleImage.seededBytes(3_000_000)
            let digest = Digest.of(bytes, algorithm: .sha512)
            let size = try await layout.upload { upload in
                try await upload.write(ByteBuffer(bytes: bytes))
                return digest
            }
            #expect(size == 3_000_000)
            let descriptor = Descriptor(mediaType: .ociLayer, digest: digest, size: size)
            #expect(try await layout.blobData(descriptor, limit: 4_000_000) == bytes)
        }
    }

    @Test(arguments: [(false, RegistryError.Kind.digestMismatch), (true, .sizeMismatch)])
    func noticesDamage(_ truncated: Bool, _ kind: RegistryError.Kind) async throws {
        let image = try await SampleImage.make()
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            let descriptor = try await image.push(to: layout, as: .tag("one"))
            for digest in [image.manifest.layers[1].digest, descriptor.digest] {
                try damage("\(folder)/blobs/sha256/\(digest.hex)", truncated: truncated)
            }
            let error = await #expect(throws: RegistryError.self) {
                try await collect(try await layout.blob(image.manifest.layers[1]))
            }
            #expect(error?.kind == kind)
            let other = await #expect(throws: RegistryError.self) { try await layout.manifest(.tag("one")) }
            #expect(other?.kind == .digestMismatch)
        }
    }

    @Test func removesWhatDeadWritersLeft() async throws {
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            let alive = try await layout.startUpload()
            try await alive.write(ByteBuffer(string: "abc"))
            try "half".write(toFile: "\(folder)/.upload-dead", atomically: false, encoding: .utf8)
            let next = try await layout.startUpload()
            await next.cancel()
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix(".") }
            #expect(names.count == 1 && names != [".upload-dead"], "the living writer's file stays: \(names)")
            #expect(try await alive.commit(.sha256(of: Array("abc".utf8))) == 3)
        }
    }

    @Test(arguments: [
        (#"{"imageLayoutVersion":"2.0.0"}"#, #"{"schemaVersion":2,"manifests":[]}"#),
        (nil, #"{"schemaVersion":2,"manifests":[]}"#),
        (#"{"imageLayoutVersion":"1.0.0"}"#, "not JSON"),
    ])
    func refusesWhatIsNotALayout(_ version: String?, _ index: String) async throws {
        try await withTemporaryFolder { folder in
            try version?.write(toFile: "\(folder)/oci-layout", atomically: true, encoding: .utf8)
            try index.write(toFile: "\(folder)/index.json", atomically: true, encoding: .utf8)
            let layout = ImageLayoutRepository(folder: folder)
            let error = await #expect(throws: RegistryError.self) { try await layout.resolve(.tag("a")) }
            #expect(error?.kind == .malformedDocument)
            await #expect(throws: RegistryError.self) {
                try await layout.putManifest([1], mediaType: .ociManifest, as: .tag("a"))
            }
        }
    }

    @Test func saysWhereItMayNotWrite() async throws {
        let layout = ImageLayoutRepository(folder: "/proc/images")
        let error = await #expect(throws: RegistryError.self) { try await layout.startUpload() }
        #expect("\(try #require(error))".contains("/proc/images"))
    }

    @Test func choosesByPlatform() async throws {
        let mine = try await SampleImage.make()
        let other = try await SampleImage.make(platform: Platform(os: "linux", architecture: "s390x"))
        try await withTemporaryFolder { folder in
            let layout = ImageLayoutRepository(folder: folder)
            var entries: [Descriptor] = []
            for image in [other, mine] {
                let digest = Digest.sha256(of: try ImageDocument.encode(image.manifest))
                var entry = try await image.push(to: layout, as: .digest(digest))
                entry.platform = image.config.platform
                entries.append(entry)
            }
            let index = try ImageDocument.encode(ImageIndex(manifests: entries))
            try await layout.putManifest(index, mediaType: .ociIndex, as: .tag("multi"))
            #expect(try await layout.onlyReference() == .tag("multi"))
            #expect(try await layout.image(.tag("multi")).config == mine.config)
            let error = await #expect(throws: RegistryError.self) {
                try await layout.image(.tag("multi"), for: Platform(os: "linux", architecture: "riscv64"))
            }
            #expect(error?.kind == .noSuchPlatform)
            let single = await #expect(throws: RegistryError.self) {
                try await layout.image(.digest(entries[0].digest))
            }
            #expect(single?.kind == .noSuchPlatform)
            // A whole index arrives with all its images.
            try await copyImage(
                .tag("multi"),
                from: layout,
                to: ImageLayoutRepository(folder: "\(folder)/copy"),
                as: .tag("m")
            )
            let copy = ImageLayoutRepository(folder: "\(folder)/copy")
            #expect(try await copy.image(.tag("m"), for: other.config.platform).config == other.config)
        }
    }
}

/// Changes one byte of a file, or cuts off its last one.
func damage(_ path: String, truncated: Bool = false) throws {
    var bytes = try Data(contentsOf: URL(filePath: path))
    if truncated { bytes.removeLast() } else { bytes[bytes.count / 2] ^= 1 }
    try bytes.write(to: URL(filePath: path))
}
