// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import OCIRegistry
import SandboxModels
import SnapshotProvider
import SnapshotStore
import TestSupport
import Testing

@testable import LocalRuntime
@testable import SnapshotEngine

/// What a runtime finds that starts on the state of an earlier one. It needs root.
@Suite("A runtime that is started again", .serialized)
struct RestartTests {
    @Test("finds sandboxes that run, with their addresses and deadlines, and those that are paused")
    func runningAndPaused() async throws {
        try await RuntimeFixture.with { fixture in
            let expiry = Date(timeIntervalSinceNow: 3600)
            let (first, second, address) = try await fixture.run { runtime in
                let first = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: expiry)
                let second = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil)
                try await fixture.exec(runtime, second.id, "echo kept >/kept")
                try await runtime.pauseAndWait(second.id)
                return (first, second, try await runtime.endpoint(first.id, port: 80).address)
            }
            try await fixture.run { runtime in
                let found = try await runtime.sandbox(first.id)
                #expect(found.status.state == .running)
                #expect(found.spec == first.spec)
                #expect(abs((found.expiresAt ?? .distantPast).timeIntervalSince(expiry)) < 0.01)
                #expect(try await runtime.endpoint(first.id, port: 80).address == address)
                #expect(try await runtime.sandbox(second.id).status.state == .paused)
                let resumed = try await runtime.resumeAndWait(second.id)
                #expect(resumed.status.state == .running, "\(resumed.status)")
                #expect(try await fixture.read(runtime, second.id, "/kept") == "kept\n")
                for id in [first.id, second.id] { try await runtime.deleteAndExpectGone(id) }
            }
        }
    }

    @Test("tells of a process that ended while there was no runtime")
    func endedMeanwhile() async throws {
        try await RuntimeFixture.with { fixture in
            let (id, container) = try await fixture.run { runtime in
                let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                return (id, try await fixture.container(runtime, id))
            }
            try await fixture.client.killTask(container, signal: 9, all: true)
            _ = try await fixture.client.waitForExit(of: container)
            try await fixture.run { runtime in
                let failed = try await runtime.wait(id, until: .failed)
                #expect(failed.status.message?.contains("137") == true)
                try await runtime.deleteAndExpectGone(id)
            }
        }
    }

    @Test("undoes and tells a pause in whose middle the process was asked to end")
    func endedInTheMiddleOfAPause() async throws {
        try await RuntimeFixture.with { fixture in
            try await DockerRegistry.run { registry in
                try await HoldingProxy.run(before: registry.authority) { proxy in
                    let store = SnapshotDestination.registry(prefix: "\(proxy.authority)/boxes")
                    let (id, container) = try await fixture.run(snapshots: store) { runtime in
                        let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                        let container = try await fixture.container(runtime, id)
                        try await fixture.exec(runtime, id, "echo x >/x")
                        proxy.holdOnce("PUT", containing: "/manifests/snap-")
                        try await runtime.pause(id)
                        await proxy.waitUntilHeld()
                        #expect(try await fixture.isFrozen(container))
                        return (id, container)
                    }
                    #expect(try await !fixture.isFrozen(container))
                    proxy.release()
                    try await fixture.run(snapshots: store) { runtime in
                        let running = try await runtime.wait(id, until: .running)
                        #expect(running.status.reason == "FreezeEnded")
                        #expect(running.status.message?.isEmpty == false)
                        let paused = try await runtime.pauseAndWait(id)
                        #expect(paused.status.state == .paused, "\(paused.status)")
                        try await runtime.deleteAndExpectGone(id)
                    }
                }
            }
        }
    }

    /// How far a process had come with a pause when it was killed.
    enum KilledAt: String, CaseIterable, Sendable {
        case frozen, sealedNotRecorded, sealed, killed
    }

    @Test("after a kill -9: thaws what was not sealed, finishes what was", arguments: KilledAt.allCases)
    func killed(at moment: KilledAt) async throws {
        try await RuntimeFixture.with { fixture in
            let (id, container) = try await fixture.run { runtime in
                let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                try await fixture.exec(runtime, id, "echo kept >/kept")
                return (id, try await fixture.container(runtime, id))
            }
            try await leave(id, container, killedAt: moment, in: fixture)
            if moment != .killed { #expect(try await fixture.isFrozen(container)) }
            try await fixture.run { runtime in
                let found = try await runtime.waitForEnd(of: .pausing, id)
                if moment == .frozen {
                    #expect(found.status.state == .running)
                    #expect(found.status.reason == "FreezeEnded")
                    #expect(try await !fixture.isFrozen(container))
                } else {
                    #expect(found.status.state == .paused, "\(found.status)")
                    #expect(try await fixture.machine.runtime.status(of: container) == .absent)
                    let resumed = try await runtime.resumeAndWait(id)
                    #expect(resumed.status.state == .running, "\(resumed.status)")
                }
                #expect(try await fixture.read(runtime, id, "/kept") == "kept\n")
                try await runtime.deleteAndExpectGone(id)
            }
        }
    }

    @Test("after a second kill -9, right after it had found what the first one left: still finishes what was sealed")
    func killedTwice() async throws {
        try await RuntimeFixture.with { fixture in
            let (id, container) = try await fixture.run { runtime in
                let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                return (id, try await fixture.container(runtime, id))
            }
            try await leave(id, container, killedAt: .sealedNotRecorded, in: fixture)
            let rows = try await fixture.withStore { try await $0.all() }
            let second = LocalRuntime(
                configuration: fixture.configuration,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            try await second.withConnections { connections in
                let sealed = try await connections.recoverFreezes(of: rows)
                #expect(sealed == ["\(id)-2"])
            }
            try await fixture.run { runtime in
                let found = try await runtime.waitForEnd(of: .pausing, id)
                #expect(found.status.state == .paused, "\(found.status)")
                #expect(try await fixture.machine.runtime.status(of: container) == .absent)
                try await runtime.deleteAndExpectGone(id)
            }
        }
    }

    @Test("ends although containerd is dead in the middle of a pause; what was frozen is thawed when that is back")
    func endedWithoutContainerd() async throws {
        let daemon = try await ContainerdDaemon.start()
        try await RuntimeFixture.with(daemon: daemon) { fixture in
            try await DockerRegistry.run { registry in
                try await HoldingProxy.run(before: registry.authority) { proxy in
                    let store = SnapshotDestination.registry(prefix: "\(proxy.authority)/boxes")
                    let (id, freezer) = try await fixture.run(snapshots: store) { runtime in
                        let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                        try await fixture.exec(runtime, id, "echo x >/x")
                        proxy.holdOnce("PUT", containing: "/manifests/snap-")
                        try await runtime.pause(id)
                        await proxy.waitUntilHeld()
                        let container = try await fixture.container(runtime, id)
                        let freezer = Freezer(process: try await fixture.client.task(container).pid)
                        #expect(freezer.isFrozen)
                        try await daemon.kill()
                        return (id, freezer)
                    }
                    // It has ended: that is what this test is about.
                    #expect(freezer.isFrozen)
                    proxy.release()
                    try await daemon.startAgain()
                    while freezer.isFrozen { try await Task.sleep(for: .milliseconds(10)) }
                    try await fixture.run(snapshots: store) { runtime in
                        let running = try await runtime.wait(id, until: .running)
                        #expect(running.status.reason == "FreezeEnded")
                        try await runtime.deleteAndExpectGone(id)
                    }
                }
            }
        }
        await daemon.stop()
    }

    /// Leaves a sandbox behind as a process does that is killed in the middle of its pause.
    private func leave(
        _ id: String,
        _ container: String,
        killedAt moment: KilledAt,
        in fixture: RuntimeFixture
    ) async throws {
        let deadline = Date(timeIntervalSinceNow: 600)
        let attempt = CaptureAttempt(uid: "\(id)-2", number: 2, deadline: deadline)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await withRegistryClient(logger: logger) { registries in
            try await fixture.daemon.withClient(namespace: fixture.client.namespace) { client in
                let capture = RootfsCapture(
                    containerd: client,
                    repositories: ImageRepositories(registries: registries),
                    logger: logger
                )
                let target = fixture.configuration.snapshots.target(
                    sandbox: id,
                    container: "sandbox",
                    capture: attempt.uid
                )
                let request = SnapshotRequest(
                    uid: attempt.uid,
                    source: SnapshotSource(
                        sandbox: id,
                        namespace: client.namespace,
                        pod: id,
                        podUID: id,
                        node: "here",
                        containers: [
                            SnapshotContainer(
                                name: "sandbox",
                                id: container,
                                image: "oci:\(fixture.image.layout)@\(fixture.image.manifestDigest)",
                                target: target
                            )
                        ]
                    ),
                    afterwards: .holdFrozen(until: deadline)
                )
                // Its timer ends with the test's process, long before the deadline: nobody thaws for it.
                let holder = FreezeHolder(client: client, id: attempt.uid, owner: "killed")
                let prepared = try await capture.prepare(request, meter: CaptureMeter())
                try await holder.freeze([container], until: deadline)
                let artifact = try await capture.copy(prepared, meter: CaptureMeter())
                if moment != .frozen { #expect(try await holder.seal() == .sealed) }
                if moment == .killed { try await holder.kill() }
                try await fixture.withStore { store in
                    var record = try #require(try await store.all().first).recorded
                    record.attempts = 2
                    record.phase =
                        switch moment {
                        case .frozen: .pausing(attempt)
                        case .sealedNotRecorded: .sealing(attempt, artifact: artifact)
                        case .sealed, .killed: .releasing(attempt, artifact: artifact)
                        }
                    try await store.update(recorded: record, of: id)
                    var intent = try #require(try await store.all().first).intent
                    intent.wish = .paused
                    intent.generation += 1
                    record.acknowledged = intent.generation
                    try await store.update(intent: intent, of: id)
                    try await store.update(recorded: record, of: id)
                    // An older wish that comes late changes nothing.
                    intent.wish = .running
                    intent.generation -= 1
                    try await store.update(intent: intent, of: id)
                    #expect(try await store.all().first?.intent.wish == .paused)
                }
            }
        }
    }

    @Test("clears away what a creation or a removal left that was cut off")
    func remains() async throws {
        try await RuntimeFixture.with { fixture in
            let folder = "\(fixture.configuration.stateFolder)/containers/left-1"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let image = try await fixture.machine.busybox()
            let chain = try #require(image.chainID).description
            let client = fixture.client.with(lease: ContainerRuntime.lease(of: "left-1"))
            try await fixture.client.createLease(ContainerRuntime.lease(of: "left-1"))
            _ = try await client.prepareSnapshot("left-1", parent: chain, labels: [:], snapshotter: image.snapshotter)
            try await fixture.client.createLease("stasis-pull-left")
            try await fixture.run { runtime in
                let found = try await runtime.sandboxes()
                #expect(found.isEmpty)
                #expect(!FileManager.default.fileExists(atPath: folder))
            }
        }
    }

    @Test("does not share its folder")
    func locked() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                _ = try await runtime.sandboxes()
                let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                let second = LocalRuntime(configuration: fixture.configuration, logger: logger)
                let error = await #expect(throws: SandboxError.self) { try await second.run() }
                #expect(error?.code == .runtimeUnavailable)
                #expect(error?.message.contains(fixture.configuration.stateFolder) == true)
            }
        }
    }
}
