// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Data

/// The logins of a Docker `config.json`.
///
/// Keys may be `host`, `host:port`, `host/path` and URLs, such as Docker Hub's `https://index.docker.io/v1/`. Credential
/// helpers are other programs and are not run.
public struct DockerConfig: Sendable {
    private struct Document: Decodable {
        var auths: [String: Entry]?
    }

    private struct Entry: Decodable {
        var auth: String?
        var username: String?
        var password: String?
        var identitytoken: String?
        var registrytoken: String?
    }

    /// By key in its shortest form: `host[:port][/path]`.
    private var entries: [String: RegistryCredentials] = [:]

    /// Reads the file's bytes. The older form, without `auths` around the entries, is read as well.
    ///
    /// - Throws: `RegistryError` of kind `malformedDocument` that names the entry, never its secret.
    public init(parsing bytes: [UInt8], name: String = "the Docker config") throws(RegistryError) {
        let document: [String: Entry]
        if let auths = try? ImageDocument.decode(Document.self, from: bytes, subject: name).auths {
            document = auths
        } else if let bare = try? ImageDocument.decode([String: Entry].self, from: bytes, subject: name),
            bare.keys.allSatisfy({ $0.contains(".") || $0.contains(":") })
        {
            document = bare
        } else {
            // Without `auths` there are no logins, but it has to be a JSON object; the cause is left out because a
            // decoder's message may quote the file.
            guard (try? ImageDocument.decode([String: JSONValue].self, from: bytes, subject: name)) != nil,
                (try? ImageDocument.decode(Document.self, from: bytes, subject: name)) != nil
            else { throw Self.malformed(name, "it is not the JSON object that it should be") }
            document = [:]
        }
        // Sorted, so that of two keys with one meaning always the same one wins.
        for (key, entry) in document.sorted(by: { $0.key < $1.key }) {
            guard let credentials = try Self.credentials(entry, key: key, name: name) else { continue }
            entries[Self.normalized(key)] = credentials
        }
    }

    /// Reads a file. Blocks; `nil` if there is none.
    ///
    /// - Throws: `RegistryError`.
    init?(path: String) throws(RegistryError) {
        guard let file = try OpenFile.reading(path) else { return nil }
        try self.init(parsing: try file.readAll(limit: 4 << 20), name: path)
    }

    /// The login for a repository: that of the longest path that leads to it, else that of its registry.
    public func credentials(domain: String, repository: String) -> RegistryCredentials? {
        var path = "\(Self.normalized(domain))/\(repository)"[...]
        while true {
            if let found = entries[String(path)] { return found }
            guard let slash = path.lastIndex(of: "/") else { return nil }
            path = path[..<slash]
        }
    }

    private static func credentials(
        _ entry: Entry,
        key: String,
        name: String
    ) throws(RegistryError) -> RegistryCredentials? {
        if let token = entry.identitytoken, !token.isEmpty { return .identityToken(token) }
        if let token = entry.registrytoken, !token.isEmpty { return .registryToken(token) }
        if let auth = entry.auth, !auth.isEmpty {
            // Docker pads the decoded text with zero bytes at times.
            guard let data = Data(base64Encoded: auth, options: .ignoreUnknownCharacters),
                let text = String(bytes: data.reversed().drop { $0 == 0 }.reversed(), encoding: .utf8),
                let colon = text.firstIndex(of: ":")
            else { throw malformed(name, "the \"auth\" of \(key) is not base 64 of user:password") }
            return .basic(username: String(text[..<colon]), password: String(text[text.index(after: colon)...]))
        }
        guard let username = entry.username, !username.isEmpty else { return nil }
        return .basic(username: username, password: entry.password ?? "")
    }

    private static func malformed(_ name: String, _ reason: String) -> RegistryError {
        RegistryError(.malformedDocument, operation: "read the credentials in", subject: name, reason: reason)
    }

    /// `https://Host:443/v2/` and the like in the form in which references name a registry.
    private static func normalized(_ key: String) -> String {
        var rest = key[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        for version in ["/v1", "/v2"] where rest.hasSuffix(version) { rest = rest.dropLast(version.count) }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var host = rest[..<slash].lowercased()
        if ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"].contains(host) {
            host = ImageReference.dockerHub
        }
        return host + rest[slash...]
    }
}
