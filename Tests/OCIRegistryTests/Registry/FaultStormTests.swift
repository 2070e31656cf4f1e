// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import OCIRegistry
import TestSupport
import Testing

/// Pushes and pulls between our client and a real registry, with a proxy between them that drops, delays, truncates,
/// reorders and corrupts.
struct FaultStormTests {
    private static let seed: UInt64 = 20_261_121
    /// Half of them pushes, half of them pulls.
    private static let operations = 200
    private static let workers = 4
    private static let rates: [Fault: Double] = [
        .drop: 0.02, .delay: 0.05, .truncate: 0.01, .reorder: 0.05, .corrupt: 0.01,
    ]

    @Test(.timeLimit(.minutes(10)))
    func leavesOnlyWholeImages() async throws {
        let ledger = StormLedger(seed: Self.seed, operations: Self.operations)
        let (injected, whole) = try await DockerRegistry.run { registry in
            let injected = try await FaultProxy.run(before: registry.authority) { proxy in
                proxy.inject(FaultRates(seed: Self.seed, rates: Self.rates))
                try await storm(through: "\(proxy.authority)/storm", ledger)
                return proxy.injected
            }
            return (injected, try await check(registry, ledger))
        }
        let tally = ledger.tally
        print(
            "a storm of faults: \(tally.summary); faults \(StormLedger.counts(injected)); \(whole) tags whole at the end"
        )
        for fault in Fault.allCases { #expect(injected[fault] ?? 0 > 0, "there was no \(fault.rawValue)") }
        #expect(tally.succeeded.values.reduce(0, +) + tally.failures.count == Self.operations)
        #expect(tally.succeeded["push"] ?? 0 > 0 && tally.succeeded["pull"] ?? 0 > 0)
        #expect(whole > 0)
        for failure in tally.failures {
            let error = try #require(failure as? RegistryError, "\(failure)")
            #expect(!error.operation.isEmpty && !error.reason.isEmpty)
            #expect("\(error)".contains("127.0.0.1:"), "it does not say where: \(error)")
        }
    }

    /// Pushes and pulls, some at a time.
    private func storm(through name: String, _ ledger: StormLedger) async throws {
        try await withTestClient(
            attempts: 5,
            chunkSize: 50_000,
            configure: {
                $0.requestTimeout = .seconds(3)
                $0.idleTimeout = .seconds(3)
            }
        ) { client, _ in
            let repository = client.repository(try ImageReference(parsing: name))
            await withTaskGroup { group in
                for _ in 0..<Self.workers {
                    group.addTask {
                        while let next = ledger.next() {
                            await ledger.note(next.isPush ? "push" : "pull") {
                                if next.isPush {
                                    let image = try StormImage(seed: Self.seed, number: next.number)
                                    ledger.expect(image.digest)
                                    try await image.push(to: repository, as: .tag(next.tag))
                                } else {
                                    try await pull(next.tag, from: repository, ledger)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Pulls an image, if there is one by that name. What comes is what somebody has pushed.
    private func pull(_ tag: String, from repository: RegistryRepository, _ ledger: StormLedger) async throws {
        let image: Image
        do {
            image = try await repository.image(.tag(tag))
        } catch let error as RegistryError where error.isNotFound {
            return
        }
        #expect(ledger.isExpected(image.descriptor.digest))
        for layer in image.manifest.layers {
            let bytes = try await repository.blobData(layer, limit: 1 << 20)
            #expect(Digest.sha256(of: bytes) == layer.digest)
        }
    }

    /// Reads every image that has a tag, whatever its repository, straight from the registry.
    ///
    /// - Returns: how many there are.
    private func check(_ registry: DockerRegistry, _ ledger: StormLedger) async throws -> Int {
        let root = "\(registry.storage)/docker/registry/v2/repositories"
        let links = try FileManager.default.subpathsOfDirectory(atPath: root).filter { $0.hasSuffix("/current/link") }
        try await withTestClient { client, _ in
            for link in links {
                let parts = link.components(separatedBy: "/_manifests/tags/")
                let repository = client.repository(try registry.reference(parts[0]))
                let tag = String(parts[1].dropLast("/current/link".count))
                let content = try await repository.manifest(.tag(tag))
                #expect(ledger.isExpected(content.digest), "\(link) is nothing that was pushed")
                let manifest = try content.imageManifest()
                for blob in manifest.blobs {
                    let bytes = try await repository.blobData(blob, limit: 1 << 20)
                    let hash = SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
                    #expect(blob.digest.description == "sha256:\(hash)")
                    #expect(blob.size == Int64(bytes.count))
                }
                let config = try await repository.image(.tag(tag)).config
                #expect(config.rootfs.diffIDs == manifest.layers.map(\.digest))
            }
        }
        return links.count
    }
}
