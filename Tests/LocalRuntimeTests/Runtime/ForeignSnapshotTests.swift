// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import Provenance
import SandboxModels
import SnapshotStore
import TestSupport
import Testing

@testable import LocalRuntime

/// Sandboxes from images of snapshots that are in no list of this runtime: somebody else's. Needs root.
@Suite("The image of somebody's snapshot")
struct ForeignSnapshotTests {
    @Test(
        "says how it was run, and is started from, if it is demanded and true that somebody who is trusted has signed it"
    )
    func create() async throws {
        try await RuntimeFixture.with { fixture in
            let key = "\(fixture.folder)/key.pem"
            try await Command.run("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key])
            let copy = "\(fixture.folder)/copy"
            let script = "cat /state 2>/dev/null; echo kept >/state; exec sleep 100000"
            let digest = try await fixture.run(configure: { $0.signingKey = key }) { runtime in
                var spec = fixture.spec(script)
                spec.resourceLimits = ["cpu": "500m", "memory": "64Mi"]
                spec.environment = ["TOKEN": "t0k3n"]
                let sandbox = try await runtime.create(spec, credentials: nil, expiresAt: nil)
                let taken = try await runtime.createSnapshot(of: sandbox.id, name: "base")
                let ready = try await runtime.settledSnapshot(taken.id, within: .seconds(60))
                let part = try #require(ready.artifact?.parts.first, "\(ready.status)")
                let from = try part.restoreLocation()
                guard case .layout(let folder, _, _) = from else { throw SandboxError(.startFailed, "\(from)") }
                try await Command.run("cp", ["-r", folder, copy])
                try await runtime.delete(sandbox.id)
                try await runtime.deleteSnapshot(taken.id)
                return part.digest
            }
            let image = "oci:\(copy)@\(digest)"
            let trusted = "\(fixture.folder)/key.pub"
            try SigningKey(file: key).publicPEM.write(toFile: trusted, atomically: true, encoding: .utf8)
            let strict: (inout LocalRuntimeConfiguration) -> Void = {
                $0.verification = .require
                $0.verificationKeys = [trusted]
            }
            try await fixture.run(configure: strict) { runtime in
                let defaults = try #require(try await runtime.restoreDefaults(ofImage: image, credentials: nil))
                #expect(defaults.entrypoint == ["sh", "-c", script])
                #expect(defaults.limits == ["cpu": "500m", "memory": "64Mi"])
                let base = "oci:\(fixture.image.layout):\(fixture.image.tag)"
                #expect(try await runtime.restoreDefaults(ofImage: base, credentials: nil) == nil)
                let spec = SandboxSpec(
                    image: image,
                    entrypoint: defaults.entrypoint,
                    resourceLimits: defaults.limits
                )
                let sandbox = try await runtime.create(spec, credentials: nil, expiresAt: nil)
                let log = try await runtime.printed(by: sandbox.id)
                #expect(log == "kept\n")
                try await runtime.delete(sandbox.id)

                let layout = ImageLayoutRepository(folder: copy)
                let manifest = try await layout.manifest(.digest(try Digest(parsing: digest))).descriptor
                try await ImageAttachments(to: manifest, in: layout).remove()
                let refusal = await #expect(throws: SandboxError.self) {
                    try await runtime.create(spec, credentials: nil, expiresAt: nil)
                }
                #expect(refusal?.code == .snapshotNotRestorable)
                #expect(refusal?.message.contains("Take the snapshot again with a signing key") == true)
                // What was never a snapshot is nobody's to sign.
                let plain = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil)
                try await runtime.delete(plain.id)
            }
            // Unsigned as it is now, it is only told of.
            try await fixture.run(configure: {
                $0.verification = .warn
                $0.verificationKeys = [trusted]
            }) { runtime in
                let spec = SandboxSpec(image: image, entrypoint: ["sleep", "100000"], resourceLimits: [:])
                let sandbox = try await runtime.create(spec, credentials: nil, expiresAt: nil)
                let told = try await runtime.events(of: sandbox.id).filter { $0.reason == "ProvenanceNotVerified" }
                #expect(told.map(\.kind) == [.warning])
                #expect(told.first?.message.contains("nobody has signed a statement about it") == true)
                try await runtime.delete(sandbox.id)
            }
            let config = try await fixture.machine.puller.ensure(try ImageLocation(parsing: image)).config.config
            #expect(config.labels?["dev.stasis.snapshot.environment"] == #"["TOKEN"]"#)
            #expect(config.env?.contains { $0.contains("t0k3n") } != true)
            try await fixture.machine.puller.remove(image)
        }
    }

    @Test("keeps a runtime without its keys from serving, which says why")
    func keys() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run(configure: { $0.signingKey = "\(fixture.folder)/none.pem" }) { runtime in
                let error = await #expect(throws: SandboxError.self) {
                    try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil)
                }
                #expect(error?.code == .runtimeUnavailable)
                #expect(error?.message.contains("none.pem") == true)
            }
        }
    }
}

extension LocalRuntime {
    /// What a sandbox has printed, as soon as it is something.
    fileprivate func printed(by id: String) async throws -> String {
        while true {
            let text = try await log(of: id, atMost: 1 << 10).text
            if !text.isEmpty { return text }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
