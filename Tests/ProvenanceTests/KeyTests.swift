// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

@testable import Provenance

/// Keys as other people's tools make them, and signatures as these check them.
@Suite("Keys of statements")
struct KeyTests {
    @Test("are read as openssl writes them, in both of its forms", arguments: ["sec1", "pkcs8"])
    func forms(form: String) async throws {
        try await withFolder { folder in
            let key = "\(folder)/key.pem"
            try await Command.run("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key])
            if form == "pkcs8" {
                try await Command.run("openssl", ["pkcs8", "-topk8", "-nocrypt", "-in", key, "-out", "\(key).8"])
                try FileManager.default.removeItem(atPath: key)
                try FileManager.default.moveItem(atPath: "\(key).8", toPath: key)
            }
            let signing = try SigningKey(file: key)
            let written = try await Command.run("openssl", ["ec", "-in", key, "-pubout"])
            let trusted = try TrustedKeys(pem: written, name: "the key")
            #expect(trusted.count == 1)
            #expect(trusted.believe([1, 2, 3], signature: try signing.sign([1, 2, 3])))
            #expect(!trusted.believe([1, 2, 4], signature: try signing.sign([1, 2, 3])))
        }
    }

    @Test("of several each is believed, and no other")
    func several() throws {
        let (old, new, other) = (SigningKey(), SigningKey(), SigningKey())
        let trusted = try TrustedKeys(pem: "# old\n\(old.publicPEM)\n# new\n\(new.publicPEM)", name: "keys")
        #expect(trusted.count == 2)
        #expect(trusted.believe([7], signature: try old.sign([7])))
        #expect(trusted.believe([7], signature: try new.sign([7])))
        #expect(!trusted.believe([7], signature: try other.sign([7])))
        #expect(!trusted.believe([7], signature: [0x30, 0x00]))
    }

    @Test("of other kinds are refused, with what to do, and without what was in the file")
    func refused() async throws {
        try await withFolder { folder in
            let other = "\(folder)/p384.pem"
            try await Command.run("openssl", ["ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", other])
            let text = try String(contentsOfFile: other, encoding: .utf8)
            let wrong = #expect(throws: ProvenanceError.self) { try SigningKey(pem: text, name: "it") }
            #expect(wrong?.reason == .badKey)
            #expect(wrong?.message.contains("openssl ecparam -name prime256v1") == true)
            #expect(wrong?.message.contains(text.split(separator: "\n")[1]) == false)
            let encrypted = #expect(throws: ProvenanceError.self) {
                try SigningKey(pem: "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAA==\n-----END", name: "it")
            }
            #expect(encrypted?.message.contains("encrypted") == true)
            #expect(throws: ProvenanceError.self) { try SigningKey(file: "\(folder)/none.pem") }
            #expect(throws: ProvenanceError.self) { try TrustedKeys(pem: "nothing", name: "it") }
            #expect(throws: ProvenanceError.self) { try TrustedKeys(pem: text, name: "it") }
            #expect(throws: ProvenanceError.self) { try ProvenancePolicy.load(.require, files: []) }
            let off = try ProvenancePolicy.load(.off, files: [])
            #expect(off == nil)
        }
    }

    @Test("sign what openssl verifies: DSSE's encoding of type and payload")
    func openssl() async throws {
        let key = SigningKey()
        let image = Digest.sha256(of: [1])
        let envelope = try SignedEnvelope(SnapshotStatement(about: image, named: "r/box", .example), signedWith: key)
        let payload = try #require(Data(base64Encoded: envelope.payload))
        let signature = try #require(envelope.signatures.first.flatMap { Data(base64Encoded: $0.sig) })
        try await withFolder { folder in
            let signed = Data("DSSEv1 28 application/vnd.in-toto+json \(payload.count) ".utf8) + payload
            try signed.write(to: URL(filePath: "\(folder)/signed"))
            try signature.write(to: URL(filePath: "\(folder)/signature"))
            try Data(key.publicPEM.utf8).write(to: URL(filePath: "\(folder)/key.pub"))
            let verify = ["dgst", "-sha256", "-verify", "\(folder)/key.pub", "-signature", "\(folder)/signature"]
            let answer = try await Command.run("openssl", verify + ["\(folder)/signed"])
            #expect(answer.contains("Verified OK"))
        }
    }
}
