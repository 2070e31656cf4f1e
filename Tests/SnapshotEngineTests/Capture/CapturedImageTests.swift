// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import SnapshotProvider
import SnapshotStore
import TestSupport
import Testing

@testable import SnapshotEngine

/// What a capture leaves in the store, looked at with other people's tools. It needs root.
@Suite("The image of a capture")
struct CapturedImageTests {
    /// Changes a few things in a container.
    private static let changes = """
        echo captured >/etc/state
        rm /www/ping
        ln -s state /etc/link
        mkdir -m 700 /private
        sync
        """

    /// Captures a changed container to a target and checks everything that is written about it.
    private func checkCapture(_ fixture: CaptureFixture, to target: String, copyToLayout: (String) async throws -> Void)
        async throws
    {
        try await TestContainer.with(fixture.daemon) { container in
            try await fixture.exec(container, Self.changes)
            let request = fixture.request(container, to: target)
            let artifact = try await fixture.capture(request).get()
            #expect(container.isFrozen)
            #expect(await fixture.provider.state(of: request.uid)?.hold == .held)

            let part = try #require(artifact.parts.first)
            let repository = try fixture.repository(target)
            let location = try ImageLocation(parsing: target)
            let image = try await repository.image(try #require(location.manifestReference))
            let base = try await ImageLayoutRepository(folder: fixture.image.layout).image(.tag(fixture.image.tag))
            #expect(part.digest == image.descriptor.digest.description)
            #expect(part.reference == target)
            #expect(part.layers == base.manifest.layers.count + 1)
            #expect(part.size == image.manifest.blobs.reduce(image.descriptor.size) { $0 + $1.size })
            #expect(part.baseDigest == base.descriptor.digest.description)
            #expect(artifact.provider == "oci-rootfs")
            #expect(artifact.platform == base.config.platform.description)
            let statistics = try #require(artifact.statistics)
            #expect(statistics.bytesRead > 0 && statistics.bytesWritten > 0)

            let labels = try #require(image.config.config.labels)
            #expect(labels[SnapshotLabels.sandbox] == "box")
            #expect(labels[SnapshotLabels.container] == "main")
            #expect(labels[SnapshotLabels.uid] == request.uid)
            #expect(labels[SnapshotLabels.podUID] == "pod-uid")
            #expect(labels[SnapshotLabels.node] == "here")
            #expect(labels[SnapshotLabels.parentDigest] == base.descriptor.digest.description)
            #expect(labels[SnapshotLabels.baseDigest] == base.descriptor.digest.description)
            #expect(image.config.history.count == base.config.history.count + 1)
            #expect(image.config.history.last?.createdBy == "stasis snapshot of box")
            #expect(image.config.history.last?.emptyLayer != true)
            #expect(image.config.config.env == base.config.config.env)
            #expect(Array(image.manifest.layers.dropLast().map(\.digest)) == base.manifest.layers.map(\.digest))
            #expect(image.config.rootfs.diffIDs.dropLast() == base.config.rootfs.diffIDs[...])

            let layout = "\(fixture.folder)/copy"
            try await copyToLayout(layout)
            let layer = try #require(image.manifest.layers.last)
            let sum = try await Command.run(
                "sh",
                ["-c", "gunzip -c \"$1\" | sha256sum", "sum", "\(layout)/blobs/sha256/\(layer.digest.hex)"]
            )
            #expect(image.config.rootfs.diffIDs.last?.hex == sum.prefix(64).description)

            try await Command.run("umoci", ["unpack", "--image", "\(layout):copy", "\(fixture.folder)/bundle"])
            let root = "\(fixture.folder)/bundle/rootfs"
            #expect(try String(contentsOfFile: "\(root)/etc/state", encoding: .utf8) == "captured\n")
            #expect(!FileManager.default.fileExists(atPath: "\(root)/www/ping"))
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/etc/link") == "state")
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/private")
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
            #expect(FileManager.default.fileExists(atPath: "\(root)/bin/busybox"))

            await fixture.give(up: request)
            #expect(!container.isFrozen)
            #expect(try await fixture.freezes(of: request).isEmpty)
            #expect(await fixture.provider.state(of: request.uid) == nil)
        }
    }

    @Test("is whole in an image layout: labels, history, digests, and umoci unpacks it")
    func layout() async throws {
        try await CaptureFixture.with { fixture in
            let store = "\(fixture.folder)/store"
            try await checkCapture(fixture, to: "oci:\(store):snap") { copy in
                try await Command.run("skopeo", ["copy", "oci:\(store):snap", "oci:\(copy):copy"])
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: store).filter { $0.hasPrefix(".") }
            #expect(left.isEmpty)
        }
    }

    @Test("is whole in a registry: labels, history, digests, and umoci unpacks it")
    func registry() async throws {
        try await CaptureFixture.with { fixture in
            try await DockerRegistry.run { registry in
                let name = "\(registry.authority)/boxes/box:snap"
                try await checkCapture(fixture, to: name) { copy in
                    try await Command.run(
                        "skopeo",
                        ["copy", "--src-tls-verify=false", "docker://\(name)", "oci:\(copy):copy"]
                    )
                }
                #expect(try registry.unfinishedUploads().isEmpty)
            }
        }
    }

    @Test("has no layer of its own if nothing was changed")
    func unchanged() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon) { container in
                let target = "oci:\(fixture.folder)/store:snap"
                let request = fixture.request(container, to: target)
                let part = try #require(try await fixture.capture(request).get().parts.first)
                let base = try await ImageLayoutRepository(folder: fixture.image.layout).image(.tag(fixture.image.tag))
                let image = try await fixture.repository(target).image(.tag("snap"))
                #expect(part.layers == base.manifest.layers.count)
                #expect(image.manifest.layers == base.manifest.layers)
                #expect(image.config.rootfs.diffIDs == base.config.rootfs.diffIDs)
                #expect(image.config.history.last?.emptyLayer == true)
                #expect(part.digest != fixture.image.manifestDigest)
                await fixture.give(up: request)
            }
        }
    }

    @Test("needs only this machine if the registry of the base image is down")
    func registryOfBaseDown() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon) { container in
                try await fixture.exec(container, "echo more >/more")
                let target = "oci:\(fixture.folder)/store:snap"
                let base = "127.0.0.1:1/busybox@\(fixture.image.manifestDigest)"
                let request = fixture.request(container, to: target, image: base)
                let artifact = try await fixture.capture(request).get()
                #expect(await fixture.provider.verify(artifact) == .done(Verified()))
                await fixture.give(up: request)
            }
        }
    }

    @Test("is whole although the last image with the same base was deleted meanwhile")
    func baseDeletedMeanwhile() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon) { container in
                try await fixture.exec(container, "echo x >/x")
                let target = "oci:\(fixture.folder)/store:snap"
                let store = try fixture.repository(target)
                let source = ImageLayoutRepository(folder: fixture.image.layout)
                let base = try await copyImage(.tag(fixture.image.tag), from: source, to: store, as: .tag("base"))
                let capture = await fixture.provider.capture
                let prepared = try await capture.prepare(fixture.request(container, to: target), meter: CaptureMeter())
                #expect(try await store.deleteManifest(base.digest) == .deleted)
                try await fixture.client.pauseTask(container.id)
                let artifact = try await capture.copy(prepared, meter: CaptureMeter())
                #expect(await fixture.provider.verify(artifact) == .done(Verified()))
            }
        }
    }
}
