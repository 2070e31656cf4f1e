// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

/// Against a docker-registry with a certificate of an authority of its own.
struct TLSTests {
    private func withAuthority(_ body: (DockerRegistry, _ authorities: String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            func openssl(_ arguments: String...) async throws {
                try await Command.run("openssl", arguments.map { $0.replacing("DIR", with: folder) })
            }
            let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
            try await Command.run(
                "openssl",
                ["req", "-x509", "-days", "2", "-subj", "/CN=test authority"] + key
                    + ["-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.pem"]
            )
            try await Command.run(
                "openssl",
                ["req", "-new", "-subj", "/CN=registry"] + key
                    + ["-keyout", "\(folder)/tls.key", "-out", "\(folder)/tls.csr"]
            )
            try "subjectAltName=IP:127.0.0.1,DNS:localhost"
                .write(toFile: "\(folder)/san", atomically: true, encoding: .utf8)
            try await openssl(
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                "DIR/tls.csr",
                "-CA",
                "DIR/ca.pem",
                "-CAkey",
                "DIR/ca.key",
                "-CAcreateserial",
                "-extfile",
                "DIR/san",
                "-out",
                "DIR/tls.pem"
            )
            let tls = DockerRegistry.TLS(certificate: "\(folder)/tls.pem", key: "\(folder)/tls.key")
            try await DockerRegistry.run(tls: tls) { try await body($0, "\(folder)/ca.pem") }
        }
    }

    @Test func trustsTheAuthorityThatItIsGiven() async throws {
        let image = try await SampleImage.make()
        try await withAuthority { registry, authorities in
            try await withTestClient(
                chunkSize: 100_000,
                configure: {
                    $0.plainHTTP.loopback = false
                    $0.authoritiesFile = authorities
                }
            ) { client, _ in
                let repository = client.repository(try registry.reference("app"))
                let pushed = try await image.push(to: repository, as: .tag("1"))
                #expect(try await repository.image(.tag("1")).descriptor == pushed)
                for blob in image.blobs {
                    #expect(try await collect(try await repository.blob(blob.descriptor)) == blob.bytes)
                }
            }
        }
    }

    @Test func trustsNobodyElse() async throws {
        try await withAuthority { registry, _ in
            try await withTestClient(configure: { $0.plainHTTP.loopback = false }) { client, pauses in
                let repository = client.repository(try registry.reference("app"))
                let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
                #expect(error?.kind == .tls, "\(error.map { "\($0)" } ?? "")")
                #expect(error?.advice?.contains("authority") == true)
                #expect(pauses.all.isEmpty, "a certificate does not get better")
            }
        }
    }

    @Test func saysThatTLSIsNotSpoken() async throws {
        try await DockerRegistry.run { registry in
            try await withTestClient(configure: { $0.plainHTTP.loopback = false }) { client, _ in
                let repository = client.repository(try registry.reference("app"))
                let error = await #expect(throws: RegistryError.self) { try await repository.manifest(.tag("1")) }
                #expect(error?.kind == .tls, "\(error.map { "\($0)" } ?? "")")
                #expect(error?.advice?.contains("allow plain HTTP") == true)
            }
        }
    }

    @Test func refusesAuthoritiesThatAreNone() async throws {
        try await withTemporaryFolder { folder in
            try "no certificate".write(toFile: "\(folder)/ca.pem", atomically: true, encoding: .utf8)
            for path in ["\(folder)/ca.pem", "\(folder)/nothing"] {
                let error = await #expect(throws: RegistryError.self) {
                    try await withTestClient(configure: { $0.authoritiesFile = path }) { _, _ in }
                }
                #expect(error?.subject == path)
            }
        }
    }
}
