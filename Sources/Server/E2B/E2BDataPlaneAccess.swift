// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import HTTPTypes
import SandboxModels

import struct Foundation.Data
import struct Foundation.Date

/// Whether a request to a port of a sandbox comes from somebody who may send it.
///
/// What runs commands and reads files is for those who know the sandbox's token, which its owner is told when it is created;
/// programs in the sandbox, which listen elsewhere, are for everybody unless its owner said otherwise.
struct E2BDataPlaneAccess {
    let access: SandboxAccess
    let now: Date

    /// The ports of envd and of the code interpreter.
    static let agentPorts = [49_983, 49_999]

    func allows(_ head: HTTPRequest, port: Int, target: String) -> Bool {
        if Self.agentPorts.contains(port) {
            let offered = head.headerFields[.accessToken] ?? ""
            return Self.isSame(offered, access.token) || isSigned(head, target)
        }
        guard let token = access.trafficToken else { return true }
        return Self.isSame(head.headerFields[.trafficAccessToken] ?? "", token)
    }

    /// Whether a file's address was signed by who knows the token, as SDKs do it for those to whom they give a link.
    private func isSigned(_ head: HTTPRequest, _ target: String) -> Bool {
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, halves[0] == "/files" else { return false }
        let operation: String
        switch head.method {
        case .get, .head: operation = "read"
        case .post: operation = "write"
        default: return false
        }
        let query = QueryParameters(query: String(halves[1]))
        // One that is there twice may be read as another one by who serves the file.
        let names = ["path", "username", "signature", "signature_expiration"]
        let values = names.map { query.all($0) }
        guard values.allSatisfy({ $0.count < 2 }), let signature = values[2].first else { return false }
        var words = [values[0].first ?? "", operation, values[1].first ?? "", access.token]
        if let expiration = values[3].first {
            guard let seconds = Double(expiration), now.timeIntervalSince1970 <= seconds else { return false }
            words.append(expiration)
        }
        let digest = SHA256.hash(data: Data(words.joined(separator: ":").utf8))
        let encoded = Data(digest).base64EncodedString().prefix { $0 != "=" }
        return Self.isSame(signature, "v1_\(encoded)")
    }

    private static func isSame(_ offered: String, _ token: String) -> Bool {
        APIKey(token)?.matches(offered) ?? false
    }
}

extension SandboxAccess {
    /// What whoever speaks to its other ports has to know; nil if they are for everybody. It says nothing about the token that it is
    /// made of.
    var trafficToken: String? {
        guard closesAllPorts else { return nil }
        let code = HMAC<SHA256>.authenticationCode(
            for: Data("traffic".utf8),
            using: SymmetricKey(data: Data(token.utf8))
        )
        return code.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

extension HTTPField.Name {
    fileprivate static let accessToken = known("X-Access-Token")
    fileprivate static let trafficAccessToken = known("E2b-Traffic-Access-Token")
}
