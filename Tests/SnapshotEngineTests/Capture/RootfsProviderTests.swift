// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

@testable import SnapshotEngine

/// How captures end that are not left to themselves. It needs root.
@Suite("The provider of root filesystems")
struct RootfsProviderTests {
    /// A request of the capture's that a stage consists of.
    enum Stage: String, CaseIterable, Sendable {
        case preparing, copying, committing, verifying

        var method: String {
            switch self {
            case .preparing: "HEAD"
            case .copying: "POST"
            case .committing: "PUT"
            case .verifying: "GET"
            }
        }

        var part: String {
            switch self {
            case .preparing: "/blobs/"
            case .copying: "/blobs/uploads/"
            case .committing: "/manifests/snap"
            case .verifying: "/manifests/sha256:"
            }
        }
    }

    /// Stops a capture to a registry at a stage.
    private func stopped(
        at stage: Stage,
        seconds: Double = 300,
        _ body: @escaping @Sendable (CaptureFixture, TestContainer, SnapshotRequest, HoldingProxy) async throws -> Void
    ) async throws {
        try await CaptureFixture.with { fixture in
            try await DockerRegistry.run { registry in
                let direct = "\(registry.authority)/box:snap"
                let source = ImageLayoutRepository(folder: fixture.image.layout)
                let repository = try fixture.repository(direct)
                try await copyImage(.tag(fixture.image.tag), from: source, to: repository, as: .tag("base"))
                try await HoldingProxy.run(before: registry.authority) { proxy in
                    try await TestContainer.with(fixture.daemon) { container in
                        try await fixture.exec(container, "echo x >/x")
                        proxy.holdOnce(stage.method, containing: stage.part)
                        let target = "\(proxy.authority)/box:snap"
                        let request = fixture.request(container, to: target, seconds: seconds)
                        _ = await fixture.provider.capture(request)
                        await proxy.waitUntilHeld()
                        try await body(fixture, container, request, proxy)
                        #expect(!container.isFrozen)
                        #expect(try await repository.resolve(.tag("snap")) == nil)
                        #expect(try await fixture.freezes(of: request).isEmpty)
                    }
                }
            }
        }
    }

    @Test("thaws and leaves no tag when a capture is abandoned", arguments: Stage.allCases)
    func abandon(stage: Stage) async throws {
        try await stopped(at: stage) { fixture, container, request, _ in
            let state = try #require(await fixture.provider.state(of: request.uid))
            #expect(state.meter.stage == stage.rawValue)
            #expect(container.isFrozen == (stage != .preparing))
            _ = await fixture.provider.abandon(request)
            await fixture.provider.waitUntilOver(uid: request.uid)
            #expect(await fixture.provider.abandon(request) == .done(Abandoned()))
            guard case .failed(let failure) = await fixture.provider.capture(request) else {
                Issue.record("an abandoned capture goes on")
                return
            }
            #expect(failure.reason == "Cancelled")
            #expect(await fixture.provider.forget(request) == .done(Forgotten()))
        }
    }

    @Test("gives up the copy when the deadline passes in its middle")
    func deadline() async throws {
        try await stopped(at: .copying, seconds: 3) { fixture, container, request, proxy in
            let failure = try await fixture.failure(request, of: container)
            #expect(failure.reason == "FreezeLost")
            #expect(failure.message.contains("deadline"))
            guard case .failed = await fixture.provider.seal(request) else {
                Issue.record("what was thawed was sealed")
                return
            }
            proxy.release()
        }
    }

    @Test("thaws when its process ends in the middle of a capture")
    func cancelledInTheMiddle() async throws {
        try await stopped(at: .copying) { fixture, container, request, _ in
            fixture.stop()
            await fixture.provider.waitUntilOver(uid: request.uid)
            #expect(await fixture.provider.state(of: request.uid)?.hold == .thawed)
        }
    }

    @Test("thaws what is held, not what is sealed, when its process ends; whoever comes next kills that")
    func cancelledAfterwards() async throws {
        for isSealed in [false, true] {
            try await CaptureFixture.with { fixture in
                try await TestContainer.with(fixture.daemon) { container in
                    let request = fixture.request(container, to: "oci:\(fixture.folder)/store:snap")
                    _ = try await fixture.capture(request).get()
                    if isSealed { #expect(await fixture.provider.seal(request) == .done(Sealed())) }
                    fixture.stop()
                    await fixture.provider.waitUntilOver(uid: request.uid)
                    #expect(container.isFrozen == isSealed)
                    #expect(await fixture.provider.state(of: request.uid)?.hold == (isSealed ? .sealed : .thawed))
                    guard isSealed else { return }
                    // The next process knows nothing of this capture but what is written down.
                    try await CaptureFixture.with { next in
                        #expect(await next.provider.forget(request) == .done(Forgotten()))
                        let freezes = try await next.freezes(of: request)
                        #expect(freezes.isEmpty)
                        await #expect(throws: ContainerdError.self) { try await next.client.task(container.id) }
                    }
                }
            }
        }
    }

    @Test("thaws after a checkpoint as soon as all is read, before it is stored")
    func keepRunning() async throws {
        try await CaptureFixture.with { fixture in
            try await DockerRegistry.run { registry in
                try await HoldingProxy.run(before: registry.authority) { proxy in
                    try await TestContainer.with(fixture.daemon) { container in
                        try await fixture.exec(container, "echo x >/x")
                        proxy.holdOnce("PUT", containing: "/manifests/snap")
                        let target = "\(proxy.authority)/box:snap"
                        let request = fixture.request(container, to: target, keepRunning: true)
                        _ = await fixture.provider.capture(request)
                        await proxy.waitUntilHeld()
                        #expect(!container.isFrozen)
                        proxy.release()
                        let artifact = try await fixture.capture(request).get()
                        #expect(await fixture.provider.verify(artifact) == .done(Verified()))
                        await fixture.provider.waitUntilOver(uid: request.uid)
                        #expect(await fixture.provider.state(of: request.uid)?.hold == .thawed)
                        try await fixture.exec(container, "test -s /x")
                        #expect(await fixture.provider.forget(request) == .done(Forgotten()))
                    }
                }
            }
        }
    }

    @Test("lets none of 64 busy processes run one instruction from the captured instant to the end")
    func noInstructionIsLost() async throws {
        try await CaptureFixture.with { fixture in
            let spin = try await SpinProgram(folder: "\(fixture.folder)/spin", processes: 64)
            try await TestContainer.with(fixture.daemon, arguments: spin.arguments, mounts: ["/spin": spin.folder]) {
                container in
                try await spin.waitUntilAllCount()
                let request = fixture.request(container, to: "oci:\(fixture.folder)/store:snap")
                _ = await fixture.provider.capture(request)
                _ = try await fixture.capture(request).get()
                let counters = try spin.counters()
                #expect(await fixture.provider.seal(request) == .done(Sealed()))
                try await fixture.provider.release(uid: request.uid)
                await fixture.provider.waitUntilOver(uid: request.uid)
                #expect(try spin.counters() == counters)
                #expect(await fixture.provider.forget(request) == .done(Forgotten()))
                await #expect(throws: ContainerdError.self) { try await fixture.client.task(container.id) }
            }
        }
    }

    @Test("captures exactly what the frozen file system has, while something writes into it all the time")
    func oneInstant() async throws {
        try await CaptureFixture.with { fixture in
            let count = "i=0; while :; do i=$((i+1)); echo $i >/counter; done"
            try await TestContainer.with(fixture.daemon, arguments: ["sh", "-c", count]) { container in
                try await fixture.exec(container, "until [ -s /counter ]; do :; done")
                let target = "oci:\(fixture.folder)/store:snap"
                let request = fixture.request(container, to: target)
                _ = try await fixture.capture(request).get()
                let counter = "/proc/\(container.pid)/root/counter"
                let frozen = try String(contentsOfFile: counter, encoding: .utf8)
                let bundle = "\(fixture.folder)/bundle"
                try await Command.run("umoci", ["unpack", "--image", "\(fixture.folder)/store:snap", bundle])
                #expect(try String(contentsOfFile: "\(bundle)/rootfs/counter", encoding: .utf8) == frozen)
                #expect(try String(contentsOfFile: counter, encoding: .utf8) == frozen)
                await fixture.give(up: request)
            }
        }
    }

    @Test("refuses before anything is frozen")
    func preflight() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon) { container in
                let request = fixture.request(container, to: "oci:\(fixture.folder)/store")
                let failure = await #expect(throws: SnapshotFailure.self) {
                    try await fixture.provider.preflight(request)
                }
                #expect(failure?.reason == "InvalidRequest")
                #expect(failure?.message.contains("no tag") == true)
                #expect(!container.isFrozen)
                try await fixture.provider.preflight(fixture.request(container, to: "oci:\(fixture.folder)/store:a"))
                #expect(!container.isFrozen)
            }
        }
    }
}
