// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ImageBuilder
import OCIRegistry
import TestSupport
import Testing

/// What is in an image, as other tools unpack it.
@Suite struct ProgramImageTests {
    /// An image of the committer's settings, unpacked by umoci: `<type> <mode> <owner> <time> <path> <target>` a line.
    private func unpacked(_ image: ProgramImage) async throws -> [String] {
        try await withTemporaryFolder { folder in
            try await image.write(to: "\(folder)/layout", as: "one")
            try await Command.run("umoci", ["unpack", "--image", "\(folder)/layout:one", "\(folder)/bundle"])
            let listing = try await Command.run(
                "find",
                ["\(folder)/bundle/rootfs", "-mindepth", "1", "-printf", "%y %m %U:%G %T@ %P %l\n"]
            )
            return listing.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.sorted()
        }
    }

    @Test func holdsTheProgramAndItsNeedsAndNothingElse() async throws {
        var image = try await ProgramImage.small("stasis-committer")
        let libraries = image.closure.systemFolder.dropFirst()
        let loader = try #require(image.closure.loader).dropFirst()
        let loaderFolder = loader.prefix(upTo: try #require(loader.lastIndex(of: "/")))
        var expected = [
            "d 755 0:0 etc",
            "f 644 0:0 etc/group",
            "f 644 0:0 etc/nsswitch.conf",
            "f 644 0:0 etc/passwd",
            "d 755 0:0 run",
            "d 1777 0:0 tmp",
            "d 755 0:0 usr",
            "d 755 0:0 usr/local",
            "d 755 0:0 usr/local/bin",
            "f 755 0:0 usr/local/bin/stasis-committer",
            "l 777 0:0 usr/local/bin/image-committer stasis-committer",
            "f 644 0:0 \(libraries)/libc.so.6",
            "d 755 0:0 \(loaderFolder)",
            "f 755 0:0 \(loader)",
        ]
        var parent = libraries[...]
        while let slash = parent.lastIndex(of: "/") {
            expected.append("d 755 0:0 \(parent)")
            parent = parent[..<slash]
        }
        expected.append("d 755 0:0 \(parent)")
        let found = try await unpacked(image)
        let withoutTimes = found.map { line in
            var words = line.split(separator: " ")
            words.remove(at: 3)
            return words.joined(separator: " ")
        }
        #expect(withoutTimes.sorted() == Set(expected).sorted())
        // All of 1970.
        #expect(found.allSatisfy { $0.split(separator: " ")[3] == "0.0000000000" })

        image.certificates = "/etc/passwd"
        let certified = try await unpacked(image)
        let added = certified.filter { !found.contains($0) }.map { $0.split(separator: " ")[4] }
        #expect(added == ["etc/ssl", "etc/ssl/certs", "etc/ssl/certs/ca-certificates.crt"])
    }

    @Test func saysHowItIsRun() async throws {
        try await withTemporaryFolder { folder in
            var committer = try await ProgramImage.small("stasis-committer")
            committer.created = 86_400
            committer.labels = ["org.opencontainers.image.version": "7"]
            let root = try await committer.write(to: folder, as: "committer").config
            #expect(root.config.user == "0:0")
            #expect(root.config.entrypoint == ["/usr/local/bin/stasis-committer"])
            #expect(root.config.cmd == nil)
            #expect(root.config.env == ["PATH=/usr/local/bin"])
            #expect(root.config.labels?["org.opencontainers.image.title"] == "stasis-committer")
            #expect(root.config.labels?["org.opencontainers.image.version"] == "7")
            #expect(root.created == "1970-01-02T00:00:00Z")
            #expect(root.platform == Platform(os: "linux", architecture: Platform.current.architecture))
            #expect(root.history.count == root.rootfs.diffIDs.count)
            for name in ["stasis-controller", "stasis-server", "somebodys-own"] {
                let config = try await ProgramImage.small(name).write(to: folder, as: name).config
                #expect(config.config.user == "65532:65532")
                #expect(config.config.entrypoint == ["/usr/local/bin/\(name)"])
            }
        }
    }

    /// Two programs that need the same have only their own layers to themselves.
    @Test func sharesTheLayersBelowTheProgram() async throws {
        try await withTemporaryFolder { folder in
            let one = try await ProgramImage.small("stasis-controller").write(to: folder, as: "one")
            let two = try await ProgramImage.small("stasis-server", program: "/usr/bin/true").write(
                to: folder,
                as: "two"
            )
            #expect(one.manifest.layers.count == 3)
            #expect(one.manifest.layers.dropLast() == two.manifest.layers.dropLast())
            #expect(one.manifest.layers.last != two.manifest.layers.last)
        }
    }

    /// What a toolchain brings is a layer of its own, found in the one folder of libraries.
    @Test func runsProgramsWhoseLibrariesAreElsewhere() async throws {
        try await withTemporaryFolder { folder in
            let program = "\(builtPrograms)/stasis-committer"
            let image = try await ProgramImage.small("stasis-committer", program: program, compression: .zstd)
            #expect(image.closure.libraries.contains { !$0.isSystem })
            try await image.write(to: "\(folder)/layout", as: "one")
            try await Command.run("skopeo", ["copy", "--quiet", "oci:\(folder)/layout:one", "oci:\(folder)/copy:two"])
            let copy = ImageLayoutRepository(folder: "\(folder)/copy")
            let layers = try await copy.image(.tag("two")).manifest.layers
            #expect(layers.count == 4)
            let root = "\(folder)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
            // umoci knows no zstd.
            for layer in layers {
                let blob = "\(copy.folder)/blobs/sha256/\(layer.digest.hex)"
                try await Command.run("tar", ["--extract", "--zstd", "--file", blob, "--directory", root])
            }
            // Alone with what is in the image, and with /proc, which Swift reads the arguments from.
            let script = """
                mkdir "$1/proc" && mount -t proc proc "$1/proc" && exec chroot "$1" /usr/local/bin/image-committer --help
                """
            let said = try await Command.run("unshare", ["--mount", "sh", "-c", script, "sh", root])
            #expect(said.contains("USAGE: stasis-committer"))
        }
    }
}
