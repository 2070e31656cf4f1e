// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import KubeModels

extension ServerConfiguration {
    /// How the E2B API is served beside the other one: `[e2b]`.
    public struct E2B: Sendable, Equatable {
        /// Whom clients are, by their keys: `keys`. None: everybody is let in, as one and the same owner.
        public var keys: [Key] = []
        /// The domain that the hosts of sandboxes are beneath: `domain`. Nil: the host that the client has asked.
        public var domain: String?
        /// The longest timeout in seconds that a client may ask for: `max_timeout_seconds`.
        public var maximumTimeout = 2_592_000
        /// Seconds that a sandbox has at least after a resume: `min_resume_timeout_seconds`.
        public var minimumResumeTimeout = 300
        /// The template of a client that names none, or E2B's own `base`: `default_template`.
        public var defaultTemplate: String?
        /// What sandboxes are created from by a name: `templates`.
        public var templates: [String: Template] = [:]

        /// Creates the defaults.
        public init() {}
    }
}

extension ServerConfiguration.E2B {
    /// A key, and whose it is.
    public struct Key: Sendable, Equatable {
        /// What clients send: `key`.
        public var key: APIKey
        /// Whose the sandboxes are that are created with it: `owner`. By default the key is an owner of its own.
        public var owner: String
        /// The team of the owner, on a cluster the namespace of the sandboxes: `team`.
        public var team: String
        /// What people call the key: `name`.
        public var name: String

        /// Creates one from its values.
        public init(key: APIKey, owner: String, team: String, name: String) {
            self.key = key
            self.owner = owner
            self.team = team
            self.name = name
        }

        /// The owner that a key is by itself: always the same one, from which nobody learns the key.
        static func owner(of text: String) -> String {
            var bytes = Array(SHA256.hash(data: Array("stasis e2b owner\n\(text)".utf8)).prefix(16))
            bytes[6] = bytes[6] & 0x0F | 0x80
            bytes[8] = bytes[8] & 0x3F | 0x80
            let digits = bytes.map { byte in
                let text = String(byte, radix: 16)
                return text.count < 2 ? "0" + text : text
            }
            return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }.joined(separator: "-")
        }
    }

    /// What sandboxes are created from by a name.
    public struct Template: Sendable, Equatable {
        /// The image, as the Lifecycle API takes it: `image`.
        public var image: String
        /// The command; empty: the image's: `entrypoint`.
        public var entrypoint: [String] = []
        /// Variables for it: `environment`.
        public var environment: [String: String] = [:]
        /// Limits by resource name: `cpu`, `memory`, `disk`.
        public var resourceLimits: [String: String] = [:]
        /// The version of E2B's agent in the image, by which SDKs choose what they ask of it: `envd_version`.
        public var envdVersion = Self.usualEnvdVersion

        /// What OpenKruise Agents says.
        static let usualEnvdVersion = "0.2.10"

        /// Creates one that is no more than an image.
        public init(image: String) {
            self.image = image
        }
    }

    /// The owner and the team of everybody where there are no keys: upstream's.
    static let soleOwner = "550e8400-e29b-41d4-a716-446655440000"
    static let soleTeam = "admin"
}

extension ServerConfiguration {
    /// Reads `[e2b]`; nil if it is not there or says that it is not wanted.
    static func readE2B(_ table: inout ConfigurationTable, _ environment: [String: String]) -> E2B? {
        guard !table.isEmpty else { return nil }
        guard table.boolean("enabled") ?? true else {
            table.ignoreAll()
            return nil
        }
        var e2b = E2B()
        e2b.domain = table.text("domain")
        if let domain = e2b.domain, domain.contains("/") || domain.hasPrefix(".") {
            table.refuse("domain", "is '\(domain)' but must be a host name, with a port if need be.")
        }
        e2b.maximumTimeout = table.integer("max_timeout_seconds", in: 1...Int(Int32.max)) ?? e2b.maximumTimeout
        e2b.minimumResumeTimeout =
            table.integer("min_resume_timeout_seconds", in: 0...Int(Int32.max)) ?? e2b.minimumResumeTimeout
        e2b.defaultTemplate = table.text("default_template")
        e2b.keys = readE2BKeys(&table)
        for (name, template) in table.tablesByName("templates", { readE2BTemplate(&$0) }) {
            e2b.templates[name] = template
        }
        if let name = e2b.defaultTemplate, e2b.templates[name] == nil, !e2b.templates.isEmpty {
            table.refuse("default_template", "is '\(name)', and there is no [e2b.templates.\(name)].")
        }
        if e2b.keys.isEmpty, environment["OPENSANDBOX_INSECURE_SERVER"] != "YES" {
            table.refuse(
                "keys",
                """
                is missing, and without keys everybody who reaches the server can use it. Write a [[e2b.keys]] for each, or \
                allow this with OPENSANDBOX_INSECURE_SERVER=YES.
                """
            )
        }
        return e2b
    }

    private static func readE2BKeys(_ table: inout ConfigurationTable) -> [E2B.Key] {
        var seen: Set<APIKey> = []
        var keys: [E2B.Key] = []
        let read = table.tables("keys") { table -> E2B.Key? in
            let owner = table.text("owner")
            let team = table.name("team", .label) ?? "default"
            let name = table.text("name")
            guard table.contains("key") else {
                table.refuse("key", "is missing.")
                return nil
            }
            guard let text = table.text("key"), let key = APIKey(text) else { return nil }
            if !seen.insert(key).inserted { table.refuse("key", "is there twice.") }
            return E2B.Key(key: key, owner: owner ?? E2B.Key.owner(of: text), team: team, name: name ?? team)
        }
        for case let key? in read { keys.append(key) }
        return keys
    }

    private static func readE2BTemplate(_ table: inout ConfigurationTable) -> E2B.Template? {
        guard table.contains("image") else {
            table.refuse("image", "is missing.")
            return nil
        }
        guard let image = table.text("image") else { return nil }
        var template = E2B.Template(image: image)
        template.entrypoint = table.strings("entrypoint") ?? []
        template.environment = table.stringsByName("environment") ?? [:]
        for (key, resource) in [("cpu", "cpu"), ("memory", "memory"), ("disk", "ephemeral-storage")] {
            guard let text = table.text(key) else { continue }
            if let quantity = Quantity(withinLimits: text), quantity.approximate > 0 {
                template.resourceLimits[resource] = text
            } else {
                table.refuse(key, "is '\(text)' but must be an amount such as \"500m\" or \"512Mi\".")
            }
        }
        if let version = table.text("envd_version") {
            let parts = version.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
            if parts.count == 3, parts.allSatisfy({ $0 >= 0 }), version != "0.0.0" {
                template.envdVersion = version
            } else {
                table.refuse("envd_version", "is '\(version)' but must be three numbers such as \"0.2.10\".")
            }
        }
        return template
    }
}
