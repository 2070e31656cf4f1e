// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import OCIRegistry
import TestSupport
import Testing

/// Sources that say what is not true, or more than anybody wants to hear.
struct HostileCopyTests {
    private let empty = Array("{}".utf8)

    /// Copies from a registry and expects a failure of the source, with nothing left at the target.
    private func refusal(
        _ registry: DoubtfulRegistry,
        limits: ImageCopyOptions.Limits = .init()
    ) async throws -> RegistryError? {
        try await DockerRegistry.run { real in
            try await withTestClient { client, _ in
                var found: RegistryError?
                try await registry.run(client) { source in
                    let target = client.repository(try real.reference("app"))
                    let copy = ImageCopy(from: source, to: target, options: ImageCopyOptions(limits: limits))
                    let error = await #expect(throws: ImageCopyError.self) { try await copy.run(.tag("1")) }
                    #expect(error?.side == .source, "\(error.map { "\($0)" } ?? "")")
                    #expect(try await target.tags(after: nil, limit: 10) == [])
                    #expect(try real.unfinishedUploads().isEmpty)
                    found = error?.error
                }
                return found
            }
        }
    }

    @Test func refusesOtherBytes() async throws {
        let registry = DoubtfulRegistry()
        let config = registry.keepBlob(empty)
        let layer = Descriptor(of: [1, 2, 3], mediaType: .ociLayer)
        registry.keep([1, 2, 4], asBlob: layer.digest)
        _ = try registry.keep([config, layer], as: "1")
        #expect(try await refusal(registry)?.kind == .digestMismatch)
    }

    @Test(arguments: [2, 4]) func refusesAnotherSize(_ size: Int) async throws {
        let registry = DoubtfulRegistry()
        let config = registry.keepBlob(empty)
        let layer = Descriptor(of: [1, 2, 3], mediaType: .ociLayer)
        registry.keep(Array([1, 2, 3, 4].prefix(size)), asBlob: layer.digest)
        _ = try registry.keep([config, layer], as: "1")
        #expect(try await refusal(registry)?.kind == .sizeMismatch)
    }

    /// It is given up when it has sent more than it said, and not read on.
    @Test func endsABlobWithoutEnd() async throws {
        let config = Descriptor(of: empty, mediaType: .ociConfig)
        let layer = Descriptor(of: [1, 2, 3], mediaType: .ociLayer)
        let manifest = try ImageDocument.encode(ImageManifest(config: config, layers: [layer]))
        try await RawWebServer.run({ exchange in
            if exchange.head.contains("/manifests/") {
                let text = String(decoding: manifest, as: UTF8.self)
                return try await exchange.answer("200 OK", type: MediaType.ociManifest.rawValue, text)
            }
            guard exchange.head.contains("/blobs/\(layer.digest)") else {
                return try await exchange.answer(exchange.head.contains("/blobs/") ? "200 OK" : "404 Not Found", "{}")
            }
            try await exchange.sendHead(type: "application/octet-stream")
            while true { try await exchange.sendChunk(String(repeating: "x", count: 65536)) }
        }) { server in
            try await withTemporaryFolder { folder in
                try await withTestClient { client, _ in
                    let source = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                    let target = ImageLayoutRepository(folder: folder)
                    let error = await #expect(throws: ImageCopyError.self) {
                        try await ImageCopy(from: source, to: target).run(.tag("1"))
                    }
                    #expect(error?.side == .source)
                    #expect(error?.error.kind == .sizeMismatch)
                    #expect(try await target.blobSize(layer.digest) == nil)
                }
            }
        }
    }

    /// An index of an index of an index.
    @Test func refusesDepth() async throws {
        let registry = DoubtfulRegistry()
        var inner = try registry.keep([registry.keepBlob(empty)])
        for _ in 0..<9 { inner = registry.keep(try ImageDocument.encode(ImageIndex(manifests: [inner])), .ociIndex) }
        _ = registry.keep(try ImageDocument.encode(ImageIndex(manifests: [inner])), .ociIndex, as: "1")
        let error = try await refusal(registry)
        #expect(error?.kind == .tooLarge)
        #expect(error?.reason.contains("nested") == true)
    }

    /// Signatures of signatures of signatures.
    @Test func refusesReferrersWithoutEnd() async throws {
        let registry = DoubtfulRegistry()
        let config = registry.keepBlob(empty)
        var subject = try registry.keep([config], as: "1")
        for _ in 0..<10 {
            let signature = try registry.keep([config], subject: subject)
            registry.list([signature], of: subject.digest)
            subject = signature
        }
        #expect(try await refusal(registry)?.reason.contains("nested") == true)
    }

    /// A list of referrers that goes on and on, page by page.
    @Test func refusesAListWithoutEnd() async throws {
        let registry = DoubtfulRegistry()
        _ = try registry.keep([registry.keepBlob(empty)], as: "1")
        let padding = String(repeating: "x", count: 8 << 20)
        try await TestWebServer.run({ request in
            guard request.target.contains("/referrers/") else { return registry.answer(request) }
            let path = request.target.prefix { $0 != "?" }
            let page = Int(request.target.split(separator: "=").last ?? "") ?? 0
            return .init(
                .ok,
                ["Link": "<\(path)?page=\(page + 1)>; rel=\"next\""],
                text: #"{"schemaVersion":2,"manifests":[],"annotations":{"a":"\#(padding)"}}"#
            )
        }) { server in
            try await withTemporaryFolder { folder in
                try await withTestClient { client, _ in
                    let source = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                    let error = await #expect(throws: ImageCopyError.self) {
                        try await ImageCopy(from: source, to: ImageLayoutRepository(folder: folder)).run(.tag("1"))
                    }
                    #expect(error?.side == .source)
                    #expect(error?.error.kind == .tooLarge)
                    #expect(server.requests.count < 15)
                }
            }
        }
    }

    @Test func refusesMoreThanTheLimits() async throws {
        let registry = DoubtfulRegistry()
        let blobs = (0..<6).map { registry.keepBlob([UInt8($0)]) }
        let entries = try blobs.map { try registry.keep([$0]) }
        _ = registry.keep(try ImageDocument.encode(ImageIndex(manifests: entries)), .ociIndex, as: "1")
        let limits: [ImageCopyOptions.Limits] = [
            .init(manifests: 6), .init(manifestBytes: 1500), .init(blobs: 5), .init(blobBytes: 5),
        ]
        for limit in limits { #expect(try await refusal(registry, limits: limit)?.kind == .tooLarge, "\(limit)") }
    }

    /// Sizes that cannot be added up, and sizes that contradict each other.
    @Test func refusesImpossibleSizes() async throws {
        let registry = DoubtfulRegistry()
        var huge = [Descriptor(of: [1], mediaType: .ociLayer), Descriptor(of: [2], mediaType: .ociLayer)]
        for index in huge.indices { huge[index].size = .max }
        _ = try registry.keep(huge, as: "1")
        #expect(try await refusal(registry)?.kind == .tooLarge)
        var other = registry.keepBlob([1])
        let true1 = other
        other.size = 2
        let entries = [try registry.keep([true1]), try registry.keep([other])]
        _ = registry.keep(try ImageDocument.encode(ImageIndex(manifests: entries)), .ociIndex, as: "1")
        #expect(try await refusal(registry)?.kind == .sizeMismatch)
    }

    @Test func refusesWhatIsNoManifest() async throws {
        let registry = DoubtfulRegistry()
        registry.keep(Array("[]".utf8), as: "1")
        #expect(try await refusal(registry)?.kind == .malformedDocument)
        let missing = Descriptor(of: [7], mediaType: .ociManifest)
        registry.keep(try ImageDocument.encode(ImageIndex(manifests: [missing])), .ociIndex, as: "1")
        #expect(try await refusal(registry)?.kind == .notFound)
        // The manifest is not the one that it is called.
        let digest = Digest.sha256(of: [8])
        var lie = Descriptor(of: [8], mediaType: .ociManifest)
        lie.digest = digest
        registry.keep(try ImageDocument.encode(ImageIndex(manifests: [lie])), .ociIndex, as: "1")
        #expect(try await refusal(registry)?.kind == .notFound)
    }

    /// A list of referrers may be old, or somebody's joke: the image is copied all the same, and it is said what was not.
    @Test func leavesStraysBehind() async throws {
        let registry = DoubtfulRegistry()
        let config = registry.keepBlob(empty)
        let image = try registry.keep([config], as: "1")
        let stranger = try registry.keep([config], subject: Descriptor(of: [9], mediaType: .ociManifest))
        let signature = try registry.keep([config], subject: image)
        let gone = Descriptor(of: [5], mediaType: .ociManifest)
        registry.list([gone, stranger, signature, image], of: image.digest)
        try await withTemporaryFolder { folder in
            try await withTestClient { client, _ in
                try await registry.run(client) { source in
                    let target = ImageLayoutRepository(folder: folder)
                    let outcome = try await ImageCopy(from: source, to: target).run(.tag("1"))
                    #expect(outcome.referrers.map(\.digest) == [signature.digest])
                    #expect(outcome.strays.map(\.digest) == [gone.digest, stranger.digest])
                    #expect(try await target.resolve(.digest(stranger.digest)) == nil)
                    let found = try await target.referrers(of: image.digest, artifactType: nil)
                    #expect(found.map(\.digest) == [signature.digest])
                }
            }
        }
    }
}
