// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Gets an access token from a registry's token service: by the distribution project's token protocol, or for an
/// identity token by OAuth 2.
struct TokenFetch: Sendable {
    let key: TokenCache.Key
    let realm: WebAddress
    /// The request that the token is for.
    let request: RegistryRequest
    let transport: RegistryTransport

    private struct Answer: Decodable {
        var token: String?
        var access_token: String?
        var expires_in: Double?
    }

    /// Asks for the token.
    ///
    /// - Throws: `RegistryError` that names the token service.
    func run() async throws -> AccessToken {
        let asked = ContinuousClock.now
        let message = try message()
        let response = try await exchange(message)
        let body = try await transport.body(of: response, to: message, limit: 1 << 20)
        let answer: Answer = try ImageDocument.decode(
            from: Array(body.readableBytesView),
            subject: "the answer of the token service \(realm)"
        )
        guard let value = answer.token ?? answer.access_token, !value.isEmpty else {
            throw message.fault(.unexpectedAnswer, "the token service \(realm) answered without a token")
        }
        // 60 s is what the protocol says if nothing is said. A token is given up a little early, for the way it goes.
        let lifetime = min(max(answer.expires_in ?? 60, 0), 86400 * 365)
        let lead = min(lifetime / 4, 10)
        return AccessToken(value: value, expiry: asked + .seconds(lifetime - lead))
    }

    /// Sends the message, again after failures that may pass.
    private func exchange(_ message: RegistryRequest) async throws -> HTTPClientResponse {
        do {
            return try await transport.send(message, authorization: authorization)
        } catch let error as RegistryError where error.isUnauthorized {
            throw message.fault(
                .unauthorized,
                "the token service \(realm) refused "
                    + (key.credentials.map { "\($0)" } ?? "a request without a login"),
                advice: "check the credentials for \(request.domain)",
                status: error.status,
                answers: error.answers
            )
        }
    }

    private func message() throws(RegistryError) -> RegistryRequest {
        var message = RegistryRequest(
            domain: request.domain,
            repository: request.repository,
            operation: request.operation,
            subject: request.subject,
            method: .GET,
            url: realm,
            scopes: [],
            origin: realm
        )
        var fields = key.service.map { [("service", $0)] } ?? []
        if case .identityToken(let token) = key.credentials {
            fields += [
                ("grant_type", "refresh_token"), ("client_id", transport.configuration.userAgent),
                ("refresh_token", token), ("scope", key.scopes.joined(separator: " ")),
            ]
            message.method = .POST
            message.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            message.body = ByteBuffer(string: Self.form(fields))
            return message
        }
        fields += key.scopes.map { ("scope", $0) }
        if case .basic(let username, _) = key.credentials {
            fields.append(("account", username))
        }
        guard let url = fields.isEmpty ? realm : WebAddress(Self.appending(Self.form(fields), to: realm)) else {
            throw message.fault(.unexpectedAnswer, "the token service's address \(realm) cannot be used")
        }
        message.url = url
        return message
    }

    /// The login, if it is one that the service takes as `Authorization`.
    private var authorization: String? {
        guard case .basic(let username, let password) = key.credentials else { return nil }
        return Authenticator.basic(username, password)
    }

    private static func appending(_ query: String, to url: WebAddress) -> String {
        url.text + (url.text.contains("?") ? "&" : "?") + query
    }

    static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\($0)=\(escaped($1))" }.joined(separator: "&")
    }

    /// All but the unreserved characters of RFC 3986, and `:` `/` `,`, which scopes are full of and queries may have.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: ","):
                escaped.append(Character(Unicode.Scalar(byte)))
            default:
                escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}
