// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Data

/// The logins of a Docker `config.json`.
///
/// Keys may be `host`, `host:port`, `host/path` and URLs, such as Docker Hub's `https://index.docker.io/v1/`. The
/// programs that it names as keepers of logins are not run here; see `CredentialsProvider.dockerConfig`.
public struct DockerConfig: Sendable {
    private struct Document: Decodable {
        var auths: [String: Entry]?
        var credsStore: String?
        var credHelpers: [String: String]?
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
    /// The programs that keep the logins of some registries, by key.
    private var helpers: [String: String] = [:]
    /// The program that keeps the logins of all others, if any.
    private var store: String?

    /// Reads the file's bytes. The older form, without `auths` around the entries, is read as well.
    ///
    /// - Throws: `RegistryError` of kind `malformedDocument` that names the entry, never its secret.
    public init(parsing bytes: [UInt8], name: String = "the Docker config") throws(RegistryError) {
        // The causes are left out because a decoder's message may quote the file.
        guard let document = try? ImageDocument.decode(Document.self, from: bytes, subject: name) else {
            throw Self.malformed(name, "it is not the JSON object that it should be")
        }
        var auths = document.auths ?? [:]
        if document.auths == nil,
            let bare = try? ImageDocument.decode([String: Entry].self, from: bytes, subject: name),
            bare.keys.allSatisfy({ $0.contains(".") || $0.contains(":") })
        {
            auths = bare
        }
        // Sorted, so that of two keys with one meaning always the same one wins.
        for (key, entry) in auths.sorted(by: { $0.key < $1.key }) {
            guard let credentials = try Self.credentials(entry, key: key, name: name) else { continue }
            entries[Self.normalized(key)] = credentials
        }
        for (key, helper) in (document.credHelpers ?? [:]).sorted(by: { $0.key < $1.key }) {
            helpers[Self.normalized(key)] = helper
        }
        store = document.credsStore
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
        Self.nearest(in: entries, domain: domain, repository: repository)
    }

    /// The program that keeps the login for a repository, as its name after `docker-credential-`; `nil` if the file
    /// itself has it.
    public func helper(domain: String, repository: String) -> String? {
        let name = Self.nearest(in: helpers, domain: domain, repository: repository) ?? store
        return name?.isEmpty == true ? nil : name
    }

    /// What a helper knows a registry as.
    static func serverName(_ domain: String) -> String {
        domain == ImageReference.dockerHub ? "https://index.docker.io/v1/" : domain
    }

    private static func nearest<Value>(in table: [String: Value], domain: String, repository: String) -> Value? {
        var path = "\(normalized(domain))/\(repository)"[...]
        while true {
            if let found = table[String(path)] { return found }
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
