// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOHTTP1
import OCIRegistry
import Synchronization
import TestSupport
import Testing

/// Connections that break, between the client and a real registry.
struct FaultTests {
    private func withProxy(
        chunkSize: Int = 100_000,
        _ body: (FaultProxy, RegistryRepository, DockerRegistry) async throws -> Void
    ) async throws {
        try await DockerRegistry.run { registry in
            try await FaultProxy.run(before: registry.authority) { proxy in
                try await withTestClient(chunkSize: chunkSize) { client, _ in
                    let reference = try ImageReference(parsing: "\(proxy.authority)/app")
                    try await body(proxy, client.repository(reference), registry)
                }
            }
        }
    }

    private let bytes = SampleImage.seededBytes(350_000)
    private var descriptor: Descriptor { Descriptor(of: bytes, mediaType: .ociLayer) }

    @Test func goesOnWithADownload() async throws {
        try await withProxy { proxy, repository, _ in
            _ = try await repository.putBlob(bytes, mediaType: .ociLayer)
            for cut in [0, 100, 10_000, 340_000] {
                proxy.cut(.toClient, after: cut)
                #expect(try await collect(try await repository.blob(descriptor)) == bytes)
            }
            #expect(proxy.cuts == 4)
        }
    }

    /// Writes 350,000 bytes in chunks of 100,000.
    private func upload(to repository: RegistryRepository) async throws {
        let size = try await repository.upload { upload in
            try await upload.write(ByteBuffer(bytes: bytes))
            return descriptor.digest
        }
        #expect(size == Int64(bytes.count))
        #expect(try await repository.blobData(descriptor, limit: bytes.count) == bytes)
    }

    @Test func repeatsAChunkThatDidNotArrive() async throws {
        try await withProxy { proxy, repository, _ in
            proxy.cut(.toServer, after: 0, of: "PATCH ")
            try await upload(to: repository)
            #expect(proxy.cuts == 1)
        }
    }

    /// docker-registry drops a session that was cut within a chunk, or after it: the upload says so.
    @Test(arguments: [(FaultProxy.Direction.toServer, 50_000), (.toClient, 0)])
    func saysThatAnUploadWasLost(_ direction: FaultProxy.Direction, _ cut: Int) async throws {
        try await withProxy { proxy, repository, _ in
            proxy.cut(direction, after: cut, of: "PATCH ")
            let error = await #expect(throws: RegistryError.self) { try await upload(to: repository) }
            #expect(error?.kind == .uploadLost, "\(error.map { "\($0)" } ?? "")")
            let there = try await repository.blobSize(descriptor.digest)
            #expect(there == nil)
            #expect(proxy.cuts == 1)
        }
    }

    /// A copy has its source and begins again.
    @Test func copiesAgainWhatWasLost() async throws {
        try await withProxy { proxy, repository, _ in
            try await withTemporaryFolder { folder in
                let layout = ImageLayoutRepository(folder: folder)
                _ = try await layout.putBlob(bytes, mediaType: .ociLayer)
                proxy.cut(.toServer, after: 50_000, of: "PATCH ")
                #expect(try await copyBlob(descriptor, from: layout, to: repository))
                #expect(proxy.cuts == 1)
                #expect(try await repository.blobData(descriptor, limit: bytes.count) == bytes)
                #expect(try await !copyBlob(descriptor, from: layout, to: repository))
            }
        }
    }

    /// The blob is there although the answer to its commit was lost: in chunks, and in one request.
    @Test(arguments: [100_000, 1_000_000])
    func noticesACommitWhoseAnswerWasLost(_ chunkSize: Int) async throws {
        try await withProxy(chunkSize: chunkSize) { proxy, repository, registry in
            proxy.cut(.toClient, after: 0, of: "PUT ")
            try await upload(to: repository)
            #expect(proxy.cuts == 1)
            #expect(try registry.unfinishedUploads().isEmpty)
        }
    }

    /// A blob that goes in one request goes again in a new session.
    @Test(arguments: [0, 50_000])
    func repeatsACommitThatDidNotArrive(_ cut: Int) async throws {
        try await withProxy(chunkSize: 1_000_000) { proxy, repository, _ in
            proxy.cut(.toServer, after: cut, of: "PUT ")
            try await upload(to: repository)
            #expect(proxy.cuts == 1)
        }
    }

    @Test func repeatsAManifestWhoseAnswerWasLost() async throws {
        let image = try await SampleImage.make()
        try await withProxy { proxy, repository, _ in
            let pushed = try await image.push(to: repository, as: .tag("1"))
            proxy.cut(.toClient, after: 0)
            #expect(try await repository.manifest(.tag("1")).digest == pushed.digest)
            proxy.cut(.toClient, after: 20)
            let bytes = try ImageDocument.encode(image.manifest)
            try await repository.putManifest(bytes, mediaType: .ociManifest, as: .tag("2"))
            #expect(try await repository.resolve(.tag("2"))?.digest == pushed.digest)
            #expect(proxy.cuts == 2)
        }
    }
}
