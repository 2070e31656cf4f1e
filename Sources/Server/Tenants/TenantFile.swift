// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// The file that tells tenants, TOML in OpenSandbox's format: a list `[[tenants]]` with name, namespace and keys.
enum TenantFile {
    /// One tenant.
    struct Entry: Equatable {
        var name: String
        var namespace: String
        var keys: [APIKey]
    }

    /// Reads a file.
    ///
    /// - Returns: At least one tenant, and what in the file has no effect.
    /// - Throws: ``ConfigurationError`` with everything that is wrong. No message has a key in it.
    static func entries(at path: String) throws(ConfigurationError) -> ([Entry], [ConfigurationWarning]) {
        try entries(in: ConfigurationFile(path: path).read())
    }

    static func entries(in text: String) throws(ConfigurationError) -> ([Entry], [ConfigurationWarning]) {
        var root = ConfigurationTable(try ServerConfiguration.tables(of: text))
        var owners: [APIKey: String] = [:]
        var names: Set<String> = []
        let entries = root.tables("tenants") { table -> Entry? in
            let name = required(&table, "name") { $0.text("name") }
            let namespace = required(&table, "namespace") { $0.name("namespace", .label) }
            let keys = required(&table, "api_keys") { readKeys(&$0) } ?? []
            guard let name, let namespace else { return nil }
            if !names.insert(name).inserted { table.refuse("name", "is '\(name)' as that of another tenant.") }
            for key in keys {
                if let owner = owners[key] {
                    let whose = owner == name ? "twice" : "that is also one of '\(owner)'"
                    table.refuse("api_keys", "of '\(name)' has a key \(whose).")
                }
                owners[key] = name
            }
            return Entry(name: name, namespace: namespace, keys: keys)
        }
        if entries.isEmpty, root.problems.isEmpty {
            root.refuse("tenants", "is empty; write a [[tenants]] with name, namespace and api_keys for each.")
        }
        root.finish()
        guard root.problems.isEmpty else {
            throw ConfigurationError(problems: root.problems, warnings: root.warnings)
        }
        return (entries.compactMap(\.self), root.warnings)
    }

    private static func readKeys(_ table: inout ConfigurationTable) -> [APIKey]? {
        guard let texts = table.strings("api_keys") else { return nil }
        let keys = texts.compactMap { APIKey($0) }
        if keys.count < texts.count { table.refuse("api_keys", "has a key that is blank.") }
        if texts.isEmpty { table.refuse("api_keys", "is empty; nobody could be this tenant.") }
        return keys
    }

    /// A value that must be there; that one of the wrong kind is, has been said already.
    private static func required<Value>(
        _ table: inout ConfigurationTable,
        _ key: String,
        _ read: (inout ConfigurationTable) -> Value?
    ) -> Value? {
        guard table.contains(key) else {
            table.refuse(key, "is missing.")
            return nil
        }
        return read(&table)
    }
}

/// A file with keys of one tenant, one a line.
enum KeyFile {
    /// Reads a file; spaces around a key and blank lines do not count.
    ///
    /// - Returns: At least one key.
    /// - Throws: ``ConfigurationError``.
    static func keys(at path: String) throws(ConfigurationError) -> [APIKey] {
        let text = try ConfigurationFile(path: path).read()
        let keys = text.split(whereSeparator: \.isNewline).compactMap { APIKey(String($0).trimmed) }
        guard !keys.isEmpty else {
            throw ConfigurationError(problems: ["\(path) has no key; write one a line."])
        }
        return keys
    }
}
