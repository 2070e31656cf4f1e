// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import NIOSSL
import TestSupport
import Testing

struct TLSTests {
    /// Asks a server with a certificate for an object.
    ///
    /// - Returns: the error, if there is one.
    private func ask(
        _ tls: TLSConfiguration,
        host: String = "127.0.0.1",
        credentials: KubeCredentials = KubeCredentials(),
        _ verification: ServerEndpoint.Verification,
        serverName: String? = nil
    ) async throws -> KubeError? {
        try await RawWebServer.run(tls: tls) {
            try await $0.answer("200 OK", "{}")
        } body: { server in
            let address = "https://" + server.authority.replacing("127.0.0.1", with: host)
            return try await withTestClient(
                address,
                credentials: credentials,
                configure: {
                    $0.server.verification = verification
                    $0.server.serverName = serverName
                    $0.retry.attempts = 1
                }
            ) { client, pauses in
                do {
                    _ = try await client.maps.get("one")
                    #expect(
                        server.heads.first?.contains("Host: \(host):") == true
                            || server.heads.first?.contains("host: \(host):") == true
                    )
                    return nil
                } catch let error as KubeError {
                    return error
                }
            }
        }
    }

    @Test func trustsItsAuthorityAndNobodyElse() async throws {
        try await withTemporaryFolder { folder in
            let authority = try await TestAuthority(in: folder)
            try await authority.issue("good")
            let pem = PEMSource.file("\(folder)/ca.pem")
            let tls = try authority.server("good")
            #expect(try await ask(tls, .authorities(pem)) == nil)
            #expect(
                try await ask(
                    tls,
                    host: "localhost",
                    .authorities(.bytes([UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/ca.pem")))))
                ) == nil
            )
            let stranger = try await ask(tls, .systemAuthorities)
            #expect(
                stranger?.kind == .tls && stranger?.advice?.contains("authority") == true,
                "\(stranger.map(\.description) ?? "")"
            )
            #expect(try await ask(tls, .none) == nil)
        }
    }

    @Test func refusesWhatIsExpiredOrAnothers() async throws {
        try await withTemporaryFolder { folder in
            let authority = try await TestAuthority(in: folder)
            try await authority.issue("expired", isExpired: true)
            try await authority.issue("other", for: "DNS:api.example")
            let verification = ServerEndpoint.Verification.authorities(.file("\(folder)/ca.pem"))
            let expired = try await ask(authority.server("expired"), verification)
            #expect(
                expired?.kind == .tls && expired?.advice?.contains("expired") == true,
                "\(expired.map(\.description) ?? "")"
            )
            let other = try await ask(authority.server("other"), host: "localhost", verification)
            #expect(other?.kind == .tls, "\(other.map(\.description) ?? "")")
            #expect(
                try await ask(authority.server("other"), host: "localhost", verification, serverName: "api.example")
                    == nil
            )
        }
    }

    @Test func showsItsCertificate() async throws {
        try await withTemporaryFolder { folder in
            let authority = try await TestAuthority(in: folder)
            try await authority.issue("good")
            try await authority.issue("me")
            let tls = try authority.server("good", wantsClients: true)
            let verification = ServerEndpoint.Verification.authorities(.file("\(folder)/ca.pem"))
            let me = KubeCredentials.Certificate(chain: .file("\(folder)/me.pem"), key: .file("\(folder)/me.key"))
            #expect(try await ask(tls, credentials: KubeCredentials(certificate: me), verification) == nil)
            let nobody = try await ask(tls, verification)
            #expect(nobody != nil)
            let mixed = KubeCredentials.Certificate(chain: me.key, key: me.chain)
            let wrong = try await ask(tls, credentials: KubeCredentials(certificate: mixed), verification)
            #expect(
                wrong?.kind == .invalidConfiguration && wrong?.subject == "\(folder)/me.key",
                "\(wrong.map(\.description) ?? "")"
            )
        }
    }

    /// What an API server that is being started again does: nothing has reached it, so even what must not be sent twice is sent again.
    @Test func comesAgainToWhoHungUpInTheHandshake() async throws {
        try await withTemporaryFolder { folder in
            let authority = try await TestAuthority(in: folder)
            try await authority.issue("good")
            try await RawWebServer.run(tls: try authority.server("good")) {
                try await $0.answer("201 Created", #"{"metadata":{"name":"one"}}"#)
            } body: { server in
                try await OutageProxy.run(before: server.authority) { proxy in
                    proxy.goAway()
                    try await withTestClient(
                        "https://\(proxy.authority)",
                        configure: {
                            $0.server.verification = .authorities(.file("\(folder)/ca.pem"))
                            $0.retry.sleep = { _ in proxy.comeBack() }
                        }
                    ) { client, _ in
                        _ = try await client.maps.create(.with { $0.metadata.name = "one" })
                    }
                    #expect(proxy.connections == 1 && server.heads.count == 1)
                }
            }
        }
    }

    @Test func saysThatTLSIsNotSpoken() async throws {
        try await RawWebServer.run { _ in
        } body: { server in
            try await withTestClient("https://\(server.authority)", configure: { $0.retry.attempts = 1 }) { client, _ in
                let error = await #expect(throws: KubeError.self) { try await client.maps.get("one") }
                #expect(
                    error?.kind == .tls || error?.kind == .unreachable || error?.kind == .timeout,
                    "\(error.map(\.description) ?? "")"
                )
            }
        }
    }

    @Test func authoritiesThatAreNoneAreTold() async throws {
        try await withTemporaryFolder { folder in
            try "nothing".write(toFile: "\(folder)/ca.pem", atomically: true, encoding: .utf8)
            for path in ["\(folder)/ca.pem", "\(folder)/missing"] {
                let error = await #expect(throws: KubeError.self) {
                    try await withTestClient(
                        "https://a",
                        configure: { $0.server.verification = .authorities(.file(path)) }
                    ) { _, _ in }
                }
                #expect(error?.kind == .invalidConfiguration && error?.subject == path)
            }
        }
    }
}
