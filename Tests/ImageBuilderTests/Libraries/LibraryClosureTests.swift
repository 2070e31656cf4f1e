// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ImageBuilder
import TestSupport
import Testing

/// Which files a program needs.
@Suite struct LibraryClosureTests {
    /// A machine of files by their paths.
    private func closure(
        of program: String = "/app/program",
        _ files: [String: ELFFile]
    ) throws -> LibraryClosure {
        try LibraryClosure(
            of: program,
            folders: LibraryFolders(["/lib/first", "/lib/second"]),
            read: { files[$0] },
            folder: { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) }
        )
    }

    private func paths(_ closure: LibraryClosure) -> [String] { closure.libraries.map(\.path) }

    @Test func followsNeedsOfNeedsAndCircles() throws {
        let found = try closure([
            "/app/program": ELFFile(machine: .amd64, interpreter: "/lib64/ld.so.2", needed: ["a", "libc.so.6"]),
            "/lib64/ld.so.2": ELFFile(machine: .amd64, soname: "ld.so.2"),
            "/lib/second/a": ELFFile(machine: .amd64, needed: ["b", "libc.so.6"]),
            "/lib/second/b": ELFFile(machine: .amd64, needed: ["a"]),
            "/lib/first/libc.so.6": ELFFile(machine: .amd64, needed: ["ld.so.2"]),
            "/lib/first/unused": ELFFile(machine: .amd64),
        ])
        // The loader is not among them: it is where the program says.
        #expect(paths(found) == ["/lib/second/a", "/lib/second/b", "/lib/first/libc.so.6"])
        #expect(found.loader == "/lib64/ld.so.2")
        #expect(found.systemFolder == "/lib/first")
    }

    @Test func searchesAsTheLoaderDoes() throws {
        let library = ELFFile(machine: .amd64)
        let found = try closure([
            "/app/program": ELFFile(
                machine: .amd64,
                needed: ["own", "foreign", "absolute", "/opt/exact"],
                runPath: ["$ORIGIN/lib", "${ORIGIN}/../more", "$LIB", "relative"],
                rPath: ["/ignored"]
            ),
            "/ignored/own": library,
            "/app/lib/own": ELFFile(machine: .amd64, needed: ["deep"]),
            "/app/lib/deep": library,
            "/lib/second/deep": library,
            "/lib/first/own": library,
            "/app/lib/foreign": ELFFile(machine: .arm64),
            "/app/../more/foreign": library,
            "/lib/first/absolute": library,
            "/opt/exact": library,
        ])
        let expected = [
            "/opt/exact",
            "/lib/first/absolute",
            // A RUNPATH is for one's own needs, not for those of one's libraries.
            "/lib/second/deep",
            // That of another processor is passed over.
            "/app/../more/foreign",
            "/app/lib/own",
        ]
        #expect(paths(found) == expected)
        #expect(found.libraries.map(\.isSystem) == [false, true, true, false, false])
    }

    @Test func anOldPathIsForLibrariesToo() throws {
        let found = try closure([
            "/app/program": ELFFile(machine: .amd64, needed: ["own"], rPath: ["/old"]),
            "/old/own": ELFFile(machine: .amd64, needed: ["deep"]),
            "/old/deep": ELFFile(machine: .amd64),
        ])
        #expect(paths(found) == ["/old/deep", "/old/own"])
    }

    @Test func whatIsMissingIsNamed() async throws {
        let error = #expect(throws: ImageBuilderError.self) {
            try closure([
                "/app/program": ELFFile(machine: .amd64, needed: ["own"]),
                "/lib/first/own": ELFFile(machine: .amd64, needed: ["gone.so.3"], runPath: ["/its/own"]),
            ])
        }
        #expect(
            error
                == .libraryMissing(
                    name: "gone.so.3",
                    neededBy: "/lib/first/own",
                    searched: ["/its/own", "/lib/first", "/lib/second"]
                )
        )
        #expect(throws: ImageBuilderError.loaderMissing(path: "/lib/ld.so", program: "/app/program")) {
            try closure(["/app/program": ELFFile(machine: .amd64, interpreter: "/lib/ld.so")])
        }
        // The same on this machine, with files.
        try await withTemporaryFolder { folder in
            let program = "\(folder)/program"
            let bytes = SampleELF(needed: ["libnobodyhasthis.so.7"]).bytes
            try Data(bytes).write(to: URL(fileURLWithPath: program))
            let error = await #expect(throws: ImageBuilderError.self) { try await LibraryClosure.find(of: program) }
            let text = try #require(error).description
            #expect(text.contains("libnobodyhasthis.so.7, which \(program) needs"))
            try Data("#!/bin/sh\n".utf8).write(to: URL(fileURLWithPath: program))
            await #expect(throws: ImageBuilderError.unreadable(path: program, .notELF)) {
                try await LibraryClosure.find(of: program)
            }
            await #expect(throws: ImageBuilderError.system(operation: "open", path: "\(folder)/none", code: ENOENT)) {
                try await LibraryClosure.find(of: "\(folder)/none")
            }
        }
    }

    /// The files are those that the machine's own loader would load.
    @Test(arguments: [smallProgram, "\(builtPrograms)/stasis-committer"])
    func agreesWithTheLoader(_ program: String) async throws {
        let closure = try await LibraryClosure.find(of: program)
        let loader = try #require(closure.loader)
        // Lines such as "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)".
        let listed = try await Command.run("env", [loader, "--list", program]).split(separator: "\n")
            .compactMap { line -> String? in
                let words = line.split(whereSeparator: \.isWhitespace)
                return words.count > 2 && words[1] == "=>" ? "\(words[0]) \(real(String(words[2])))" : nil
            }
        let found = closure.libraries.map { "\($0.name) \(real($0.path))" }
        #expect(!found.isEmpty)
        #expect(found == listed.sorted())
    }

    private func real(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }

    @Test func readsWhereTheMachineSearches() async throws {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/parts", withIntermediateDirectories: false)
            try "# a comment\n/one\ninclude parts/*.conf\n/four # why\n"
                .write(toFile: "\(folder)/ld.so.conf", atomically: false, encoding: .utf8)
            try "/three\n".write(toFile: "\(folder)/parts/b.conf", atomically: false, encoding: .utf8)
            // Who includes himself does not hang it up.
            try "/two\ninclude \(folder)/parts/a.conf\n"
                .write(toFile: "\(folder)/parts/a.conf", atomically: false, encoding: .utf8)
            let folders = LibraryFolders.ofThisMachine(configuration: "\(folder)/ld.so.conf").paths
            #expect(folders.filter { $0 != "/two" }.prefix(3) == ["/one", "/three", "/four"])
            #expect(folders.firstIndex(of: "/two") == 1)
            #expect(folders.suffix(2) == ["/lib", "/usr/lib"])
        }
    }
}
