// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import TestSupport
import Testing

import struct Foundation.Data
import struct Foundation.Date
import class Foundation.JSONEncoder

@testable import Server

/// What is written by hand has to be what an encoder would write.
@Suite struct EncodedSandboxesTests {
    private static let characters = [
        "a", "Z", "0", "-", "/", "\\", "\"", "\n", "\r", "\t", "\u{8}", "\u{C}", "\u{1}",
        "\u{1F}", "\u{7F}", "ä", "€", "😀", "\u{2028}", "e\u{301}", " ",
    ]

    private static func text(_ generator: inout SeededGenerator, _ most: Int = 12) -> String {
        (0..<Int.random(in: 0...most, using: &generator))
            .map { _ in characters.randomElement(using: &generator) ?? "" }.joined()
    }

    private static func strings(_ generator: inout SeededGenerator) -> [String: String] {
        var strings: [String: String] = [:]
        for _ in 0..<Int.random(in: 0...4, using: &generator) { strings[text(&generator)] = text(&generator) }
        return strings
    }

    private static func sandbox(_ generator: inout SeededGenerator) -> Sandbox {
        let spec = SandboxSpec(
            image: text(&generator),
            snapshotID: Bool.random(using: &generator) ? text(&generator) : nil,
            entrypoint: (0..<Int.random(in: 0...3, using: &generator)).map { _ in text(&generator) },
            metadata: strings(&generator),
            extensions: strings(&generator),
            platform: ["linux/amd64", "linux", nil].randomElement(using: &generator) ?? nil
        )
        let seconds = Double.random(in: 0...4_000_000_000, using: &generator)
        var status = SandboxStatus(
            state: SandboxStatus.State.allCases.randomElement(using: &generator) ?? .running,
            reason: Bool.random(using: &generator) ? text(&generator) : nil,
            message: Bool.random(using: &generator) ? text(&generator, 60) : nil,
            lastTransitionAt: Date(timeIntervalSince1970: seconds)
        )
        if Int.random(in: 0..<4, using: &generator) == 0 {
            status.progress = SandboxStatus.Progress(
                stage: "up/load",
                bytesRead: 1 << 40,
                bytesWritten: 7,
                bytesTotal: nil
            )
        }
        return Sandbox(
            id: text(&generator),
            spec: spec,
            status: status,
            createdAt: Date(timeIntervalSince1970: seconds / 3),
            expiresAt: Bool.random(using: &generator) ? Date(timeIntervalSince1970: seconds * 1.5) : nil,
            pausesAt: Bool.random(using: &generator) ? Date(timeIntervalSince1970: seconds * 1.25) : nil
        )
    }

    @Test func theBytesAreThoseOfAnEncoder() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let resource = SandboxResource(Self.sandbox(&generator))
            let expected = String(decoding: try JSONEncoder.api.encode(resource), as: UTF8.self)
            #expect(String(decoding: try resource.json(), as: UTF8.self) == expected)
        }
    }

    @Test func datesAreWrittenAsTheyWereRead() throws {
        for text in [
            "1970-01-01T00:00:00.000Z", "2000-02-29T23:59:59.999Z", "2024-02-29T12:00:00.001Z",
            "2100-03-01T00:00:00.500Z", "1969-12-31T23:59:59.250Z", "0001-01-01T00:00:00.000Z",
            "9999-12-31T23:59:59.000Z", "2026-11-30T09:06:25.007Z",
        ] {
            #expect(Date(rfc3339: text)?.rfc3339 == text)
        }
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<20_000 {
            let milliseconds = Int.random(in: -62_135_596_800_000...253_402_300_799_000, using: &generator)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            let back = try #require(Date(rfc3339: date.rfc3339)).timeIntervalSince1970
            #expect((back * 1000).rounded() == Double(milliseconds), "\(date.rfc3339)")
        }
        #expect(Date.distantFuture.rfc3339.count == 24 && Date(timeIntervalSince1970: 1e300).rfc3339.hasPrefix("9999-"))
        #expect(Date(timeIntervalSince1970: -1e300).rfc3339 == "0000-01-01T00:00:00.000Z")
    }

    @Test func whatHasNotChangedIsNotWrittenAgain() throws {
        var generator = SeededGenerator(seed: 5)
        var sandbox = Self.sandbox(&generator)
        sandbox.id = "one"
        sandbox.revision = "1"
        let encoded = EncodedSandboxes()
        let first = try encoded.json(of: sandbox)
        sandbox.spec.image = "another"
        sandbox.spec.snapshotID = nil
        #expect(try encoded.json(of: sandbox) == first, "the revision says that nothing has changed")
        sandbox.revision = "2"
        let second = try encoded.json(of: sandbox)
        #expect(second != first && encoded.count == 1)
        sandbox.revision = nil
        sandbox.spec.image = "a third"
        #expect(try encoded.json(of: [sandbox]) == [try SandboxResource(sandbox).json()])
    }

    @Test func whatIsKeptIsBounded() throws {
        var generator = SeededGenerator(seed: 6)
        let encoded = EncodedSandboxes(capacity: 20_000)
        for number in 0..<500 {
            var sandbox = Self.sandbox(&generator)
            sandbox.id = "sandbox-\(number)"
            sandbox.revision = "1"
            #expect(try encoded.json(of: [sandbox]) == [try SandboxResource(sandbox).json()])
        }
        #expect((1..<200).contains(encoded.count))
    }

    @Test func aPageIsWhatAnEncoderWouldWrite() throws {
        var generator = SeededGenerator(seed: 7)
        struct Page: Encodable {
            var items: [SandboxResource]
            var pagination: Pagination
        }
        let sandboxes = (0..<50).map { _ in Self.sandbox(&generator) }
        let sorted = sandboxes.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
        for (query, expected) in [
            ("pageSize=7&page=2", sorted[7..<14]), ("pageSize=200", sorted[...]), ("page=99", []),
        ] {
            let request = try ListSandboxesRequest(QueryParameters(query: query))
            let page = SandboxPage(request, of: sandboxes)
            let whole = Page(items: expected.map { SandboxResource($0) }, pagination: page.pagination)
            let text = String(decoding: try page.json(EncodedSandboxes()), as: UTF8.self)
            #expect(text == String(decoding: try JSONEncoder.api.encode(whole), as: UTF8.self))
        }
    }
}
