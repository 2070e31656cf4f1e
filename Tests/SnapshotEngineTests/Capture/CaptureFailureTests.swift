// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

@testable import SnapshotEngine

/// Captures that cannot succeed: each says why, the sandbox runs on, and nothing has a tag. It needs root.
@Suite("A capture that fails")
struct CaptureFailureTests {
    @Test("for a container that is gone, and for one that ended, says so")
    func containerGone() async throws {
        try await CaptureFixture.with { fixture in
            let target = "oci:\(fixture.folder)/store:snap"
            try await TestContainer.with(fixture.daemon) { container in
                var request = fixture.request(container, to: target)
                request.source.containers[0].id = "nobody"
                let failure = try await fixture.failure(request, of: container)
                #expect(failure.reason == "ContainerGone")
                #expect(failure.message.contains("nobody"))
                #expect(!failure.isRetryable)

                try await fixture.client.killTask(container.id, signal: SIGKILL, all: true)
                _ = try await fixture.client.waitForExit(of: container.id)
                let ended = fixture.request(container, to: target)
                #expect(try await fixture.failure(ended, of: container).reason == "ContainerGone")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(fixture.folder)/store"))
        }
    }

    @Test("for a tag that was moved names both chains")
    func movedTag() async throws {
        try await CaptureFixture.with { fixture in
            let other = "\(fixture.folder)/other"
            try await Command.run("umoci", ["init", "--layout", other])
            try await Command.run("umoci", ["new", "--image", "\(other):1"])
            try await TestContainer.with(fixture.daemon) { container in
                let request = fixture.request(
                    container,
                    to: "oci:\(fixture.folder)/store:snap",
                    image: "oci:\(other):1"
                )
                let failure = try await fixture.failure(request, of: container)
                #expect(failure.reason == "BaseImageMismatch")
                #expect(failure.message.contains("moved"))
            }
        }
    }

    @Test("for a store that is not there names it, and for a base image that is nowhere names that")
    func unreachable() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon) { container in
                let nowhere = try await fixture.failure(
                    fixture.request(container, to: "127.0.0.1:1/box:snap"),
                    of: container
                )
                #expect(nowhere.reason == "TargetUnavailable")
                #expect(nowhere.message.contains("127.0.0.1:1"))
                #expect(nowhere.isRetryable)
                let unknown = "127.0.0.1:1/busybox@sha256:\(String(repeating: "0", count: 64))"
                let base = try await fixture.failure(
                    fixture.request(container, to: "oci:\(fixture.folder)/store:snap", image: unknown),
                    of: container
                )
                #expect(base.reason == "BaseImageUnavailable")
                #expect(base.isRetryable)
            }
        }
    }

    @Test("for a file that would delete others names the file")
    func reservedName() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon) { container in
                try await fixture.exec(container, "mkdir /d; echo x >/d/.wh.victim")
                let target = "oci:\(fixture.folder)/store:snap"
                let failure = try await fixture.failure(fixture.request(container, to: target), of: container)
                #expect(failure.reason == "UnrepresentableFile")
                #expect(failure.message.contains("d/.wh.victim"))
                #expect(try await fixture.repository(target).resolve(.tag("snap")) == nil)
            }
        }
    }

    @Test("because somebody else has frozen the container says that, and leaves it frozen")
    func frozenByOthers() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon) { container in
                try await fixture.client.pauseTask(container.id)
                let request = fixture.request(container, to: "oci:\(fixture.folder)/store:snap")
                guard case .failure(let failure) = try await fixture.capture(request) else {
                    Issue.record("it was captured")
                    return
                }
                #expect(failure.reason == "FreezeFailed")
                #expect(container.isFrozen)
                try await fixture.client.resumeTask(container.id)
            }
        }
    }

    @Test(
        "because the registry breaks in the middle runs on and leaves no tag",
        arguments: [("POST", "/blobs/uploads/"), ("PUT", "/blobs/uploads/"), ("PUT", "/manifests/snap")]
    )
    func registryBreaks(method: String, part: String) async throws {
        try await CaptureFixture.with { fixture in
            try await DockerRegistry.run { registry in
                try await HoldingProxy.run(before: registry.authority) { proxy in
                    try await TestContainer.with(fixture.daemon) { container in
                        // The base is there, so that the first thing to be sent is the difference.
                        let base = "\(proxy.authority)/box:base"
                        let source = ImageLayoutRepository(folder: fixture.image.layout)
                        try await copyImage(
                            .tag(fixture.image.tag),
                            from: source,
                            to: try fixture.repository(base),
                            as: .tag("base")
                        )
                        try await fixture.exec(container, "echo x >/x")
                        proxy.holdOnce(method, containing: part)
                        let request = fixture.request(container, to: "\(proxy.authority)/box:snap")
                        _ = await fixture.provider.capture(request)
                        await proxy.waitUntilHeld()
                        #expect(container.isFrozen)
                        proxy.breakDown()
                        let failure = try await fixture.failure(request, of: container)
                        #expect(failure.reason == "TargetUnavailable")
                        #expect(failure.message.contains(proxy.authority))
                        proxy.repair()
                        #expect(try await fixture.repository(base).resolve(.tag("snap")) == nil)

                        let again = fixture.request(container, to: "\(proxy.authority)/box:snap")
                        let artifact = try await fixture.capture(again).get()
                        #expect(await fixture.provider.verify(artifact) == .done(Verified()))
                        await fixture.give(up: again)
                    }
                }
            }
        }
    }

    @Test("because the layout's disk is full runs on and leaves no tag")
    func diskFull() async throws {
        try await CaptureFixture.with { fixture in
            let store = "\(fixture.folder)/small"
            try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: false)
            try await Command.run("mount", ["-t", "tmpfs", "-o", "size=4m", "none", store])
            let outcome: Result<Void, any Error>
            do {
                try await TestContainer.with(fixture.daemon) { container in
                    try await fixture.exec(container, "dd if=/dev/urandom of=/large bs=1M count=6 2>/dev/null")
                    let request = fixture.request(container, to: "oci:\(store)/layout:snap")
                    let failure = try await fixture.failure(request, of: container)
                    #expect(failure.reason == "TargetUnavailable")
                    #expect(failure.message.contains("No space left"))
                    #expect(try await fixture.repository("oci:\(store)/layout:snap").resolve(.tag("snap")) == nil)
                    let left = try FileManager.default.contentsOfDirectory(atPath: "\(store)/layout")
                    #expect(left.filter { $0.hasPrefix(".upload") }.isEmpty)
                }
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            try await Command.run("umount", [store])
            try outcome.get()
        }
    }

    @Test("is told of an image that went away, part by part")
    func notVerified() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon) { container in
                try await fixture.exec(container, "echo x >/x")
                let target = "oci:\(fixture.folder)/store:snap"
                let request = fixture.request(container, to: target)
                let artifact = try await fixture.capture(request).get()
                await fixture.give(up: request)
                let image = try await fixture.repository(target).image(.tag("snap"))
                let layer = try #require(image.manifest.layers.last?.digest.hex)
                try FileManager.default.removeItem(atPath: "\(fixture.folder)/store/blobs/sha256/\(layer)")
                guard case .failed(let failure) = await fixture.provider.verify(artifact) else {
                    Issue.record("it was verified without its layer")
                    return
                }
                #expect(failure.reason == "NotVerified")
                #expect(failure.message.contains(layer))
                #expect(await fixture.provider.delete(artifact) == .done(Deleted()))
                guard case .failed(let gone) = await fixture.provider.verify(artifact) else {
                    Issue.record("it was verified after its deletion")
                    return
                }
                #expect(gone.reason == "NotVerified")
                #expect(await fixture.provider.delete(artifact) == .done(Deleted()))
            }
        }
    }
}
