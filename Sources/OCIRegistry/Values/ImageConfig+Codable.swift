// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension AnyKey {
    fileprivate static let architecture = AnyKey("architecture")
    fileprivate static let author = AnyKey("author")
    fileprivate static let cmd = AnyKey("Cmd")
    fileprivate static let comment = AnyKey("comment")
    fileprivate static let config = AnyKey("config")
    fileprivate static let created = AnyKey("created")
    fileprivate static let createdBy = AnyKey("created_by")
    fileprivate static let diffIDs = AnyKey("diff_ids")
    fileprivate static let emptyLayer = AnyKey("empty_layer")
    fileprivate static let entrypoint = AnyKey("Entrypoint")
    fileprivate static let env = AnyKey("Env")
    fileprivate static let exposedPorts = AnyKey("ExposedPorts")
    fileprivate static let history = AnyKey("history")
    fileprivate static let labels = AnyKey("Labels")
    fileprivate static let os = AnyKey("os")
    fileprivate static let rootfs = AnyKey("rootfs")
    fileprivate static let stopSignal = AnyKey("StopSignal")
    fileprivate static let type = AnyKey("type")
    fileprivate static let user = AnyKey("User")
    fileprivate static let variant = AnyKey("variant")
    fileprivate static let volumes = AnyKey("Volumes")
    fileprivate static let workingDir = AnyKey("WorkingDir")
}

private func names(_ keys: AnyKey...) -> Set<String> { Set(keys.map(\.stringValue)) }

extension ImageConfig: Codable {
    private static let known = names(
        .created,
        .author,
        .architecture,
        .os,
        .variant,
        .config,
        .rootfs,
        .history
    )

    /// Reads a config; `null` counts as absent.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        created = try container.decodeIfPresent(String.self, forKey: .created)
        author = try container.decodeIfPresent(String.self, forKey: .author)
        architecture = try container.decode(String.self, forKey: .architecture)
        os = try container.decode(String.self, forKey: .os)
        variant = try container.decodeIfPresent(String.self, forKey: .variant)
        config = try container.decodeIfPresent(Execution.self, forKey: .config) ?? Execution()
        rootfs = try container.decode(RootFS.self, forKey: .rootfs)
        history = try container.decodeIfPresent([History].self, forKey: .history) ?? []
        others = try container.others(than: Self.known)
    }

    /// Writes the config with all that was carried along.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        try container.encodeIfPresent(created, forKey: .created)
        try container.encodeIfPresent(author, forKey: .author)
        try container.encode(architecture, forKey: .architecture)
        try container.encode(os, forKey: .os)
        try container.encodeIfPresent(variant, forKey: .variant)
        try container.encode(config, forKey: .config)
        try container.encode(rootfs, forKey: .rootfs)
        if !history.isEmpty { try container.encode(history, forKey: .history) }
        try container.encode(others: others)
    }
}

extension ImageConfig.Execution: Codable {
    private static let known = names(
        .user,
        .env,
        .entrypoint,
        .cmd,
        .workingDir,
        .labels,
        .exposedPorts,
        .volumes,
        .stopSignal
    )

    /// Reads the settings; `null` counts as absent.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        user = try container.decodeIfPresent(String.self, forKey: .user)
        env = try container.decodeIfPresent([String].self, forKey: .env)
        entrypoint = try container.decodeIfPresent([String].self, forKey: .entrypoint)
        cmd = try container.decodeIfPresent([String].self, forKey: .cmd)
        workingDir = try container.decodeIfPresent(String.self, forKey: .workingDir)
        labels = try container.decodeIfPresent([String: String].self, forKey: .labels)
        exposedPorts = try container.decodeIfPresent([String: JSONValue].self, forKey: .exposedPorts).map {
            Set($0.keys)
        }
        volumes = try container.decodeIfPresent([String: JSONValue].self, forKey: .volumes).map { Set($0.keys) }
        stopSignal = try container.decodeIfPresent(String.self, forKey: .stopSignal)
        others = try container.others(than: Self.known)
    }

    /// Writes the settings with all that was carried along.
    public func encode(to encoder: any Encoder) throws {
        /// Ports and volumes are maps from a name to an empty object, a set in the words of Go.
        func members(_ set: Set<String>) -> [String: JSONValue] {
            Dictionary(uniqueKeysWithValues: set.map { ($0, .object([:])) })
        }
        var container = encoder.container(keyedBy: AnyKey.self)
        try container.encodeIfPresent(user, forKey: .user)
        try container.encodeIfPresent(env, forKey: .env)
        try container.encodeIfPresent(entrypoint, forKey: .entrypoint)
        try container.encodeIfPresent(cmd, forKey: .cmd)
        try container.encodeIfPresent(workingDir, forKey: .workingDir)
        try container.encodeIfPresent(labels, forKey: .labels)
        try container.encodeIfPresent(exposedPorts.map(members), forKey: .exposedPorts)
        try container.encodeIfPresent(volumes.map(members), forKey: .volumes)
        try container.encodeIfPresent(stopSignal, forKey: .stopSignal)
        try container.encode(others: others)
    }
}

extension ImageConfig.RootFS: Codable {
    private static let known = names(.type, .diffIDs)

    /// Reads the list of layers.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        type = try container.decode(String.self, forKey: .type)
        diffIDs = try container.decodeIfPresent([Digest].self, forKey: .diffIDs) ?? []
        others = try container.others(than: Self.known)
    }

    /// Writes the list of layers.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        try container.encode(type, forKey: .type)
        try container.encode(diffIDs, forKey: .diffIDs)
        try container.encode(others: others)
    }
}

extension ImageConfig.History: Codable {
    private static let known = names(.created, .createdBy, .author, .comment, .emptyLayer)

    /// Reads an entry.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        created = try container.decodeIfPresent(String.self, forKey: .created)
        createdBy = try container.decodeIfPresent(String.self, forKey: .createdBy)
        author = try container.decodeIfPresent(String.self, forKey: .author)
        comment = try container.decodeIfPresent(String.self, forKey: .comment)
        emptyLayer = try container.decodeIfPresent(Bool.self, forKey: .emptyLayer)
        others = try container.others(than: Self.known)
    }

    /// Writes an entry with all that was carried along.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        try container.encodeIfPresent(created, forKey: .created)
        try container.encodeIfPresent(createdBy, forKey: .createdBy)
        try container.encodeIfPresent(author, forKey: .author)
        try container.encodeIfPresent(comment, forKey: .comment)
        try container.encodeIfPresent(emptyLayer, forKey: .emptyLayer)
        try container.encode(others: others)
    }
}
