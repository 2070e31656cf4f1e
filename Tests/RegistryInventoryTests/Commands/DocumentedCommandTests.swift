// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import Subprocess
import SystemPackage
import TestSupport
import Testing

@testable import RegistryInventory

/// Every command of docs/retention.md, as it is written there, with places that are there.
@Suite("docs/retention.md")
struct DocumentedCommandTests {
    private static let page = URL(fileURLWithPath: #filePath)
        .appending(path: "../../../../docs/retention.md").standardized.path

    /// The lines of the blocks of shell.
    private func commands() throws -> [String] {
        let text = try String(contentsOfFile: Self.page, encoding: .utf8)
        var commands: [String] = []
        var isShell = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isShell = line == "```sh"
            } else if isShell {
                commands.append(String(line))
            }
        }
        return commands
    }

    private func run(_ command: String, in folder: String) async throws -> String {
        let programs = FilePath(ServerProgram.path).removingLastComponent().string
        let path = "\(programs):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: ["-c", command],
            environment: .inherit.updating(["PATH": path]),
            workingDirectory: FilePath(folder),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(result.terminationStatus.isSuccess, "\(command): \(result.standardError)")
        return result.standardOutput
    }

    @Test("has commands that work", .timeLimit(.minutes(5)))
    func work() async throws {
        try await TestCluster.run(DeployedDefinition.openSandbox) { cluster in
            try await withTestRegistry { registry, client in
                try await withTemporaryFolder { folder in
                    let repository = try client.repository("team/snapshots", of: registry)
                    let paused = try await SampleSnapshot.push(to: repository, tag: "snap-gen7", number: 7)
                    let laptop = try await SampleSnapshot.push(to: repository, tag: "laptop", number: 8)
                    try await SampleSnapshot.push(to: repository, tag: "orphan", number: 9)
                    try await ClusterRecord.pausedRecord.make(
                        "box",
                        naming: repository.name,
                        tag: "snap-gen7",
                        paused.digest.description,
                        cluster.client
                    )
                    let config = try await RegistryCommandTests.configuration(
                        in: folder,
                        image: "\(repository.name)@\(laptop.digest)"
                    )
                    try FileManager.default.moveItem(atPath: config, toPath: "\(folder)/laptop.toml")
                    try FileManager.default.copyItem(atPath: cluster.kubeconfig, toPath: "\(folder)/prod.kubeconfig")

                    let commands = try commands()
                    #expect(commands.count == 6)
                    for command in commands {
                        let here = command.replacing("registry.example/", with: "\(registry.authority)/")
                        let output = try await run(here, in: folder)
                        if command.contains("registry list") || command.contains("registry prune") {
                            #expect(output.contains("1 of 3 images may go"), "\(output)")
                        }
                        let tags = try await repository.tags(after: nil, limit: 9)
                        let isPruned = command.contains("--delete")
                        #expect(tags == (isPruned ? ["laptop", "snap-gen7"] : ["laptop", "orphan", "snap-gen7"]))
                    }
                    let archive = try client.repository("archive/snapshots", of: registry)
                    #expect(try await archive.resolve(.tag("snap-gen7"))?.digest == paused.digest)
                    let layout = ImageLayoutRepository(folder: "\(folder)/archive")
                    #expect(try await layout.tags(after: nil, limit: 9) == ["laptop", "orphan", "snap-gen7"])
                }
            }
        }
    }
}
