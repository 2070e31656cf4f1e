// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import OCIRegistry
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
