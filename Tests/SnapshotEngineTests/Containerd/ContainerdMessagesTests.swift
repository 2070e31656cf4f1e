// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import SnapshotEngine
import TestSupport
import Testing

/// Proves field by field that our messages are containerd's: what `ctr` wrote is read back, and the reverse.
@Suite("containerd's messages")
struct ContainerdMessagesTests {
    @Test("A container and task made by ctr are read back with all their fields")
    func containerAndTask() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await BusyboxImage.shared().importInto(daemon)
        let id = "messages-\(UInt32.random(in: 0 ... .max))"
        try await daemon.ctr(
            "run",
            "--detach",
            "--label",
            "stasis.dev/color=blue",
            "--env",
            "SHADE=dark",
            "--null-io",
            BusyboxImage.name,
            id,
            "sleep",
            "1000"
        )
        try await daemon.withClient { client in
            let container = try await client.container(id)
            #expect(container.id == id)
            #expect(container.labels["stasis.dev/color"] == "blue")
            #expect(container.image == BusyboxImage.name)
            #expect(container.runtime == ContainerRecord.runc)
            #expect(container.runtimeOptions?.typeURL == "containerd.runc.v1.Options")
            #expect(container.snapshotter == ContainerdClient.overlayfs)
            #expect(container.snapshotKey == id)
            #expect(abs(container.createdAt.timeIntervalSinceNow) < 600)
            #expect(container.updatedAt >= container.createdAt)
            let specification = try #require(container.specification)
            #expect(specification.typeURL == TypedValue.runtimeSpecification)
            #expect(String(decoding: specification.bytes, as: UTF8.self).contains("SHADE=dark"))

            let filter = "labels.\"stasis.dev/color\"==\"blue\",id==\"\(id)\""
            #expect(try await client.containers(filters: [filter]) == [container])

            var task = try await client.task(id)
            #expect(task.containerID == id)
            #expect(task.status == .running)
            #expect(task.exit == nil)
            #expect(!task.hasTerminal)
            let listed = try await daemon.ctr("tasks", "ls")
            let line = try #require(listed.split(separator: "\n").first { $0.hasPrefix(id) })
            #expect(line.split(separator: " ").dropFirst().first == Substring(String(task.pid)))
            #expect(try await client.tasks().contains { $0.containerID == id && $0.pid == task.pid })
            #expect(try await client.processes(of: id) == [task.pid])

            try await client.pauseTask(id)
            task = try await client.task(id)
            #expect(task.status == .paused)
            try await client.resumeTask(id)
            #expect(try await client.task(id).status == .running)

            async let exit = client.waitForExit(of: id)
            try await client.killTask(id, signal: SIGTERM)
            // PID 1 of a namespace ignores signals that it does not handle.
            try await client.killTask(id, signal: SIGKILL, all: true)
            #expect(try await exit.status == 137)
            let at = try #require(try await exit.at)
            #expect(abs(at.timeIntervalSinceNow) < 600)
            let stopped = try await client.task(id)
            #expect(stopped.status == .stopped)
            #expect(stopped.exit == TaskExit(status: 137, at: at))
            #expect(try await client.deleteTask(id) == TaskExit(status: 137, at: at))

            #expect(try await client.setContainerLabels(["a": "1"], of: id).labels["a"] == "1")
            #expect(try await client.setContainerLabels(["a": ""], of: id).labels["a"] == nil)
            try await client.deleteContainer(id)
            _ = try await ContainerdError.nilIfNotFound { try await client.removeSnapshot(id) }
        }
    }

    @Test("A container made by us runs, and ctr sees what we said")
    func ownContainer() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await BusyboxImage.shared().importInto(daemon)
        let id = "own-\(UInt32.random(in: 0 ... .max))"
        // ctr's specification of a container that was never started is a good one to start from.
        try await daemon.ctr("containers", "create", BusyboxImage.name, "\(id)-model", "/bin/false")
        try await daemon.withClient { client in
            try await client.withLease { client in
                let model = try await client.container("\(id)-model")
                let specification = try #require(model.specification)
                let parent = try await client.snapshot(model.snapshotKey).parent
                let mounts = try await client.prepareSnapshot(id, parent: parent, labels: ["stasis.dev/of": id])
                #expect(mounts.count == 1)
                #expect(mounts.first?.type == "overlay")
                #expect(mounts.first?.options.contains { $0.hasPrefix("upperdir=\(daemon.folder)/") } == true)
                #expect(try await client.snapshotMounts(id) == mounts)

                let made = try await client.createContainer(
                    ContainerRecord(
                        id: id,
                        image: BusyboxImage.name,
                        snapshotKey: id,
                        specification: specification,
                        labels: ["stasis.dev/own": "yes"],
                        runtimeOptions: .runcOptions(),
                        extensions: ["stasis.dev/extension": TypedValue(typeURL: "text", bytes: Array("x".utf8))]
                    )
                )
                #expect(made.extensions["stasis.dev/extension"]?.bytes == Array("x".utf8))
                let seen = try await daemon.ctr("containers", "info", id)
                #expect(seen.contains("stasis.dev/own"))

                let output = "\(daemon.folder)/\(id).log"
                let pid = try await client.createTask(id, rootfs: mounts, standardOutput: "file://\(output)")
                #expect(try await client.task(id).status == .created)
                async let exit = client.waitForExit(of: id)
                #expect(try await client.startTask(id) == pid)
                #expect(try await exit.status == 1)
                #expect(try await client.task(id).standardOutput == "file://\(output)")
                try await client.deleteTask(id)
                for name in [id, "\(id)-model"] {
                    try await client.deleteContainer(name)
                    // Nothing keeps the snapshot any more: garbage collection may be faster.
                    _ = try await ContainerdError.nilIfNotFound { try await client.removeSnapshot(name) }
                }
            }
            let error = await #expect(throws: ContainerdError.self) { try await client.task(id) }
            #expect(error?.isNotFound == true)
        }
    }

    @Test("Snapshots: view, commit, labels, usage, list")
    func snapshots() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await daemon.withClient { client in
            let name = "snapshots-\(UInt32.random(in: 0 ... .max))"
            try await client.withLease { client in
                try await client.prepareSnapshot("\(name)-active", parent: "")
                #expect(try await client.snapshot("\(name)-active").kind == .active)
                try await client.commitSnapshot("\(name)-active", name: name, labels: ["a": "1"])
                let committed = try await client.snapshot(name)
                #expect(committed.kind == .committed)
                #expect(committed.name == name)
                #expect(committed.parent == "")
                #expect(committed.labels["a"] == "1")
                #expect(abs(committed.createdAt.timeIntervalSinceNow) < 600)

                let view = try await client.viewSnapshot("\(name)-view", parent: name)
                #expect(view.first?.options.contains("ro") == true)
                #expect(try await client.snapshot("\(name)-view").kind == .view)
                #expect(try await client.snapshot("\(name)-view").parent == name)
                #expect(try await client.setSnapshotLabels(["b": "2"], of: name).labels["b"] == "2")
                #expect(try await client.snapshots(filters: ["name==\(name)"]).map(\.name) == [name])
                let usage = try await client.snapshotUsage(name)
                #expect(usage.inodes > 0)
                #expect(usage.size > 0)

                let lease = try #require(client.lease)
                let kept = try await client.resources(ofLease: lease)
                #expect(kept.contains(LeasedResource(id: name, type: "snapshots/overlayfs")))
                try await client.removeSnapshot("\(name)-view")
                try await client.removeSnapshot(name)
            }
        }
    }

    @Test("Images, their content, and what ctr lists of both")
    func imagesAndContent() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let busybox = try await BusyboxImage.shared()
        try await busybox.importInto(daemon)
        try await daemon.withClient { client in
            let image = try await client.image(BusyboxImage.name)
            #expect(image.target.digest == busybox.manifestDigest)
            #expect(image.target.mediaType == "application/vnd.oci.image.manifest.v1+json")
            let info = try await client.contentInfo(image.target.digest)
            #expect(info.size == image.target.size)
            #expect(info.digest == image.target.digest)
            #expect(info.labels["containerd.io/gc.ref.content.config"]?.hasPrefix("sha256:") == true)
            #expect(try await client.contentList().map(\.digest).contains(info.digest))
            let bytes = try await client.content(image.target.digest)
            #expect(bytes.readableBytes == Int(info.size))

            let name = "stasis.test/other:\(UInt32.random(in: 0 ... .max))"
            try await client.createImage(ContainerdImage(name: name, target: image.target, labels: ["a": "1"]))
            #expect(try await daemon.ctr("images", "ls").contains(name))
            var other = try await client.image(name)
            #expect(other.labels == ["a": "1"])
            #expect(abs(other.createdAt.timeIntervalSinceNow) < 600)
            other.labels = ["b": "2"]
            #expect(try await client.updateImage(other).labels == ["b": "2"])
            #expect(try await client.images(filters: ["name==\"\(name)\""]).map(\.labels) == [["b": "2"]])
            try await client.deleteImage(name, synchronously: true)
            let error = await #expect(throws: ContainerdError.self) { try await client.image(name) }
            #expect(error?.isNotFound == true)
            #expect(error?.operation == "Images.Get")
            #expect(error.map { "\($0)" }?.contains(name) == true)
        }
    }

    @Test("Layers are made of a change, and applied again")
    func diff() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await BusyboxImage.shared().importInto(daemon)
        let id = "diff-\(UInt32.random(in: 0 ... .max))"
        try await daemon.ctr("run", "--null-io", BusyboxImage.name, id, "/bin/sh", "-c", "echo new > /root/file")
        try await daemon.withClient { client in
            try await client.withLease { client in
                let parent = try await client.snapshot(id).parent
                let lower = try await client.viewSnapshot("\(id)-lower", parent: parent)
                let upper = try await client.snapshotMounts(id)
                let mediaType = "application/vnd.oci.image.layer.v1.tar+gzip"
                let layer = try await client.makeLayer(
                    from: lower,
                    to: upper,
                    mediaType: mediaType,
                    reference: id
                )
                #expect(layer.mediaType == mediaType)
                #expect(layer.digest.hasPrefix("sha256:"))
                let stored = try await client.contentInfo(layer.digest)
                #expect(stored.size == layer.size)

                let target = try await client.prepareSnapshot("\(id)-target", parent: parent)
                let applied = try await client.applyLayer(layer, to: target)
                #expect(applied.digest == stored.labels["containerd.io/uncompressed"])
                let directory = try #require(
                    target.first?.options.first { $0.hasPrefix("upperdir=") }?.dropFirst("upperdir=".count)
                )
                #expect(try String(contentsOfFile: "\(directory)/root/file", encoding: .utf8) == "new\n")
                for key in ["\(id)-lower", "\(id)-target", id] {
                    try await client.removeSnapshot(key)
                }
                try await client.deleteContainer(id)
            }
        }
    }

    @Test("Leases: made once, listed by label, with resources, deleted")
    func leases() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await daemon.withClient { client in
            let id = "lease-\(UInt32.random(in: 0 ... .max))"
            let expiry = Date(timeIntervalSinceNow: 1000)
            let made = try await client.createLease(id, labels: ["stasis.dev/x": id], expiresAt: expiry)
            #expect(made.id == id)
            #expect(abs(made.createdAt.timeIntervalSinceNow) < 600)
            let error = await #expect(throws: ContainerdError.self) { try await client.createLease(id) }
            #expect(error?.isAlreadyExists == true)
            let found = try await client.leases(filters: ["labels.\"stasis.dev/x\"==\"\(id)\""])
            #expect(found.map(\.id) == [id])
            #expect(found.first?.labels["containerd.io/gc.expire"] != nil)
            #expect(try await daemon.ctr("leases", "ls").contains(id))

            let digest = "sha256:\(String(repeating: "0", count: 64))"
            try await client.addResource(LeasedResource(id: digest, type: "content"), toLease: id)
            #expect(try await client.resources(ofLease: id) == [LeasedResource(id: digest, type: "content")])
            try await client.deleteLease(id, synchronously: true)
            #expect(try await client.leases().contains { $0.id == id } == false)
        }
    }

    @Test("Namespaces and plugins")
    func namespacesAndPlugins() async throws {
        let daemon = try await ContainerdDaemon.shared()
        try await daemon.withClient { client in
            #expect(try await client.version().split(separator: ".").count >= 3)
            let name = "namespace-\(UInt32.random(in: 0 ... .max))"
            try await client.createNamespace(name, labels: ["a": "1"])
            #expect(try await client.namespaces().contains(name))
            #expect(try await client.namespaceLabels(name) == ["a": "1"])
            try await client.deleteNamespace(name)
            #expect(try await client.namespaces().contains(name) == false)

            let overlayfs = try #require(
                try await client.plugins(filters: ["type==io.containerd.snapshotter.v1,id==overlayfs"]).first
            )
            #expect(overlayfs.failure == nil)
            #expect(overlayfs.exports["root"]?.hasPrefix(daemon.folder) == true)
        }
    }
}
