// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import NIOSSL
import TestSupport

/// An authority of the test's own, and certificates of it.
struct TestAuthority {
    let folder: String

    /// Makes one in a folder.
    init(in folder: String) async throws {
        self.folder = folder
        try await openssl("req -x509 -days 2 -subj /CN=test_authority \(Self.key) -keyout DIR/ca.key -out DIR/ca.pem")
    }

    private static let key = "-newkey ec -pkeyopt group:P-256 -nodes"

    /// Makes a certificate and its key: `<name>.pem` and `<name>.key`.
    ///
    /// - Parameter isExpired: whether it was good only for a day of 2020.
    func issue(_ name: String, for hosts: String = "IP:127.0.0.1,DNS:localhost", isExpired: Bool = false) async throws {
        try "subjectAltName=\(hosts)".write(toFile: "\(folder)/\(name).ext", atomically: true, encoding: .utf8)
        try await openssl("req -new -subj /CN=\(name) \(Self.key) -keyout DIR/\(name).key -out DIR/\(name).csr")
        if isExpired {
            try "".write(toFile: "\(folder)/index", atomically: true, encoding: .utf8)
            try """
            [ca]
            default_ca=d
            [d]
            database=\(folder)/index
            new_certs_dir=\(folder)
            rand_serial=yes
            default_md=sha256
            policy=p
            [p]
            commonName=supplied
            """.write(toFile: "\(folder)/ca.cnf", atomically: true, encoding: .utf8)
            try await openssl(
                "ca -batch -config DIR/ca.cnf -cert DIR/ca.pem -keyfile DIR/ca.key -in DIR/\(name).csr -out DIR/\(name).pem "
                    + "-notext -startdate 20200101000000Z -enddate 20200102000000Z -extfile DIR/\(name).ext"
            )
        } else {
            try await openssl(
                "x509 -req -days 2 -in DIR/\(name).csr -CA DIR/ca.pem -CAkey DIR/ca.key -CAcreateserial -extfile DIR/\(name).ext "
                    + "-out DIR/\(name).pem"
            )
        }
    }

    /// How a server speaks TLS with a certificate.
    func server(_ name: String, wantsClients: Bool = false) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile("\(folder)/\(name).pem").map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(folder)/\(name).key", format: .pem))
        )
        if wantsClients {
            tls.certificateVerification = .noHostnameVerification
            tls.trustRoots = .file("\(folder)/ca.pem")
        }
        return tls
    }

    private func openssl(_ arguments: String) async throws {
        try await Command.run(
            "openssl",
            arguments.split(separator: " ").map { String($0).replacing("DIR", with: folder).replacing("_", with: " ") }
        )
    }
}
