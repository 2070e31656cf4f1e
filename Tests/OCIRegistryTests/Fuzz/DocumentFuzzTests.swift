// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import OCIRegistry

/// The documents of an image: what is read can be written so that it reads as the same, and is written always alike.
struct DocumentFuzzTests {
    private static let digest = "sha256:" + String(repeating: "0a", count: 32)
    private static let descriptor =
        #"{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"\#(digest)","size":7}"#

    private static let manifest =
        #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":\#(descriptor),"#
        + #""layers":[\#(descriptor),\#(descriptor)],"subject":\#(descriptor),"annotations":{"a":"b"}}"#
    private static let index =
        #"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(digest)","#
        + #""size":1,"platform":{"os":"linux","architecture":"arm","variant":"v7","os.features":["x"]},"urls":["u"]}]}"#
    private static let config =
        #"{"created":"2026-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{"User":"1:2","Env":["A=b"],"#
        + #""ExposedPorts":{"80/tcp":{}},"Volumes":{"/v":{}},"Healthcheck":{"Interval":30000000000},"Labels":{"x":"y"}},"#
        + #""rootfs":{"type":"layers","diff_ids":["\#(digest)"]},"history":[{"created_by":"x","empty_layer":true,"n":1.5e3}],"#
        + #""unknown":[null,true,-1,18446744073709551615,12345678901234567890.5,1e300,"\u00e9\ud83d\ude00",{"a":[]}]}"#

    private static let words = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "null", "true", "-1", "0", "1e999", "1e-400",
        "-0.0",
        "9223372036854775808", "18446744073709551616", "1.0", "\"size\":-1", "\"size\":9223372036854775807", descriptor,
        "\"config\":", "\"layers\":[", "\"manifests\":[", "\"annotations\":{", "\"a\":\"a\",", digest, "é", "\u{FEFF}",
        "{}",
    ]

    /// Any JSON, with the members that matter.
    private static func json(_ generator: inout SeededGenerator, depth: Int = 4) -> String {
        let kind = Int.random(in: 0..<(depth > 0 ? 10 : 6), using: &generator)
        switch kind {
        case 0: return generator.one(["null", "true", "false"])
        case 1:
            return generator.one(["0", "-1", "2", "1.5", "1e20", "-0.0", "9223372036854775807", "18446744073709551615"])
        case 2: return "\"\(generator.some(["a", "\\n", "\\u00e9", "/", "\\\"", "é"], 0...5))\""
        case 3: return "\"\(digest)\""
        case 4, 5: return descriptor
        case 6, 7:
            let count = Int.random(in: 0...3, using: &generator)
            return "[" + (0..<count).map { _ in json(&generator, depth: depth - 1) }.joined(separator: ",") + "]"
        default:
            let names = [
                "schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "annotations", "digest",
                "size",
                "platform", "os", "architecture", "rootfs", "diff_ids", "type", "history", "Env", "Labels", "Volumes",
                "x",
            ]
            let count = Int.random(in: 0...6, using: &generator)
            let members = (0..<count).map { _ in "\"\(generator.one(names))\":\(json(&generator, depth: depth - 1))" }
            return "{" + members.joined(separator: ",") + "}"
        }
    }

    private func fuzzer(_ seed: UInt64, _ examples: [String]) -> Fuzzer {
        Fuzzer(seed: seed, examples: examples, words: Self.words) { generator in
            var text = generator.one(examples)
            // A member of a good document, with a value that may be anything.
            let members = text.indices.filter { text[$0] == ":" }
            if let colon = members.randomElement(using: &generator) {
                text.insert(contentsOf: "\(Self.json(&generator)),\"x\":", at: text.index(after: colon))
            }
            return generator.happens(0.2) ? Self.json(&generator) : text
        }
    }

    private func check<Value: Codable & Equatable>(_ type: Value.Type, _ text: String) throws {
        guard let value = try? ImageDocument.decode(Value.self, from: Array(text.utf8), subject: "x") else { return }
        let written = try ImageDocument.encode(value)
        let again = try ImageDocument.decode(Value.self, from: written, subject: "x")
        try #require(again == value, "\(text.prefix(500))")
        try #require(try ImageDocument.encode(again) == written, "\(text.prefix(500))")
    }

    private func checkManifest(_ text: String) throws {
        try check(ImageManifest.self, text)
        try check(ImageIndex.self, text)
        let bytes = Array(text.utf8)
        let content = try? ManifestContent(verifying: bytes, as: .sha256(of: bytes), subject: "x")
        if let manifest = try? content?.imageManifest() {
            for blob in manifest.blobs { try #require(blob.size >= 0) }
        }
        if let index = try? content?.imageIndex() { _ = index.manifest(for: .current) }
        _ = ReferrerOutline(bytes)
        if let layout = try? LayoutIndex(parsing: bytes, path: "x") {
            try #require(try LayoutIndex(parsing: try layout.encoded(), path: "x") == layout)
        }
    }

    private func checkConfig(_ text: String) throws {
        try check(ImageConfig.self, text)
        try check(JSONValue.self, text)
    }

    @Test func writesManifestsAsItReadsThem() throws { try fuzzer(4, [Self.manifest, Self.index]).run(checkManifest) }
    @Test func readsLongManifestsToTheEnd() throws {
        try fuzzer(5, [Self.manifest, Self.index]).runLong(checkManifest)
    }
    @Test func writesConfigsAsItReadsThem() throws { try fuzzer(6, [Self.config]).run(checkConfig) }
    @Test func readsLongConfigsToTheEnd() throws { try fuzzer(7, [Self.config]).runLong(checkConfig) }

    /// As deep as anybody may write it, on a thread of the pool that tasks share, whose stack is not large.
    @Test(arguments: [10, 60, 300, 511, 512, 513, 100_000])
    func readsWhatIsDeep(_ depth: Int) async throws {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}"), (#"[{"a":"#, "}]")] {
            let value = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
            let text = Self.config.dropLast() + #","deep":"# + value + "}"
            try checkConfig(String(text))
            try checkConfig(String(text.dropLast(depth / 2)))
        }
    }

    /// Many members, long texts, and many layers are read in the time that their length takes.
    @Test func readsWhatIsWide() throws {
        let layers = Array(repeating: Self.descriptor, count: 3000).joined(separator: ",")
        try checkManifest(#"{"schemaVersion":2,"config":\#(Self.descriptor),"layers":[\#(layers)]}"#)
        let members = (0..<10_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        try checkConfig(Self.config.dropLast() + ",\(members)}")
        try checkConfig(Self.config.replacing("A=b", with: String(repeating: "\\u00e9", count: 50_000)))
    }
}
