// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import TestSupport
import Testing

/// Image references and locations: what is read prints as something that reads as the same.
struct ReferenceFuzzTests {
    private static let digest = "sha256:" + String(repeating: "0a", count: 32)

    private let fuzzer = Fuzzer(
        seed: 1,
        examples: [
            "debian", "debian:12", "docker.io/library/debian", "localhost:5000/a/b_c__d---e.f:v1.2-3",
            "[::1]:5000/app@\(digest)", "Registry.Example/app:1@\(digest)", "oci:/var/lib/x:tag", "oci:./a:b@\(digest)",
        ],
        words: [
            ":", "/", "@", ".", "-", "_", "__", "[", "]", "[::1]", ":5000", "sha256:", digest, "localhost", "docker.io",
            "index.docker.io/", "oci:", "//", "..", "A", "%2e", "é", "\u{0}", ":65536", "library/",
        ],
        generate: { generator in
            let label = ["a", "b2", "x-y", "example", "0"]
            let part = ["app", "team", "a.b", "a_b", "a__b", "a--b", "0"]
            var text = generator.one(["", "", "oci:", "oci:/"])
            text += generator.one(["", "localhost/", "[::1]/", generator.some(label, 2...3, separator: ".") + "/"])
            if generator.happens(0.3), text.hasSuffix("/") { text = text.dropLast() + ":\(generator.next() % 70_000)/" }
            text += generator.some(part, 1...4, separator: "/")
            if generator.happens(0.5) { text += ":" + generator.some(["a", "1", ".", "-", "_"], 1...5) }
            if generator.happens(0.3) { text += "@" + digest }
            return text
        }
    )

    private func check(_ text: String) throws {
        if let reference = try? ImageReference(parsing: text) {
            try #require((try? ImageReference(parsing: reference.description)) == reference, "\(text.prefix(300))")
        }
        if let location = try? ImageLocation(parsing: text) {
            try #require((try? ImageLocation(parsing: location.description)) == location, "\(text.prefix(300))")
        }
        if let digest = try? Digest(parsing: text) { try #require(digest.description == text) }
    }

    @Test func printsWhatItReads() throws { try fuzzer.run(check) }
    @Test func comesToAnEnd() throws { try fuzzer.runLong(check) }
}
