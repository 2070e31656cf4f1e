// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import SnapshotEngine
import TestSupport
import Testing

@testable import LocalRuntime

/// Sandboxes that are deleted, or given up, in the middle of something. It needs root.
@Suite("Deleting a sandbox in the middle of", .serialized)
struct DeletionTests {
    /// Runs a runtime whose snapshots go to a registry behind a proxy.
    private func withRegistry(
        _ body: @escaping @Sendable (RuntimeFixture, LocalRuntime, HoldingProxy) async throws -> Void
    ) async throws {
        try await RuntimeFixture.with { fixture in
            try await DockerRegistry.run { registry in
                try await HoldingProxy.run(before: registry.authority) { proxy in
                    try await fixture.run(snapshots: .registry(prefix: "\(proxy.authority)/boxes")) { runtime in
                        try await body(fixture, runtime, proxy)
                    }
                }
                let kept = try FileManager.default.subpathsOfDirectory(atPath: registry.storage)
                    .filter { $0.contains("/_manifests/tags/") && $0.hasSuffix("/current/link") }
                #expect(kept.isEmpty)
            }
        }
    }

    @Test(
        "a pause leaves nothing of it, not even its image",
        arguments: [
            ("HEAD", "/blobs/"), ("POST", "/blobs/uploads/"), ("PUT", "/manifests/snap-"),
            ("GET", "/manifests/sha256:"),
        ]
    )
    func pause(method: String, part: String) async throws {
        try await withRegistry { fixture, runtime, proxy in
            let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
            try await fixture.exec(runtime, id, "echo x >/x")
            proxy.holdOnce(method, containing: part)
            try await runtime.pause(id)
            await proxy.waitUntilHeld()
            let pausing = try await runtime.sandbox(id)
            #expect(pausing.status.state == .pausing)
            #expect(pausing.status.progress != nil)
            try await runtime.deleteAndExpectGone(id)
        }
    }

    @Test("a resume that pulls slowly leaves nothing of it")
    func resume() async throws {
        try await withRegistry { fixture, runtime, proxy in
            let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
            try await fixture.exec(runtime, id, "echo x >/x")
            let paused = try await runtime.pauseAndWait(id)
            #expect(paused.status.state == .paused, "\(paused.status)")
            proxy.holdOnce("GET", containing: "/blobs/sha256:")
            try await runtime.resume(id)
            await proxy.waitUntilHeld()
            #expect(try await runtime.sandbox(id).status.state == .resuming)
            try await runtime.deleteAndExpectGone(id)
        }
    }

    @Test("its creation, as when the creator goes away during a slow pull, leaves nothing of it")
    func create() async throws {
        try await withRegistry { fixture, runtime, proxy in
            let images = try await TestImages.make(from: fixture.image, in: "\(fixture.folder)/images")
            try await images.addFile("extra", "more\n", tag: "extra")
            let name = "\(proxy.authority)/base:1"
            try await Command.run(
                "skopeo",
                ["copy", "--dest-tls-verify=false", "oci:\(images.folder):extra", "docker://\(name)"]
            )
            proxy.holdOnce("GET", containing: "/blobs/sha256:")
            var spec = fixture.spec()
            spec.image = name
            let creation = Task { [spec] in try await runtime.create(spec, credentials: nil, expiresAt: nil) }
            await proxy.waitUntilHeld()
            creation.cancel()
            await #expect(throws: (any Error).self) { try await creation.value }
            #expect(try await runtime.sandboxes().isEmpty)
            // The tag is the test's own.
            try await Command.run("skopeo", ["delete", "--tls-verify=false", "docker://\(name)"])
        }
    }

    @Test("its start, when the creator goes away before it runs, leaves nothing of it")
    func start() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let creation = Task { try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil) }
                while try await runtime.sandboxes().isEmpty { await Task.yield() }
                creation.cancel()
                if let made = try? await creation.value {
                    // It was faster.
                    try await runtime.deleteAndExpectGone(made.id)
                }
                #expect(try await runtime.sandboxes().isEmpty)
            }
        }
    }

    @Test("its process that ends at once fails the creation, and leaves nothing of it")
    func endsAtOnce() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                var spec = fixture.spec()
                spec.entrypoint = ["/no/such/program"]
                let error = await #expect(throws: SandboxError.self) {
                    try await runtime.create(spec, credentials: nil, expiresAt: nil)
                }
                #expect(error?.code == .startFailed)
                #expect(error?.description.contains("/no/such/program") == true)
                let left = try await runtime.sandboxes()
                #expect(left.isEmpty)
            }
        }
    }
}
