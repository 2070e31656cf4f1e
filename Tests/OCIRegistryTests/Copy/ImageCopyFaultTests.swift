// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Synchronization
import TestSupport
import Testing

/// Copies that are cut off, and done again.
struct ImageCopyFaultTests {
    /// One blob after the other, so that each can be the one that is cut off.
    private let options = ImageCopyOptions(parallelism: 1)

    /// Cut off before each blob and each manifest in turn: the error says which side it was, the name is not there, and the
    /// second copy sends what is missing only.
    @Test func finishesWhatWasCutOffAtEveryPut() async throws {
        try await withTemporaryFolder { folder in
            let source = ImageLayoutRepository(folder: folder)
            let sample = try await SignedIndex.push(to: source, tag: "1")
            try await DockerRegistry.run { registry in
                try await FaultProxy.run(before: registry.authority) { proxy in
                    let counts = try await ImageCopy(from: source, to: source, options: options).plan(.tag("1"))
                    for done in 0..<(counts.blobs.count + counts.manifests.count) {
                        try await withTestClient(attempts: 1) { client, _ in
                            let name = "r\(done)"
                            let target = client.repository(try ImageReference(parsing: "\(proxy.authority)/\(name)"))
                            let copy = ImageCopy(from: source, to: target, options: options)
                            let sent = Mutex(0)
                            if done == 0 { proxy.cut(.toServer, after: 0, of: "PUT ") }
                            let error = await #expect(throws: ImageCopyError.self) {
                                try await copy.run(.tag("1")) { progress in
                                    let now = progress.blobsSent + progress.manifestsDone
                                    let before = sent.withLock { sent in
                                        defer { sent = now }
                                        return sent
                                    }
                                    if now == done, before < done { proxy.cut(.toServer, after: 0, of: "PUT ") }
                                }
                            }
                            #expect(error?.side == .target, "\(error.map { "\($0)" } ?? "")")
                            #expect(try await target.resolve(.tag("1")) == nil)
                            let again = try await copy.run(.tag("1")).progress
                            #expect(again.blobsPresent == min(done, counts.blobs.count))
                            #expect(again.blobsSent == again.blobsTotal - again.blobsPresent)
                            #expect(try await target.resolve(.tag("1"))?.digest == sample.index.digest)
                            // The copy has asked for all of it; to read it, too, takes a while.
                            guard done % 7 == 0 else { return }
                            #expect(try await sample.faults(in: target, tag: "1") == [])
                        }
                    }
                }
            }
        }
    }

    /// The source breaks within each of its blobs, and does not come back.
    @Test func saysThatTheSourceBroke() async throws {
        try await DockerRegistry.run { registry in
            try await FaultProxy.run(before: registry.authority) { proxy in
                try await withTemporaryFolder { folder in
                    try await withTestClient(attempts: 1) { client, _ in
                        let direct = client.repository(try registry.reference("app"))
                        let sample = try await SignedIndex.push(to: direct, tag: "1")
                        let source = client.repository(try ImageReference(parsing: "\(proxy.authority)/app"))
                        for cut in [200, 10_000, 35_000] {
                            let target = ImageLayoutRepository(folder: "\(folder)/\(cut)")
                            let copy = ImageCopy(from: source, to: target, options: options)
                            let layer = sample.images[0].blobs[2].descriptor
                            proxy.cut(.toClient, after: cut, of: "GET /v2/app/blobs/\(layer.digest)")
                            let error = await #expect(throws: ImageCopyError.self) { try await copy.run(.tag("1")) }
                            #expect(error?.side == .source, "\(error.map { "\($0)" } ?? "")")
                            #expect(try await target.blobSize(layer.digest) == nil)
                            #expect(try await target.resolve(.tag("1")) == nil)
                            try await copy.run(.tag("1"))
                            #expect(try await sample.faults(in: target, tag: "1") == [])
                        }
                        #expect(proxy.cuts == 3)
                    }
                }
            }
        }
    }

    /// What is sent again is not counted twice.
    @Test func countsWhatWasLostOnce() async throws {
        try await DockerRegistry.run { registry in
            try await FaultProxy.run(before: registry.authority) { proxy in
                try await withTemporaryFolder { folder in
                    try await withTestClient(chunkSize: 20_000) { client, _ in
                        let source = ImageLayoutRepository(folder: folder)
                        let sample = try await SignedIndex.push(to: source, tag: "1")
                        let target = client.repository(try ImageReference(parsing: "\(proxy.authority)/app"))
                        proxy.cut(.toServer, after: 10_000, of: "PATCH ")
                        let outcome = try await ImageCopy(from: source, to: target, options: options).run(.tag("1"))
                        #expect(proxy.cuts == 1)
                        #expect(outcome.progress.bytesSent == outcome.progress.bytesTotal)
                        #expect(try await sample.faults(in: target, tag: "1") == [])
                    }
                }
            }
        }
    }
}
