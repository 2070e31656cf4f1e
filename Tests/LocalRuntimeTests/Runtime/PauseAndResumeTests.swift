// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import SnapshotEngine
import TestSupport
import Testing

@testable import LocalRuntime

/// Sandboxes through their whole life on a real containerd. It needs root.
@Suite("Pausing and resuming on this machine", .serialized)
struct PauseAndResumeTests {
    @Test("keeps what a sandbox wrote, stacks one layer a pause, and leaves nothing behind")
    func life() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let made = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil)
                #expect(made.status.state == .running)
                #expect(try await runtime.endpoint(made.id, port: 80).address.hasPrefix("10.92."))
                var layers = 1
                for round in 1...2 {
                    try await fixture.exec(runtime, made.id, "echo \(round) >>/rounds; rm -f /www/ping")
                    let container = try await fixture.container(runtime, made.id)
                    let paused = try await runtime.pauseAndWait(made.id)
                    #expect(paused.status.state == .paused, "\(paused.status)")
                    let part = try #require(paused.artifact?.parts.first)
                    layers += 1
                    #expect(part.layers == layers)
                    #expect(part.baseDigest == fixture.image.manifestDigest)
                    #expect(try await fixture.machine.runtime.status(of: container) == .absent)
                    let refused = await #expect(throws: SandboxError.self) {
                        try await runtime.endpoint(made.id, port: 80)
                    }
                    #expect(refused?.code == .addressUnavailable)

                    let resumed = try await runtime.resumeAndWait(made.id)
                    #expect(resumed.status.state == .running, "\(resumed.status)")
                    let expected = (1...round).map { "\($0)\n" }.joined()
                    #expect(try await fixture.read(runtime, made.id, "/rounds") == expected)
                    #expect(try await fixture.read(runtime, made.id, "/www/ping") == nil)
                }
                // Nothing was changed since: no layer more.
                let unchanged = try await runtime.pauseAndWait(made.id)
                #expect(unchanged.artifact?.parts.first?.layers == layers)
                try await runtime.deleteAndExpectGone(made.id)
                let folder = "\(fixture.configuration.stateFolder)/snapshots"
                let store = ImageLayoutRepository(folder: folder)
                let part = try #require(unchanged.artifact?.parts.first)
                #expect(try await store.resolve(.digest(Digest(parsing: part.digest))) == nil)
                let blobs = try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/blobs/sha256")
                #expect(blobs.isEmpty)
            }
        }
    }

    @Test("refuses the second of two pauses at once, and of two resumes")
    func twice() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                for (state, ask) in [
                    (SandboxStatus.State.paused, { @Sendable () async throws in try await runtime.pause(id) }),
                    (.running, { @Sendable () async throws in try await runtime.resume(id) }),
                ] {
                    let outcomes = await withTaskGroup(of: SandboxError.Code?.self) { group in
                        for _ in 0..<5 {
                            group.addTask {
                                do {
                                    try await ask()
                                    return nil
                                } catch {
                                    return (error as? SandboxError)?.code ?? .runtimeUnavailable
                                }
                            }
                        }
                        return await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(outcomes.filter { $0 == nil }.count == 1)
                    #expect(outcomes.filter { $0 == .invalidState }.count == 4)
                    try await runtime.wait(id, until: state)
                }
                try await runtime.deleteAndExpectGone(id)
            }
        }
    }

    @Test("tells why a pause did not come about, goes on running, and can be paused later")
    func storeUnreachable() async throws {
        try await RuntimeFixture.with { fixture in
            try await DockerRegistry.run { registry in
                try await HoldingProxy.run(before: registry.authority) { proxy in
                    try await fixture.run(snapshots: .registry(prefix: "\(proxy.authority)/boxes")) { runtime in
                        let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                        try await fixture.exec(runtime, id, "echo kept >/kept")
                        proxy.breakDown()
                        let failed = try await runtime.pauseAndWait(id)
                        #expect(failed.status.state == .running)
                        #expect(failed.status.reason == "TargetUnavailable")
                        #expect(failed.status.message?.contains(proxy.authority) == true)
                        #expect(try await !fixture.isFrozen(fixture.container(runtime, id)))
                        proxy.repair()
                        let paused = try await runtime.pauseAndWait(id)
                        #expect(paused.status.state == .paused, "\(paused.status)")
                        #expect(paused.status.reason != "TargetUnavailable")
                        try await runtime.resumeAndWait(id)
                        #expect(try await fixture.read(runtime, id, "/kept") == "kept\n")
                        try await runtime.deleteAndExpectGone(id)
                    }
                }
            }
        }
    }

    @Test("needs only this machine, not the registry that the image's index came from")
    func registryOfBaseDown() async throws {
        try await RuntimeFixture.with { fixture in
            try await DockerRegistry.run { registry in
                let name = "\(registry.authority)/base:1"
                try await HoldingProxy.run(before: registry.authority) { proxy in
                    let layout = "\(fixture.folder)/index"
                    let images = try await TestImages.make(from: fixture.image, in: layout)
                    let descriptor = try await images.addFile("extra", "more\n", tag: "extra")
                    var entry = descriptor
                    entry.platform = .current
                    let index = try await images.layout.putManifest(
                        TestImages.encode(ImageIndex(manifests: [entry])),
                        mediaType: .ociIndex,
                        as: .tag("index")
                    )
                    #expect(index.digest != descriptor.digest)
                    try await Command.run(
                        "skopeo",
                        [
                            "copy", "--all", "--dest-tls-verify=false", "oci:\(layout):index", "docker://\(name)",
                        ]
                    )
                    try await fixture.run { runtime in
                        var spec = fixture.spec()
                        spec.image = "\(proxy.authority)/base:1"
                        let id = try await runtime.create(spec, credentials: nil, expiresAt: nil).id
                        proxy.breakDown()
                        let paused = try await runtime.pauseAndWait(id)
                        #expect(paused.status.state == .paused, "\(paused.status)")
                        try await runtime.resumeAndWait(id)
                        #expect(try await fixture.read(runtime, id, "/extra") == "more\n")
                        try await runtime.deleteAndExpectGone(id)
                    }
                }
                for image in try await fixture.client.images() where image.name.contains("/base@") {
                    try await fixture.client.deleteImage(image.name, synchronously: true)
                }
            }
        }
    }

    @Test("stays paused with a reason while the artifact is gone, and resumes when it is back")
    func artifactGone() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                try await fixture.exec(runtime, id, "echo kept >/kept")
                try await runtime.pauseAndWait(id)
                let store = "\(fixture.configuration.stateFolder)/snapshots"
                try FileManager.default.moveItem(atPath: store, toPath: "\(store)-away")
                let failed = try await runtime.resumeAndWait(id)
                #expect(failed.status.state == .paused)
                #expect(failed.status.reason == "NotVerified")
                #expect(failed.status.message?.contains("manifest") == true)
                #expect(failed.artifact != nil)
                try? FileManager.default.removeItem(atPath: store)
                try FileManager.default.moveItem(atPath: "\(store)-away", toPath: store)
                let resumed = try await runtime.resumeAndWait(id)
                #expect(resumed.status.state == .running, "\(resumed.status)")
                #expect(try await fixture.read(runtime, id, "/kept") == "kept\n")
                try await runtime.deleteAndExpectGone(id)
            }
        }
    }

    @Test("tells how a process ended by itself, and resuming starts it again")
    func diesByItself() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let script = "until [ -e /die ]; do sleep 0.05; done; exit 7"
                let id = try await runtime.create(fixture.spec(script), credentials: nil, expiresAt: nil).id
                try await fixture.exec(runtime, id, "touch /die")
                let failed = try await runtime.wait(id, until: .failed)
                #expect(failed.status.reason == "SandboxExited")
                #expect(failed.status.message?.contains("exit code 7") == true)
                let refused = await #expect(throws: SandboxError.self) { try await runtime.pause(id) }
                #expect(refused?.code == .invalidState)
                try await runtime.resume(id)
                try await runtime.wait(id, until: .running)
                #expect(try await fixture.read(runtime, id, "/die") == nil)
                #expect(try await fixture.read(runtime, id, "/www/ping") == "pong\n")
                try await runtime.deleteAndExpectGone(id)
            }
        }
    }

    @Test("works for ten sandboxes at once")
    func many() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<10 {
                        group.addTask {
                            let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                            try await fixture.exec(runtime, id, "echo \(number) >/number")
                            let paused = try await runtime.pauseAndWait(id)
                            #expect(paused.status.state == .paused, "\(paused.status)")
                            let resumed = try await runtime.resumeAndWait(id)
                            #expect(resumed.status.state == .running, "\(resumed.status)")
                            #expect(try await fixture.read(runtime, id, "/number") == "\(number)\n")
                            try await runtime.deleteAndExpectGone(id)
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await runtime.sandboxes().isEmpty)
            }
        }
    }
}
