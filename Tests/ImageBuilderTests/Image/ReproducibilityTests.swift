// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ImageBuilder
import OCIRegistry
import TestSupport
import Testing

/// Equal inputs make equal images.
@Suite struct ReproducibilityTests {
    /// Made by different users, in different folders, time zones and languages, from copies with other times, owners and
    /// modes: the manifest's digest is the same.
    @Test func theDigestDependsOnTheContentsAlone() async throws {
        try await withTemporaryFolder { folder in
            let tool = "\(folder)/stasis-images"
            try FileManager.default.copyItem(atPath: "\(builtPrograms)/stasis-images", toPath: tool)
            let script = #"""
                set -eu
                # FOLDER MODE TIME UMASK
                umask "$4"
                mkdir -p "$1"
                cp "$5" "$1/stasis-committer"
                chmod "$2" "$1/stasis-committer"
                touch --date "$3" "$1/stasis-committer"
                cd "$1"
                "$6" build "$1/stasis-committer" "oci:$1/layout:one"
                """#
            func build(_ place: String, _ more: [String], prefix: [String]) async throws -> String {
                let arguments = prefix + ["bash", "-c", script, "build", place] + more + [smallProgram, tool]
                let place = try await Command.run("env", arguments).trimmingCharacters(in: .newlines)
                let digest = try #require(try ImageLocation(parsing: place).manifestReference)
                return "\(digest)"
            }
            let first = try await build("\(folder)/a", ["755", "2001-02-03", "022"], prefix: ["TZ=UTC", "LC_ALL=C"])
            let other = "\(folder)/b"
            try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
            try FileManager.default.setAttributes(
                [.ownerAccountID: 65534, .groupOwnerAccountID: 65534],
                ofItemAtPath: other
            )
            let second = try await build(
                "\(other)/deeper/down",
                ["500", "2033-04-05", "077"],
                prefix: [
                    "TZ=Pacific/Auckland", "LC_ALL=de_DE.UTF-8", "HOME=\(other)",
                    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                ]
            )
            #expect(first == second)
            // What it does depend on.
            let dated = try await build(
                "\(folder)/c",
                ["755", "2001-02-03", "022"],
                prefix: ["SOURCE_DATE_EPOCH=1000000000"]
            )
            #expect(first != dated)
        }
    }

    /// A program that is built anew while its image is made leaves no image that is half the one and half the other.
    @Test func aProgramThatChangesMeanwhileIsRefused() async throws {
        try await withTemporaryFolder { folder in
            let program = "\(folder)/program"
            try FileManager.default.copyItem(atPath: smallProgram, toPath: program)
            let writer = try await ImageWriter(try await .small(program: program))
            let file = try #require(FileHandle(forWritingAtPath: program))
            try file.seek(toOffset: 4000)
            try file.write(contentsOf: Data("another".utf8))
            try file.close()
            let layout = ImageLayoutRepository(folder: "\(folder)/layout")
            let error = await #expect(throws: RegistryError.self) {
                try await writer.write(to: layout, as: .tag("one"))
            }
            #expect(error?.kind == .digestMismatch)
            #expect(try await layout.resolve(.tag("one")) == nil)
        }
    }
}
