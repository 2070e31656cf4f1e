// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

@testable import SnapshotEngine

/// Captures whose connection to the registry is cut within a chunk: docker-registry then drops all of the layer, of which
/// nothing is kept. It needs root.
@Suite("A capture whose layer was lost half-way")
struct LostUploadTests {
    /// Runs `body` with a container that has 12 MiB to capture, which go in two chunks through a proxy.
    private func withProxy(
        _ body: @escaping @Sendable (CaptureFixture, TestContainer, FaultProxy, DockerRegistry) async throws -> Void
    ) async throws {
        // Until the registry has noticed the cut, it answers for a session that it is about to drop.
        try await CaptureFixture.with(attempts: 8) { fixture in
            try await DockerRegistry.run { registry in
                try await FaultProxy.run(before: registry.authority) { proxy in
                    try await TestContainer.with(fixture.daemon) { container in
                        try await fixture.exec(container, "dd if=/dev/urandom of=/large bs=1M count=12 2>/dev/null")
                        // The base is there, so that the layer is what is cut.
                        try await copyImage(
                            .tag(fixture.image.tag),
                            from: ImageLayoutRepository(folder: fixture.image.layout),
                            to: try fixture.repository("\(proxy.authority)/box:base"),
                            as: .tag("base")
                        )
                        try await body(fixture, container, proxy, registry)
                    }
                }
            }
        }
    }

    @Test("reads it again under the same freeze", arguments: [1, 2])
    func again(times: Int) async throws {
        try await withProxy { fixture, container, proxy, registry in
            proxy.cut(.toServer, after: 1_000_000, of: "PATCH ", times: times)
            let request = fixture.request(container, to: "\(proxy.authority)/box:snap")
            let artifact = try await fixture.capture(request).get()
            #expect(proxy.cuts == times)
            #expect(container.isFrozen, "it was frozen once, and is held")
            #expect(await fixture.provider.verify(artifact) == .done(Verified()))
            let direct = try fixture.repository("\(registry.authority)/box:snap")
            let layer = try #require(try await direct.image(.tag("snap")).manifest.layers.last)
            #expect(try await direct.blobData(layer, limit: 64 << 20).count > 12 << 20)
            await fixture.give(up: request)
        }
    }

    @Test("gives up after some attempts, runs on, and leaves no tag")
    func givesUp() async throws {
        try await withProxy { fixture, container, proxy, registry in
            proxy.cut(.toServer, after: 1_000_000, of: "PATCH ", times: 100)
            let request = fixture.request(container, to: "\(proxy.authority)/box:snap")
            let failure = try await fixture.failure(request, of: container)
            #expect(failure.reason == "TargetUnavailable")
            #expect(failure.message.contains("dropped"), "\(failure.message)")
            #expect(proxy.cuts >= 3, "the layer is read three times")
            #expect(try await fixture.repository("\(registry.authority)/box:snap").resolve(.tag("snap")) == nil)
        }
    }
}
