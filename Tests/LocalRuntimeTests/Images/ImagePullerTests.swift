// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine
import TestSupport
import Testing

@testable import LocalRuntime

/// Images into a real containerd, from layouts and from a real registry. It needs root.
@Suite("Pulling images", .serialized)
struct ImagePullerTests {
    private func failure(_ machine: Machine, _ location: ImageLocation) async throws -> SandboxError {
        let before = try await Inventory(machine)
        let error = try await #require(throws: SandboxError.self) { try await machine.puller.ensure(location) }
        try await Inventory.expect(before, on: machine, "\(error)", collecting: true)
        return error
    }

    @Test("an image is there once, however often and by however many it is asked for")
    func once() async throws {
        let counter = ReadCounter()
        let open: ImagePuller.Opener = { counter.counting(try Machine.openLayout($0, $1)) }
        try await Machine.run(open: open) { machine in
            let images = try await TestImages.make(from: machine.image, in: "\(machine.folder)/images")
            let written = try await images.addFile("extra", "more\n", tag: "two")
            let location = images.location("two")
            let pulled = try await withThrowingTaskGroup(of: LocalImage.self) { group in
                for _ in 0..<6 { group.addTask { try await machine.puller.ensure(location) } }
                return try await group.reduce(into: Set<LocalImage>()) { $0.insert($1) }
            }
            let image = try #require(pulled.first)
            #expect(pulled.count == 1)
            #expect(image.manifestDigest == written.digest)
            #expect(image.name == "oci:\(images.folder)@\(written.digest)")
            #expect(image.config.rootfs.diffIDs.count == 2)
            #expect(image.chainID == ChainID.of(image.config.rootfs.diffIDs))
            #expect(counter.blobs.count == 3)
            #expect(counter.blobs.values.allSatisfy { $0 == 1 }, "\(counter.blobs)")

            // An image that shares layers, and this one by digest, without a look at the place.
            _ = try await machine.puller.ensure(images.location("base"))
            try FileManager.default.removeItem(atPath: images.folder)
            #expect(try await machine.puller.ensure(location.at(written.digest)) == image)
            #expect(counter.blobs.values.allSatisfy { $0 == 1 }, "\(counter.blobs)")

            // Collecting garbage changes nothing, and what it is for works.
            let before = try await Inventory(machine)
            #expect(try await machine.client.leases().isEmpty)
            try await machine.collectGarbage()
            #expect(try await Inventory(machine) == before)
            let sandbox = SandboxSpec(image: "two", entrypoint: ["sh", "-c", "cat /extra; echo END"])
            _ = try await machine.runtime.create("two", sandbox, from: image)
            #expect(try await machine.log(of: "two") == ["more"])
            try await machine.runtime.remove("two")
        }
    }

    @Test("an image that nobody uses can be removed with everything of it")
    func remove() async throws {
        try await Machine.run { machine in
            let images = try await TestImages.make(from: machine.image, in: "\(machine.folder)/images")
            try await images.addFile("extra", "more\n", tag: "two")
            let base = try await machine.puller.ensure(images.location("base"))
            let before = try await Inventory(machine)
            let two = try await machine.puller.ensure(images.location("two"))
            _ = try await machine.runtime.create("user", SandboxSpec(image: "two", entrypoint: ["true"]), from: two)
            let error = try await #require(throws: SandboxError.self) { try await machine.puller.remove(two.name) }
            #expect(error.code == .invalidState)
            #expect(error.message.contains("user"))
            try await machine.runtime.remove("user")
            try await machine.puller.remove(two.name)
            try await Inventory.expect(before, on: machine)
            try await machine.puller.remove(two.name)
            try await machine.puller.remove(base.name)
            #expect(try await machine.client.snapshots().isEmpty)
            #expect(try await machine.client.contentList().isEmpty)
        }
    }

    @Test("an image that cannot be had says why and leaves nothing behind")
    func unavailable() async throws {
        try await Machine.run { machine in
            let images = try await TestImages.make(from: machine.image, in: "\(machine.folder)/images")
            let unknown = try await failure(machine, images.location("no-such-tag"))
            #expect(unknown.code == .imageUnavailable)
            #expect("\(unknown)".contains("no-such-tag"), "\(unknown)")

            let folder = try await failure(machine, .layout(folder: "/no/such/folder", tag: "1", digest: nil))
            #expect(folder.code == .imageUnavailable)
            #expect("\(folder)".contains("/no/such/folder"), "\(folder)")

            try await images.derive("foreign") { $0.architecture = "s390x" }
            let foreign = try await failure(machine, images.location("foreign"))
            #expect("\(foreign)".contains("s390x"), "\(foreign)")

            try await images.derive("other-layer") { config in
                config.rootfs.diffIDs = [.sha256(of: [1, 2, 3])]
            }
            let otherLayer = try await failure(machine, images.location("other-layer"))
            #expect("\(otherLayer)".contains("damaged"), "\(otherLayer)")

            try await images.derive("short") { $0.rootfs.diffIDs = [] }
            let short = try await failure(machine, images.location("short"))
            #expect("\(short)".contains("damaged"), "\(short)")

            try await images.derive("artifact") { _ in
            } manifest: {
                $0.layers[0].mediaType = MediaType("application/vnd.example.thing")
            }
            let artifact = try await failure(machine, images.location("artifact"))
            #expect("\(artifact)".contains("application/vnd.example.thing"), "\(artifact)")

            try await images.derive("wrong-type") { _ in
            } manifest: {
                $0.layers[0].mediaType = .ociLayer
            }
            let wrongType = try await failure(machine, images.location("wrong-type"))
            #expect(wrongType.code == .imageUnavailable, "\(wrongType)")

            try await images.derive("spoiled") { $0.created = "2026-01-02T03:04:05Z" }
            try images.spoil(images.base.manifest.layers[0].digest)
            let spoiled = try await failure(machine, images.location("spoiled"))
            #expect("\(spoiled)".contains("digest"), "\(spoiled)")
        }
    }

    @Test("of an index the machine's platform is taken")
    func index() async throws {
        try await Machine.run { machine in
            let images = try await TestImages.make(from: machine.image, in: "\(machine.folder)/images")
            var foreign = try await images.derive("foreign") { $0.architecture = "s390x" }
            foreign.platform = Platform(os: "linux", architecture: "s390x")
            var own = images.base.descriptor
            own.platform = .current
            func write(_ manifests: [Descriptor], _ tag: String) async throws -> Descriptor {
                let index = ImageIndex(manifests: manifests)
                return try await images.layout.putManifest(
                    TestImages.encode(index),
                    mediaType: .ociIndex,
                    as: .tag(tag)
                )
            }
            let both = try await write([foreign, own], "both")
            let image = try await machine.puller.ensure(images.location("both"))
            #expect(image.manifestDigest == images.base.descriptor.digest)
            #expect(image.name.hasSuffix("@\(both.digest)"))
            #expect(try await machine.puller.ensure(images.location("both").at(both.digest)) == image)

            _ = try await write([foreign], "neither")
            let error = try await failure(machine, images.location("neither"))
            #expect("\(error)".contains("s390x"), "\(error)")
        }
    }

    @Test("layers may be compressed with zstd")
    func zstandard() async throws {
        try await Machine.run { machine in
            try await Command.run(
                "skopeo",
                [
                    "copy", "-q", "--dest-compress-format", "zstd",
                    "oci:\(machine.image.layout):\(machine.image.tag)", "oci:\(machine.folder)/zstd:1",
                ]
            )
            let image = try await machine.puller.ensure(
                .layout(folder: "\(machine.folder)/zstd", tag: "1", digest: nil)
            )
            #expect(image.manifest.layers.allSatisfy { $0.mediaType == .ociLayerZstd })
            let sandbox = SandboxSpec(image: "zstd", entrypoint: ["sh", "-c", "cat /www/ping; echo END"])
            _ = try await machine.runtime.create("zstd", sandbox, from: image)
            #expect(try await machine.log(of: "zstd") == ["pong"])
            try await machine.runtime.remove("zstd")
        }
    }

    @Test("an image of a registry, with Docker's types, behind a login")
    func registry() async throws {
        try await DockerRegistry.run(.login(username: "ann", password: "secret")) { registry in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let good = RegistryCredentials.basic(username: "ann", password: "secret")
            let configuration = RegistryConfiguration(credentials: .fixed(good, for: registry.authority))
            try await withRegistryClient(configuration, logger: logger) { known in
                try await withRegistryClient(logger: logger) { stranger in
                    try await Machine.run(
                        open: { location, credentials in
                            (credentials == nil ? stranger : known).repository(of: location)
                        }
                    ) { machine in
                        try await pullFromRegistry(machine, registry)
                    }
                }
            }
        }
    }

    private func pullFromRegistry(_ machine: Machine, _ registry: DockerRegistry) async throws {
        try await Command.run(
            "skopeo",
            [
                "copy", "-q", "--format", "v2s2", "--dest-tls-verify=false", "--dest-creds", "ann:secret",
                "oci:\(machine.image.layout):\(machine.image.tag)", "docker://\(registry.authority)/team/busybox:1",
            ]
        )
        let location = try ImageLocation(parsing: "\(registry.authority)/team/busybox:1")
        let stranger = try await failure(machine, location)
        #expect(stranger.code == .imageUnavailable, "\(stranger)")

        let ann = ImageCredentials(username: "ann", password: "secret")
        let image = try await machine.puller.ensure(location, credentials: ann)
        #expect(image.name == "\(registry.authority)/team/busybox@\(image.manifestDigest)")
        #expect(image.manifest.layers.allSatisfy { $0.mediaType == .dockerLayerGzip })
        let layer = try #require(image.manifest.layers.first)
        let labels = try await machine.client.contentInfo(layer.digest.description).labels
        #expect(labels["containerd.io/distribution.source.\(registry.authority)"] == "team/busybox")

        let unknown = try await #require(throws: SandboxError.self) {
            try await machine.puller.ensure(
                try ImageLocation(parsing: "\(registry.authority)/team/nothing:1"),
                credentials: ann
            )
        }
        #expect(unknown.code == .imageUnavailable)
        #expect("\(unknown)".contains("team/nothing:1"), "\(unknown)")

        let sandbox = SandboxSpec(image: "web", entrypoint: ["httpd", "-f", "-p", "80", "-h", "/www"])
        let running = try await machine.runtime.create("from-registry", sandbox, from: image)
        #expect(try await machine.fetch(running.address, "/ping") == "pong\n")
        try await machine.runtime.remove("from-registry")
    }

    @Test("a pull that is cancelled at any moment leaves nothing that lasts, and the next one succeeds")
    func cancelled() async throws {
        try await Machine.run { machine in
            let images = try await TestImages.make(from: machine.image, in: "\(machine.folder)/images")
            try await images.addFile("extra", "more\n", tag: "two")
            let before = try await Inventory(machine)
            var random = SeededRandom(17)
            for _ in 0..<10 {
                let pull = Task { try await machine.puller.ensure(images.location("two")) }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...80, using: &random)))
                pull.cancel()
                switch await pull.result {
                case .success(let image):
                    try await machine.puller.remove(image.name)
                case .failure(let error):
                    #expect(error is CancellationError, "\(error)")
                }
                try await Inventory.expect(before, on: machine, collecting: true)
            }
            _ = try await machine.puller.ensure(images.location("two"))
        }
    }

    @Test("what a killed process left of a pull is given up")
    func recover() async throws {
        try await Machine.run { machine in
            let images = try await TestImages.make(from: machine.image, in: "\(machine.folder)/images")
            let before = try await Inventory(machine)
            // As a process leaves it that is killed in the middle: the layer is there, unpacked in part.
            let layer = images.base.manifest.layers[0]
            try await machine.client.createLease("stasis-pull-dead")
            let leased = machine.client.with(lease: "stasis-pull-dead")
            try await leased.writeContent(
                reference: "stasis-pull-dead-layer",
                expectedDigest: layer.digest.description,
                expectedSize: layer.size,
                body: try await images.layout.blob(layer)
            )
            try await leased.prepareSnapshot("stasis-pull-dead-snapshot", parent: "")
            #expect(try await Inventory(machine) != before)
            try await machine.puller.recover()
            try await Inventory.expect(before, on: machine)
        }
    }
}
