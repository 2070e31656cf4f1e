// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import OCIRegistry
import Testing

struct DigestTests {
    /// FIPS 180-2, "abc".
    static let abc256 = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    static let abc512 =
        "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

    @Test func computesTheStandardsExamples() {
        #expect(Digest.sha256(of: Array("abc".utf8)).description == Self.abc256)
        #expect(Digest.sha256(of: ByteBuffer(string: "abc")).description == Self.abc256)
        #expect(Digest.of(Array("abc".utf8), algorithm: .sha512).description == Self.abc512)
    }

    @Test func computesPieceByPiece() {
        var digester = Digester()
        digester.update(ByteBuffer(string: "a"))
        #expect(digester.finalize() == .sha256(of: Array("a".utf8)))
        digester.update(ByteBuffer(string: "bc"))
        #expect(digester.finalize().description == Self.abc256)
        #expect(digester.count == 3)
    }

    @Test(arguments: [abc256, abc512])
    func readsWhatItWrites(_ text: String) throws {
        #expect(try Digest(parsing: text).description == text)
    }

    @Test(arguments: [
        ("", "no ':'"),
        ("sha256", "no ':'"),
        ("md5:d41d8cd98f00b204e9800998ecf8427e", "neither sha256 nor sha512"),
        ("sha256:", "0 digits instead of 64"),
        ("sha256:abc", "3 digits instead of 64"),
        ("sha512:" + String(repeating: "a", count: 64), "64 digits instead of 128"),
        ("sha256:" + String(repeating: "A", count: 64), "other characters than 0-9 and a-f"),
        ("sha256:" + String(repeating: "a", count: 63) + "g", "other characters"),
        ("sha256:" + String(repeating: "a", count: 62) + "é", "other characters"),
        (" sha256:" + String(repeating: "a", count: 64), "neither sha256 nor sha512"),
        ("sha256:../../" + String(repeating: "a", count: 58), "other characters"),
    ])
    func saysWhatIsWrong(_ text: String, _ reason: String) {
        let error = #expect(throws: RegistryError.self) { try Digest(parsing: text) }
        #expect(error?.kind == .invalidReference)
        #expect(error?.reason.contains(reason) == true, "\(error.map { "\($0)" } ?? "")")
    }
}
