// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import SnapshotEngine
import TestSupport
import Testing

@testable import LocalRuntime

/// Clearing away whatever is there. It needs root.
@Suite("Removing sandboxes from any state", .serialized)
struct ContainerRemovalTests {
    /// Control groups are the machine's: another run of the tests must not have the same name.
    private static let box = "box-\(getpid())"
    private static let sleeper = SandboxSpec(image: "busybox", entrypoint: ["sleep", "1000"])

    /// Brings a machine into a state, removes the sandbox `box`, and compares with the machine before.
    private func clears(
        daemon: ContainerdDaemon? = nil,
        _ state: (Machine, LocalImage) async throws -> Void
    ) async throws {
        try await Machine.run(daemon: daemon) { machine in
            let image = try await machine.busybox()
            let before = try await Inventory(machine)
            try await state(machine, image)
            #expect(try await machine.runtime.list().map(\.id) == [Self.box])
            try await machine.runtime.remove(Self.box)
            try await Inventory.expect(before, on: machine)
            #expect(processesInGroup(of: Self.box).isEmpty)
            #expect(try await machine.runtime.list().isEmpty)

            // Nothing is in the way of the next one, either.
            _ = try await machine.runtime.create(Self.box, Self.sleeper, from: image)
            try await machine.runtime.remove(Self.box)
            try await Inventory.expect(before, on: machine)
        }
    }

    @Test("a frozen one")
    func frozen() async throws {
        try await clears { machine, image in
            let running = try await machine.runtime.create(Self.box, Self.sleeper, from: image)
            try await machine.client.pauseTask(Self.box)
            #expect(try await machine.runtime.status(of: Self.box) == .paused(processID: running.processID))
        }
    }

    @Test("one with many processes that ignore signals")
    func stubborn() async throws {
        try await clears { machine, image in
            let script = """
                trap '' TERM INT HUP
                for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do (trap '' TERM; exec sleep 1000) & done
                echo END
                wait
                """
            let sandbox = SandboxSpec(image: "busybox", entrypoint: ["sh", "-c", script])
            _ = try await machine.runtime.create(Self.box, sandbox, from: image)
            _ = try await machine.log(of: Self.box)
        }
    }

    @Test("one that was killed and whose task was deleted by somebody else")
    func killedElsewhere() async throws {
        try await clears { machine, image in
            _ = try await machine.runtime.create(Self.box, Self.sleeper, from: image)
            try await machine.client.killTask(Self.box, signal: SIGKILL, all: true)
            _ = try await machine.client.waitForExit(of: Self.box)
            try await machine.client.deleteTask(Self.box)
            #expect(try await machine.runtime.status(of: Self.box) == .stopped(ContainerExit(code: nil, at: nil)))
            #expect(try await machine.runtime.waitForExit(of: Self.box) == ContainerExit(code: nil, at: nil))
        }
    }

    @Test("one that was made and never started")
    func created() async throws {
        try await clears { machine, image in
            let running = try await machine.runtime.create(Self.box, Self.sleeper, from: image)
            let record = try await machine.client.container(Self.box)
            try await machine.client.killTask(Self.box, signal: SIGKILL, all: true)
            _ = try await machine.client.waitForExit(of: Self.box)
            try await machine.client.deleteTask(Self.box)
            let mounts = try await machine.client.snapshotMounts(Self.box)
            let process = try await machine.client.createTask(record.id, rootfs: mounts)
            #expect(process != running.processID)
            #expect(try await machine.runtime.status(of: Self.box) == .created(processID: process))
        }
    }

    @Test("a container without a task, as after a restart of the machine")
    func recordOnly() async throws {
        try await clears { machine, image in
            try FileManager.default.createDirectory(
                atPath: "\(machine.runtime.folder)/\(Self.box)",
                withIntermediateDirectories: true
            )
            try await machine.client.withLease { client in
                try await client.prepareSnapshot(Self.box, parent: image.chainID?.description ?? "")
                try await client.createContainer(
                    ContainerRecord(
                        id: Self.box,
                        image: image.name,
                        snapshotKey: Self.box,
                        specification: TypedValue(typeURL: TypedValue.runtimeSpecification, bytes: Array("{}".utf8)),
                        labels: [ContainerRuntime.sandboxLabel: Self.box]
                    )
                )
            }
        }
    }

    @Test("a snapshot without a container, and a mount that was left")
    func snapshotOnly() async throws {
        try await clears { machine, image in
            let files = machine.runtime.files(of: Self.box)
            try FileManager.default.createDirectory(atPath: files.mountPoint, withIntermediateDirectories: true)
            try await machine.client.prepareSnapshot(Self.box, parent: image.chainID?.description ?? "")
            try await Command.run("mount", ["-t", "tmpfs", "left", files.mountPoint])
            #expect(FileManager.default.createFile(atPath: "\(files.mountPoint)/x", contents: nil))
        }
    }

    @Test("an address without a container")
    func addressOnly() async throws {
        try await clears { machine, _ in
            let lease =
                "\(machine.runtime.network.configuration.stateFolder)"
                + "/\(machine.runtime.network.configuration.bridge)"
            try FileManager.default.createDirectory(atPath: lease, withIntermediateDirectories: true)
            let subnet = machine.runtime.network.configuration.subnet.prefix { $0 != "/" }.dropLast()
            try "\(Self.box)\r\neth0".write(toFile: "\(lease)/\(subnet)77", atomically: false, encoding: .utf8)
            try FileManager.default.createDirectory(
                atPath: "\(machine.runtime.folder)/\(Self.box)",
                withIntermediateDirectories: true
            )
        }
    }

    @Test("one whose shim was killed")
    func shimKilled() async throws {
        try await clears { machine, image in
            _ = try await machine.runtime.create(Self.box, Self.sleeper, from: image)
            let shim = try #require(Inventory.shims(of: machine).first.flatMap { Int32($0) })
            kill(shim, SIGKILL)
        }
    }

    @Test("one that containerd forgot while it was made, as when its client is killed", arguments: [true, false])
    func forgotten(folderIsThere: Bool) async throws {
        try await clears { machine, _ in
            let namespace = machine.client.namespace
            let bundle = "\(machine.daemon.folder)/state/io.containerd.runtime.v2.task/\(namespace)/\(Self.box)"
            try FileManager.default.createDirectory(atPath: "\(bundle)/rootfs", withIntermediateDirectories: true)
            try "{}".write(toFile: "\(bundle)/config.json", atomically: false, encoding: .utf8)
            try await Command.run("mount", ["-t", "tmpfs", "left", "\(bundle)/rootfs"])
            let shim =
                "containerd-shim-runc-v2 -namespace \(namespace) -id \(Self.box)"
                + " -address \(machine.client.socket) -publish-binary containerd start"
            // It ends at once unless somebody reads its log.
            try await Command.run("sh", ["-ec", "cd \(bundle); mkfifo log; cat log >/dev/null 2>&1 & exec \(shim)"])
            try #require(Inventory.shims(of: machine).count == 1)
            if !folderIsThere {
                try await Command.run("umount", ["\(bundle)/rootfs"])
                try FileManager.default.removeItem(atPath: bundle)
            }
            try FileManager.default.createDirectory(
                atPath: "\(machine.runtime.folder)/\(Self.box)",
                withIntermediateDirectories: true
            )
        }
    }

    @Test("one that outlived its containerd")
    func containerdRestarted() async throws {
        let daemon = try await ContainerdDaemon.start()
        do {
            try await clears(daemon: daemon) { machine, image in
                let running = try await machine.runtime.create(Self.box, Self.sleeper, from: image)
                try await daemon.kill()
                try await daemon.startAgain()
                #expect(try await machine.runtime.status(of: Self.box) == .running(processID: running.processID))
            }
        } catch {
            await daemon.stop()
            throw error
        }
        await daemon.stop()
    }

    @Test("a start that is cancelled at any moment leaves nothing behind")
    func cancelled() async throws {
        try await Machine.run { machine in
            let image = try await machine.busybox()
            let before = try await Inventory(machine)
            var random = SeededRandom(3)
            var finished = 0
            for _ in 0..<12 {
                let start = Task { try await machine.runtime.create(Self.box, Self.sleeper, from: image) }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...250, using: &random)))
                start.cancel()
                switch await start.result {
                case .success:
                    finished += 1
                    try await machine.runtime.remove(Self.box)
                case .failure(let error):
                    #expect(error is CancellationError, "\(error)")
                }
                try await Inventory.expect(before, on: machine)
            }
            #expect(finished < 12)
        }
    }
}
