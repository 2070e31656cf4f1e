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

@testable import SnapshotEngine

/// Captures of containers whose image has many snapshot layers. It needs root.
@Suite("A capture on top of many snapshots")
struct CompactedCaptureTests {
    /// An image in the tests' containerd, made of the busybox image and layers on top that its labels call a snapshot's.
    private struct SnapshotOfMany {
        let name: String
        let image: Image
        let base: Image

        /// - Parameter layers: The entries of each layer, lowest first, with contents.
        init(_ fixture: CaptureFixture, layers: [[(TarHeader, String)]]) async throws {
            let layout = "\(fixture.folder)/many"
            let store = ImageLayoutRepository(folder: layout)
            let source = ImageLayoutRepository(folder: fixture.image.layout)
            try await copyImage(.tag(fixture.image.tag), from: source, to: store, as: .tag("base"))
            base = try await store.image(.tag("base"))
            var manifest = base.manifest
            var config = base.config
            for entries in layers {
                var tar: [UInt8] = []
                for (header, content) in entries {
                    var header = header
                    header.size = Int64(content.utf8.count)
                    tar += try header.encoded() + Array(content.utf8)
                    tar += [UInt8](repeating: 0, count: TarHeader.padding(after: header.size))
                }
                tar += [UInt8](repeating: 0, count: 1024)
                manifest.layers.append(try await store.putBlob(tar, mediaType: .ociLayer))
                config.rootfs.diffIDs.append(.sha256(of: tar))
                config.history.append(ImageConfig.History(createdBy: "stasis snapshot of box"))
            }
            var labels = config.config.labels ?? [:]
            labels[SnapshotLabels.uid] = "before"
            labels[SnapshotLabels.baseDigest] = base.descriptor.digest.description
            labels[SnapshotLabels.baseLayers] = "\(base.manifest.layers.count)"
            labels[SnapshotLabels.layers] = "\(manifest.layers.count)"
            config.config.labels = labels
            manifest.config = try await store.putBlob(ImageDocument.encode(config), mediaType: .ociConfig)
            try await store.putManifest(ImageDocument.encode(manifest), mediaType: .ociManifest, as: .tag("many"))
            image = try await store.image(.tag("many"))
            let archive = "\(fixture.folder)/many.tar"
            try await Command.run("tar", ["-C", layout, "-cf", archive, "."])
            let repository = "stasis.test/many-\(UInt32.random(in: 0 ... .max))"
            try await fixture.daemon.ctr("images", "import", "--base-name", repository, archive)
            name = "\(repository):many"
        }
    }

    private static func file(_ path: String, _ content: String) -> (TarHeader, String) {
        (TarHeader(kind: .file, path: Array(path.utf8), permissions: 0o644), content)
    }

    /// Each writes a file of its own, changes a common one, and deletes the one of the layer before.
    private static func layers(_ count: Int) -> [[(TarHeader, String)]] {
        (1...count).map { number in
            [file("common", "\(number)"), file("own-\(number)", "\(number)"), file(".wh.gone-\(number - 1)", "")]
                + [file("gone-\(number)", "")]
        }
    }

    /// Captures a container of an image with layers, and gives the image that comes of it.
    private func capture(
        _ fixture: CaptureFixture,
        _ many: SnapshotOfMany,
        to target: String,
        limit: Int = 4
    ) async throws -> (image: Image, artifact: Artifact, stages: Set<String>) {
        let capture = RootfsCapture(
            containerd: fixture.client,
            repositories: fixture.repositories,
            compaction: CompactionPolicy(limit: limit),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        return try await TestContainer.with(fixture.daemon, image: many.name) { container in
            try await fixture.exec(container, "echo last >/last; rm /own-1")
            let source = "oci:\(fixture.folder)/many@\(many.image.descriptor.digest)"
            let request = fixture.request(container, to: target, image: source)
            let meter = CaptureMeter()
            let findings = try await capture.preflight(request.source.containers[0])
            #expect(findings.filter(\.isFailure).isEmpty)
            let prepared = try await capture.prepare(request, meter: meter)
            var stages: Set<String> = [meter.current.stage]
            try await fixture.client.pauseTask(container.id)
            let artifact = try await capture.copy(prepared, meter: meter)
            stages.insert(meter.current.stage)
            let image = try await fixture.repository(target).image(.tag("snap"))
            #expect(await fixture.provider.verify(artifact) == .done(Verified()))
            return (image, artifact, stages)
        }
    }

    private func unpack(_ fixture: CaptureFixture, _ target: String) async throws -> String {
        let tls = target.hasPrefix("oci:") ? target : "docker://\(target)"
        let layout = "\(fixture.folder)/copied"
        try await Command.run("skopeo", ["copy", "--src-tls-verify=false", tls, "oci:\(layout):copy"])
        try await Command.run("umoci", ["unpack", "--image", "\(layout):copy", "\(fixture.folder)/bundle"])
        return "\(fixture.folder)/bundle/rootfs"
    }

    private func checkFiles(_ root: String, layers: Int) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: root)
        let own = (2...layers).map { "own-\($0)" }
        #expect(Set(names.filter { $0.hasPrefix("own-") }) == Set(own))
        #expect(names.filter { $0.hasPrefix("gone-") } == ["gone-\(layers)"])
        #expect(try String(contentsOfFile: "\(root)/common", encoding: .utf8) == "\(layers)")
        #expect(try String(contentsOfFile: "\(root)/last", encoding: .utf8) == "last\n")
        #expect(FileManager.default.fileExists(atPath: "\(root)/bin/busybox"))
    }

    @Test("merges them into one layer first, and says so")
    func merges() async throws {
        try await CaptureFixture.with { fixture in
            try await DockerRegistry.run { registry in
                let many = try await SnapshotOfMany(fixture, layers: Self.layers(6))
                let target = "\(registry.authority)/boxes/box:snap"
                let (image, artifact, stages) = try await capture(fixture, many, to: target)
                let base = many.base.manifest.layers.count
                #expect(stages.contains("compacting"))
                #expect(image.manifest.layers.count == base + 2)
                #expect(image.manifest.layers[..<base] == many.base.manifest.layers[...])
                #expect(image.config.history.count == many.base.config.history.count + 2)
                #expect(image.config.history.dropLast().last?.comment == "6 snapshot layers merged into one")
                let labels = try #require(image.config.config.labels)
                #expect(labels[SnapshotLabels.baseLayers] == "\(base)")
                #expect(labels[SnapshotLabels.layers] == "\(base + 2)")
                #expect(labels[SnapshotLabels.parentDigest] == many.image.descriptor.digest.description)
                #expect(labels[SnapshotLabels.baseDigest] == many.base.descriptor.digest.description)
                #expect(artifact.parts.first?.layers == base + 2)
                try checkFiles(try await unpack(fixture, target), layers: 6)
                // What was merged is still what it was.
                let store = ImageLayoutRepository(folder: "\(fixture.folder)/many")
                for blob in many.image.manifest.blobs { #expect(try await store.blobSize(blob.digest) == blob.size) }
                #expect(try registry.unfinishedUploads().isEmpty)
            }
        }
    }

    @Test("does not merge a few")
    func few() async throws {
        try await CaptureFixture.with { fixture in
            let many = try await SnapshotOfMany(fixture, layers: Self.layers(2))
            let target = "oci:\(fixture.folder)/store:snap"
            let (image, _, stages) = try await capture(fixture, many, to: target)
            #expect(!stages.contains("compacting"))
            #expect(Array(image.manifest.layers.dropLast()) == many.image.manifest.layers)
            try checkFiles(try await unpack(fixture, target), layers: 2)
        }
    }

    @Test("leaves what cannot be merged with certainty one on top of the other")
    func stacks() async throws {
        try await CaptureFixture.with { fixture in
            var layers = Self.layers(6)
            // The same name twice: the last one counts, for most.
            layers[3].append(Self.file("own-4", "4"))
            let many = try await SnapshotOfMany(fixture, layers: layers)
            let target = "oci:\(fixture.folder)/store:snap"
            let (image, _, stages) = try await capture(fixture, many, to: target)
            #expect(stages.contains("compacting"), "it tried")
            #expect(Array(image.manifest.layers.dropLast()) == many.image.manifest.layers)
            #expect(image.config.history.count == many.image.config.history.count + 1)
            try checkFiles(try await unpack(fixture, target), layers: 6)
            // Neither a claim nor a half-written blob is left.
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(fixture.folder)/store").filter {
                $0.hasPrefix(".")
            }
            #expect(left.isEmpty)
        }
    }

    @Test("merges again what the target lost half-way")
    func lost() async throws {
        try await CaptureFixture.with { fixture in
            try await DockerRegistry.run { registry in
                try await FaultProxy.run(before: registry.authority) { proxy in
                    var generator = SeededGenerator(seed: 5)
                    var layers = Self.layers(5)
                    let noise = String(generator.bytes(12 << 20).map { Character(UnicodeScalar(0x20 + $0 % 90)) })
                    layers[2].append(Self.file("noise", noise))
                    let many = try await SnapshotOfMany(fixture, layers: layers)
                    // All layers are there, so that what is cut is the merged one.
                    try await copyImage(
                        .tag("many"),
                        from: ImageLayoutRepository(folder: "\(fixture.folder)/many"),
                        to: try fixture.repository("\(registry.authority)/box:many"),
                        as: .tag("many")
                    )
                    proxy.cut(.toServer, after: 1_000_000, of: "PATCH ", times: 1)
                    let (image, _, _) = try await capture(fixture, many, to: "\(proxy.authority)/box:snap")
                    #expect(proxy.cuts == 1)
                    #expect(image.manifest.layers.count == many.base.manifest.layers.count + 2)
                    try checkFiles(try await unpack(fixture, "\(registry.authority)/box:snap"), layers: 5)
                }
            }
        }
    }

    @Test("refuses what nobody could start, before anything is frozen")
    func tooDeep() async throws {
        try await CaptureFixture.with { fixture in
            let capture = await fixture.provider.capture
            #expect(throws: CaptureError.self) { try capture.checkDepth(126, of: "main", image: "x") }
            try capture.checkDepth(125, of: "main", image: "x")
        }
    }
}
