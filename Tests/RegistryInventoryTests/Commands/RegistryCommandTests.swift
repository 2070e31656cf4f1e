// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import OCIRegistry
import SandboxModels
import Subprocess
import TestSupport
import Testing

@testable import LocalRuntime
@testable import RegistryInventory

/// `stasis-server registry`, the program itself.
@Suite("stasis-server registry")
struct RegistryCommandTests {
    /// A configuration of a server on this machine whose database has one sandbox.
    static func configuration(in folder: String, image: String) async throws -> String {
        let store = try SandboxStore(path: "\(folder)/sandboxes.sqlite")
        try await store.insert(
            SandboxRow(
                id: "box",
                spec: SandboxSpec(image: image),
                createdAt: Date(),
                intent: Intent(wish: .running, generation: 1),
                recorded: Recorded(identity: "box", now: Date()),
                image: image
            )
        )
        try store.close()
        let path = "\(folder)/server.toml"
        try "[server]\n[runtime]\ntype = \"local\"\n[local]\nstate_dir = \"\(folder)\"\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test func prunesAndUndoes() async throws {
        try await withTemporaryFolder { folder in
            try await withTestRegistry { registry, client in
                let repository = try client.repository("team/snapshots", of: registry)
                let live = try await SampleSnapshot.push(to: repository, tag: "live", sandbox: "a/live", number: 1)
                try await SampleSnapshot.push(to: repository, tag: "orphan", sandbox: "a/orphan", number: 2)
                let config = try await Self.configuration(in: folder, image: "\(repository.name)@\(live.digest)")
                let name = repository.name

                let list = try await ServerProgram.registry("list", "--repository", name, "--config", config)
                #expect(list.isSuccess, "\(list.error)")
                #expect(list.output.contains("a/orphan (main)"))
                #expect(
                    list.output.contains("referred to by sandbox box of the server with the state folder \(folder)")
                )
                #expect(list.output.contains("1 of 2 images may go"))
                let bare = try await ServerProgram.registry("list", "--repository", name, "--output", "json")
                let report = try JSONDecoder().decode(InventoryReport.self, from: Data(bare.output.utf8))
                #expect(report.images.map(\.tags) == [["live"], ["orphan"]])
                #expect(report.images.allSatisfy { $0.reclaimable == nil } && report.installations == nil)

                // Nothing is said of installations; one cannot be read; nothing was asked for but to tell.
                let none = try await ServerProgram.registry("prune", "--repository", name, "--delete")
                #expect(!none.isSuccess && none.error.contains("name every installation"))
                let wrong = try await ServerProgram.registry(
                    "prune",
                    "--repository",
                    name,
                    "--config",
                    config,
                    "--config",
                    "/no/such/file",
                    "--delete"
                )
                #expect(!wrong.isSuccess && wrong.error.contains("/no/such/file"))
                let both = try await ServerProgram.registry(
                    "prune",
                    "--repository",
                    name,
                    "--config",
                    config,
                    "--no-installations",
                    "--delete"
                )
                #expect(!both.isSuccess)
                let dry = try await ServerProgram.registry("prune", "--repository", name, "--config", config)
                #expect(dry.isSuccess && dry.output.contains("1 of 2 images may go"))
                #expect(try await repository.tags(after: nil, limit: 9) == ["live", "orphan"])

                let record = "\(folder)/record"
                let pruned = try await ServerProgram.registry(
                    "prune",
                    "--repository",
                    name,
                    "--config",
                    config,
                    "--delete",
                    "--record",
                    record
                )
                #expect(pruned.isSuccess && pruned.output.contains(" deleted"), "\(pruned.error)")
                #expect(try await repository.tags(after: nil, limit: 9) == ["live"])
                let undone = try await ServerProgram.registry("undo", record)
                #expect(undone.isSuccess && undone.output.contains("is back"), "\(undone.error)")
                #expect(try await repository.tags(after: nil, limit: 9) == ["live", "orphan"])

                // Younger than is asked for.
                let young = try await ServerProgram.registry(
                    "prune",
                    "--repository",
                    name,
                    "--no-installations",
                    "--older-than",
                    "30d",
                    "--delete"
                )
                #expect(young.isSuccess && young.output.contains("0 of 2 images may go"))
            }
        }
    }

    /// Into a registry that wants a login, which is in a file; and everything of it into a folder.
    @Test func copies() async throws {
        try await withTemporaryFolder { folder in
            try await withTestRegistry(.login(username: "anna", password: "right")) { closed, client in
                let layout = ImageLayoutRepository(folder: "\(folder)/from")
                let image = try await SampleSnapshot.push(to: layout, tag: "one", number: 1)
                _ = try await SampleSnapshot.attach(to: image, in: layout)
                try await SampleSnapshot.push(to: layout, tag: "two", number: 2)
                let target = "\(closed.authority)/team/copy"

                let refused = try await ServerProgram.registry(
                    "copy",
                    "oci:\(folder)/from:one",
                    target,
                    environment: ["DOCKER_CONFIG": folder]
                )
                #expect(!refused.isSuccess && refused.error.contains("the copy's target failed"), "\(refused.error)")
                let login = Data("anna:right".utf8).base64EncodedString()
                try #"{"auths":{"\#(closed.authority)":{"auth":"\#(login)"}}}"#
                    .write(toFile: "\(folder)/login.json", atomically: true, encoding: .utf8)
                let copied = try await ServerProgram.registry(
                    "copy",
                    "oci:\(folder)/from:one",
                    target,
                    "--target-config",
                    "\(folder)/login.json",
                    "--output",
                    "json"
                )
                #expect(copied.isSuccess, "\(copied.error)")
                let line = try JSONDecoder().decode(CopyLine.self, from: Data(copied.output.utf8))
                #expect(line.digest == image.digest.description && line.referrers == 1 && line.bytesSent > 0)
                let repository = try client.repository("team/copy", of: closed)
                #expect(try await repository.resolve(.tag("one"))?.digest == image.digest)

                let all = try await ServerProgram.registry(
                    "copy",
                    "oci:\(folder)/from",
                    target,
                    "--all",
                    "--target-config",
                    "\(folder)/login.json"
                )
                #expect(all.isSuccess && all.output.split(separator: "\n").count == 2, "\(all.error)")
                let back = try await ServerProgram.registry(
                    "copy",
                    target,
                    "oci:\(folder)/back",
                    "--all",
                    "--registry-config",
                    "\(folder)/login.json"
                )
                #expect(back.isSuccess, "\(back.error)")
                let found = ImageLayoutRepository(folder: "\(folder)/back")
                #expect(try await found.tags(after: nil, limit: 9) == ["one", "two"])
                #expect(try await found.referrers(of: image.digest, artifactType: nil).count == 1)
                let named = try await ServerProgram.registry(
                    "copy",
                    "oci:\(folder)/from:one",
                    "oci:\(folder)/x",
                    "--all"
                )
                #expect(!named.isSuccess && named.error.contains("without a tag"))
                let limited = try await ServerProgram.registry(
                    "copy",
                    "oci:\(folder)/from:one",
                    "oci:\(folder)/x",
                    "--limit",
                    "10"
                )
                #expect(!limited.isSuccess && limited.error.contains("more than 10 bytes"))
            }
        }
    }

    /// What the program needs does not grow with what it copies. `STASIS_COPY_MEGABYTES=1024` makes the blob that large.
    @Test func copiesInBoundedMemory() async throws {
        let megabytes = ProcessInfo.processInfo.environment["STASIS_COPY_MEGABYTES"].flatMap { Int($0) } ?? 128
        try await withTemporaryFolder { folder in
            try await withTestRegistry { registry, _ in
                let layout = ImageLayoutRepository(folder: "\(folder)/from")
                for (tag, count) in [("small", 1), ("large", megabytes)] {
                    try await push(count, to: layout, tag: tag)
                }
                var peaks: [Int] = []
                for tag in ["small", "large"] {
                    // Into a registry, and from there into a folder.
                    let place = "\(registry.authority)/app:\(tag)"
                    let into = try await peak(["registry", "copy", "oci:\(folder)/from:\(tag)", place])
                    let back = try await peak(["registry", "copy", place, "oci:\(folder)/back-\(tag)"])
                    peaks.append(max(into, back))
                    try FileManager.default.removeItem(atPath: "\(folder)/back-\(tag)")
                }
                print("copy of \(megabytes) MB: at most \(peaks[1] / 1024) MiB, of 1 MB \(peaks[0] / 1024) MiB")
                #expect(peaks[1] - peaks[0] < 64 * 1024, "\(peaks) KiB")
            }
        }
    }

    private func push(_ megabytes: Int, to layout: ImageLayoutRepository, tag: String) async throws {
        var generator = SeededGenerator(seed: UInt64(megabytes))
        let piece = generator.bytes(1 << 20)
        var bytes = Digester()
        let size = try await layout.upload { upload in
            for number in 0..<megabytes {
                // No two alike.
                var buffer = ByteBuffer(bytes: piece)
                buffer.setInteger(number, at: 0)
                bytes.update(buffer)
                try await upload.write(buffer)
            }
            return bytes.finalize()
        }
        let layer = Descriptor(mediaType: .ociLayer, digest: bytes.finalize(), size: size)
        let config = try await layout.putBlob(
            try ImageDocument.encode(ImageConfig(platform: .current)),
            mediaType: .ociConfig
        )
        let manifest = try ImageDocument.encode(ImageManifest(config: config, layers: [layer]))
        try await layout.putManifest(manifest, mediaType: .ociManifest, as: .tag(tag))
    }

    /// The most memory that the program had, in KiB.
    private func peak(_ arguments: [String]) async throws -> Int {
        let script =
            "import resource,subprocess,sys\nsubprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
            + "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        let output = try await Command.run("python3", ["-c", script, ServerProgram.path] + arguments)
        return Int(output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? .max
    }
}
