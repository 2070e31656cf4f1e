// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The code that stands in documentation is code that is compiled: word by word.
@Suite("Examples in documentation")
struct DocumentedCodeTests {
    private static let root = URL(fileURLWithPath: #filePath).appending(path: "../../..").standardized
    private static let libraries =
        (try? FileManager.default.contentsOfDirectory(atPath: "\(root.path)/Sources"))?
        .filter { FileManager.default.fileExists(atPath: "\(root.path)/Sources/\($0)/\($0).docc") }.sorted() ?? []

    @Test("of libraries are compiled", arguments: libraries)
    func library(_ name: String) throws {
        let blocks = try Self.blocks(of: "Sources/\(name)/\(name).docc/\(name).md")
        #expect(!blocks.isEmpty, "\(name) has no example")
        try Self.expectCompiled(blocks)
    }

    @Test("of the guide to providers are compiled")
    func guide() throws {
        let blocks = try Self.blocks(of: "docs/providers.md")
        #expect(blocks.count >= 4)
        try Self.expectCompiled(blocks)
    }

    @Test("are there for every library")
    func all() {
        #expect(Self.libraries.count == 20)
    }

    private static func blocks(of page: String) throws -> [String] {
        let text = try String(contentsOfFile: "\(root.path)/\(page)", encoding: .utf8)
        return text.split(separator: "```swift\n").dropFirst().map {
            String($0.prefix(upTo: $0.range(of: "```")?.lowerBound ?? $0.endIndex))
        }
    }

    private static func expectCompiled(_ blocks: [String]) throws {
        let sources = try ["Examples", "Tests/LibraryExampleTests"].flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: "\(root.path)/\(folder)")
                .filter { $0.hasSuffix(".swift") && !$0.contains(".build/") }
                .map { try String(contentsOfFile: "\(root.path)/\(folder)/\($0)", encoding: .utf8) }
        }
        for block in blocks {
            let isThere = sources.contains { source in
                stride(from: 0, through: 16, by: 4).contains { source.contains(indented(block, by: $0)) }
            }
            #expect(isThere, "is in no file of Examples or Tests/LibraryExampleTests, word by word:\n\(block)")
        }
    }

    private static func indented(_ block: String, by depth: Int) -> String {
        let margin = String(repeating: " ", count: depth)
        return block.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : margin + $0 }.joined(separator: "\n")
    }
}
