// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport

/// A token service that docker-registry believes: it signs real tokens with a key whose certificate the registry has.
///
/// `anna` with the password `right`, and the identity token `long-lived`, may do everything; everybody may pull from
/// `public`.
struct TokenService: Sendable {
    static let issuer = "test-issuer"
    static let service = "test registry"

    let key: P256.Signing.PrivateKey
    let certificate: String

    /// Makes a key and its certificate, in files of a folder.
    static func make(in folder: String) async throws -> (service: TokenService, certificates: String) {
        let (key, certificate) = ("\(folder)/token.key", "\(folder)/token.pem")
        try await Command.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=tokens", "-keyout", key, "-out", certificate,
            ]
        )
        let pem = try String(contentsOfFile: certificate, encoding: .utf8)
        let service = TokenService(
            key: try P256.Signing.PrivateKey(pemRepresentation: try String(contentsOfFile: key, encoding: .utf8)),
            certificate: pem.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
        )
        return (service, certificate)
    }

    struct Access: Codable, Hashable {
        var type: String
        var name: String
        var actions: [String]
    }

    private struct Header: Encodable {
        var typ = "JWT"
        var alg = "ES256"
        var x5c: [String]
    }

    private struct Claims: Encodable {
        var iss = TokenService.issuer
        var aud = TokenService.service
        var sub: String
        var exp: Int
        var nbf: Int
        var iat: Int
        var jti: String
        var access: [Access]
    }

    /// Answers a request for a token, by GET or by POST.
    func answer(_ request: TestWebServer.Request) throws -> TestWebServer.Response {
        let target = "http://x" + request.target
        let form = "http://x/?" + String(buffer: request.body)
        let items = URLComponents(string: request.method == .POST ? form : target)?.queryItems ?? []
        func values(_ name: String) -> [String] { items.filter { $0.name == name }.compactMap(\.value) }
        guard values("service") == [Self.service] else {
            return .init(.badRequest, text: "service \(values("service"))")
        }

        var user: String?
        if let header = request.headers.first(name: "Authorization") {
            guard header == "Basic " + Data("anna:right".utf8).base64EncodedString() else {
                return .init(.unauthorized, text: #"{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}"#)
            }
            user = "anna"
        } else if request.method == .POST {
            guard values("grant_type") == ["refresh_token"], values("refresh_token") == ["long-lived"] else {
                return .init(.unauthorized, text: #"{"error":"invalid_grant"}"#)
            }
            user = "anna"
        }
        let scopes = values("scope").flatMap { $0.split(separator: " ") }
        let access = scopes.map { scope in
            let parts = scope.split(separator: ":").map(String.init)
            let asked = parts[2].split(separator: ",").map(String.init)
            let granted = user != nil ? asked : parts[1] == "public" ? asked.filter { $0 == "pull" } : []
            return Access(type: parts[0], name: parts[1], actions: granted)
        }
        let token = try token(access, user: user ?? "")
        let name = request.method == .POST ? "access_token" : "token"
        return .init(.ok, text: #"{"\#(name)":"\#(token)","expires_in":300}"#)
    }

    private func token(_ access: [Access], user: String) throws -> String {
        let now = Int(Date().timeIntervalSince1970)
        let claims = Claims(
            sub: user,
            exp: now + 300,
            nbf: now - 10,
            iat: now,
            jti: UUID().uuidString,
            access: access
        )
        let encoder = JSONEncoder()
        let signed =
            Self.base64URL(try encoder.encode(Header(x5c: [certificate]))) + "."
            + Self.base64URL(try encoder.encode(claims))
        let signature = try key.signature(for: Data(signed.utf8)).rawRepresentation
        return signed + "." + Self.base64URL(signature)
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
