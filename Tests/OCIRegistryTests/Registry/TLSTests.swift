// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

/// Against a docker-registry with a certificate of an authority of its own.
struct TLSTests {
    /// Runs `body` with a registry and a folder in which `ca.pem` is its authority, and `tls.pem` and `tls.key` are a
    /// certificate from there and its key.
    private func withAuthority(
        forClients: Bool = false,
        _ body: (DockerRegistry, _ folder: String) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            func openssl(_ arguments: String) async throws {
                try await Command.run(
                    "openssl",
                    arguments.split(separator: " ").map {
                        String($0).replacing("DIR", with: folder).replacing("_", with: " ")
                    }
                )
            }
            let key = "-newkey ec -pkeyopt group:P-256 -nodes"
            try await openssl("req -x509 -days 2 -subj /CN=test_authority \(key) -keyout DIR/ca.key -out DIR/ca.pem")
            try await openssl("req -new -subj /CN=registry \(key) -keyout DIR/tls.key -out DIR/tls.csr")
            try "subjectAltName=IP:127.0.0.1,DNS:localhost"
                .write(toFile: "\(folder)/san", atomically: true, encoding: .utf8)
            try await openssl(
                "x509 -req -days 2 -in DIR/tls.csr -CA DIR/ca.pem -CAkey DIR/ca.key -CAcreateserial -extfile DIR/san "
                    + "-out DIR/tls.pem"
            )
            let tls = DockerRegistry.TLS(
                certificate: "\(folder)/tls.pem",
                key: "\(folder)/tls.key",
                clientAuthorities: forClients ? "\(folder)/ca.pem" : nil
            )
            try await DockerRegistry.run(tls: tls) { try await body($0, folder) }
        }
    }

    @Test func trustsTheAuthorityThatItIsGiven() async throws {
        let image = try await SampleImage.make()
        try await withAuthority { registry, folder in
            try await withTestClient(
                chunkSize: 100_000,
                configure: {
                    $0.plainHTTP.loopback = false
                    $0.authoritiesFile = "\(folder)/ca.pem"
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

    // MARK: Certificates of particular registries

    /// Lays files out as Docker does, with `names` as what they are called there and what they are.
    private func certificates(
        in folder: String,
        for registry: DockerRegistry,
        _ names: [String: String]
    ) throws -> String {
        let path = "\(folder)/certs.d"
        try FileManager.default.createDirectory(
            atPath: "\(path)/\(registry.authority)",
            withIntermediateDirectories: true
        )
        for (name, file) in names {
            try FileManager.default.copyItem(
                atPath: "\(folder)/\(file)",
                toPath: "\(path)/\(registry.authority)/\(name)"
            )
        }
        return path
    }

    @Test func showsItsCertificateToTheRegistryThatItIsFor() async throws {
        let image = try await SampleImage.make()
        try await withAuthority(forClients: true) { registry, folder in
            let names = ["ca.crt": "ca.pem", "client.cert": "tls.pem", "client.key": "tls.key"]
            let path = try certificates(in: folder, for: registry, names)
            try await withTestClient(configure: {
                $0.plainHTTP.loopback = false
                $0.certificatesFolder = path
            }) { client, _ in
                let repository = client.repository(try registry.reference("app"))
                let pushed = try await image.push(to: repository, as: .tag("1"))
                #expect(try await repository.image(.tag("1")).descriptor == pushed)
                let port = registry.authority.split(separator: ":")[1]
                let other = client.repository(try ImageReference(parsing: "localhost:\(port)/app"))
                let error = await #expect(throws: RegistryError.self) { try await other.resolve(.tag("1")) }
                #expect(error?.kind == .tls, "another name has another folder")
            }
        }
    }

    @Test func saysThatACertificateIsWanted() async throws {
        try await withAuthority(forClients: true) { registry, folder in
            let path = try certificates(in: folder, for: registry, ["ca.crt": "ca.pem"])
            try await withTestClient(configure: {
                $0.plainHTTP.loopback = false
                $0.certificatesFolder = path
            }) { client, _ in
                let repository = client.repository(try registry.reference("app"))
                let error = await #expect(throws: RegistryError.self) { try await repository.resolve(.tag("1")) }
                #expect("\(error.map { "\($0)" } ?? "")".contains("certificate"), "\(error.map { "\($0)" } ?? "")")
            }
        }
    }

    @Test(arguments: [
        (["client.cert": "tls.pem"], "client.key"), (["client.key": "tls.key"], "client.key"),
        (["ca.crt": "san"], "ca.crt"), (["client.cert": "tls.pem", "client.key": "san"], "client.key"),
    ])
    func namesACertificateThatCannotBeUsed(_ names: [String: String], _ file: String) async throws {
        try await withAuthority { registry, folder in
            let path = try certificates(in: folder, for: registry, names)
            try await withTestClient(configure: {
                $0.plainHTTP.loopback = false
                $0.certificatesFolder = path
            }) { client, pauses in
                let repository = client.repository(try registry.reference("app"))
                let error = await #expect(throws: RegistryError.self) { try await repository.resolve(.tag("1")) }
                #expect(error?.subject == "\(path)/\(registry.authority)/\(file)")
                #expect(pauses.all.isEmpty)
            }
        }
    }
}
