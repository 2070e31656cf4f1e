// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import OCIRegistry
import Synchronization
import TestSupport
import Testing

struct ResumeTests {
    /// Whatever a registry keeps of a chunk that it refuses, the rest of it is sent, once.
    @Test(arguments: [nil, HTTPResponseStatus.serviceUnavailable, .rangeNotSatisfiable], [0, 2, 70, 99])
    func goesOnWithinAChunk(_ refusal: HTTPResponseStatus?, _ kept: Int) async throws {
        let registry = HalfwayRegistry(refusal: refusal, kept: kept)
        let bytes = SampleImage.seededBytes(350)
        try await TestWebServer.run({ registry.answer($0) }) { server in
            try await withTestClient(chunkSize: 100) { client, _ in
                let repository = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                let digest = Digest.sha256(of: bytes)
                let size = try await repository.upload { upload in
                    try await upload.write(ByteBuffer(bytes: bytes))
                    return digest
                }
                #expect(size == 350)
                #expect(registry.received == bytes)
                #expect(registry.committed == digest)
            }
        }
    }

    /// A registry may want chunks of some length, but for the last one; nobody holds just any length in memory.
    @Test func sendsChunksAsLongAsTheRegistryWants() async throws {
        let minimum = Mutex("250")
        let registry = HalfwayRegistry(refusal: nil, kept: 1000)
        try await TestWebServer.run({ request in
            var answer = registry.answer(request)
            if request.method == .POST {
                answer.headers.add(name: "OCI-Chunk-Min-Length", value: minimum.withLock { $0 })
            }
            return answer
        }) { server in
            try await withTestClient(chunkSize: 100) { client, _ in
                let repository = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                let bytes = SampleImage.seededBytes(600)
                _ = try await repository.putBlobInPieces(bytes)
                let chunks = server.requests.filter { $0.method == .PATCH }.map(\.body.readableBytes)
                #expect(chunks == [250, 250, 100])
                minimum.withLock { $0 = "1000000000000" }
                let error = await #expect(throws: RegistryError.self) { try await repository.putBlobInPieces(bytes) }
                #expect(error?.reason.contains("1000000000000") == true)
            }
        }
    }

    @Test func doesNotTryForEver() async throws {
        try await TestWebServer.run({ request in
            let headers: HTTPHeaders = ["Location": "/upload", "Range": "0-0"]
            return .init(request.method == .GET ? .noContent : .accepted, headers)
        }) { server in
            try await withTestClient(chunkSize: 100) { client, _ in
                let repository = client.repository(try ImageReference(parsing: "\(server.authority)/app"))
                let error = await #expect(throws: RegistryError.self) {
                    try await repository.upload { upload in
                        try await upload.write(ByteBuffer(repeating: 1, count: 300))
                        return .sha256(of: [])
                    }
                }
                #expect(error?.kind == .uploadLost, "\(error.map { "\($0)" } ?? "")")
                #expect(server.requests.count < 10)
            }
        }
    }
}

extension RegistryRepository {
    /// Writes a blob without looking for it first.
    fileprivate func putBlobInPieces(_ bytes: [UInt8]) async throws -> Int64 {
        try await upload { upload in
            try await upload.write(ByteBuffer(bytes: bytes))
            return .sha256(of: bytes)
        }
    }
}
