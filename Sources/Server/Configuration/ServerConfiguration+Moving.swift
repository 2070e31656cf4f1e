// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension ServerConfiguration {
    /// Where sandboxes may move to: `[move]`.
    public struct Moving: Sendable, Equatable {
        /// The servers that may be named: `targets`.
        public var targets: [String: Target] = [:]
        /// Whether a request may name any server by its address, and send its key along: `allow_other_targets`.
        public var allowsOtherTargets = false
        /// A docker `config.json` with the logins for images that are copied, absolute: `registry_config`.
        public var registryConfiguration: String?
        /// Registries (`host` or `host:port`) that are spoken to without TLS: `insecure_registries`.
        public var insecureRegistries: [String] = []
        /// The folder with the certificates of particular registries, absolute: `registry_certificates`.
        public var registryCertificates = "/etc/docker/certs.d"
        /// Seconds after which a move is given up that has not reached its target: `patience_seconds`.
        public var patience = 600

        /// Creates the defaults: nowhere.
        public init() {}
    }
}

extension ServerConfiguration.Moving {
    /// A server that sandboxes may move to: `[move.targets.NAME]`.
    public struct Target: Sendable, Equatable, CustomStringConvertible {
        /// Its address, `http://` or `https://`, with what stands before `/v1`: `url`.
        public var url: String
        /// What it is sent as its key: `api_key`.
        public var key: String?
        /// A file with the key, absolute, which is read each time: `api_key_file`.
        public var keyFile: String?
        /// Where images are copied to that the target is to read, `host[:port]/prefix`: `push_to`. Nil: it reads them where
        /// they are.
        public var pushTo: String?
        /// With which name the target pulls the image: `pull_username`.
        public var pullUsername: String?
        /// With which password: `pull_password`.
        public var pullPassword: String?
        /// A PEM file with the authorities to trust besides the system's, absolute: `certificate_authorities`.
        public var authoritiesFile: String?

        /// Creates one that is no more than an address.
        public init(url: String) {
            self.url = url
        }

        /// Its address; the secrets do not print themselves.
        public var description: String { url }
    }
}

extension ServerConfiguration {
    /// Reads `[move]`. What concerns registries is that of `[local]` unless it is said.
    static func readMoving(_ table: inout ConfigurationTable, of runtime: Runtime?, home: String?) -> Moving {
        var moving = Moving()
        if case .local(let local) = runtime {
            moving.registryConfiguration = local.registryConfiguration
            moving.insecureRegistries = local.insecureRegistries
            moving.registryCertificates = local.registryCertificates
        }
        moving.allowsOtherTargets = table.boolean("allow_other_targets") ?? false
        if moving.allowsOtherTargets, case .kubernetes = runtime {
            table.refuse(
                "allow_other_targets",
                "is true, but with the Kubernetes runtime a key would have to stand in an annotation; name the targets."
            )
        }
        moving.registryConfiguration = table.path("registry_config", home: home) ?? moving.registryConfiguration
        moving.insecureRegistries = table.strings("insecure_registries") ?? moving.insecureRegistries
        moving.registryCertificates = table.path("registry_certificates", home: home) ?? moving.registryCertificates
        moving.patience = table.integer("patience_seconds", in: 1...86_400) ?? moving.patience
        let targets = table.tablesByName("targets") { readTarget(&$0, home: home) }
        for (name, target) in targets {
            if name == "local" {
                table.refuse("targets.local", "has the name that means this machine; choose another.")
            }
            moving.targets[name] = target
        }
        return moving
    }

    private static func readTarget(_ table: inout ConfigurationTable, home: String?) -> Moving.Target {
        var target = Moving.Target(url: "")
        if let url = table.text("url") {
            if let plain = Moving.Target.address(url) {
                target.url = plain
            } else {
                table.refuse("url", "is '\(url)' but must be http:// or https://, a host and perhaps a path.")
            }
        } else {
            table.refuse("url", "is missing; it is where the other server answers, without /v1.")
        }
        target.key = table.text("api_key")
        target.keyFile = table.path("api_key_file", home: home)
        if target.key != nil, target.keyFile != nil { table.refuse("api_key_file", "is set besides api_key; set one.") }
        if let prefix = table.text("push_to") {
            if isRegistryPrefix(prefix) {
                target.pushTo = prefix
            } else {
                table.refuse("push_to", "is '\(prefix)' but must be <registry host>[:<port>]/<prefix>, in lower case.")
            }
        }
        target.pullUsername = table.text("pull_username")
        target.pullPassword = table.text("pull_password")
        if (target.pullUsername == nil) != (target.pullPassword == nil) {
            table.refuse("pull_username", "and pull_password go together; set both or none.")
        }
        target.authoritiesFile = table.path("certificate_authorities", home: home)
        return target
    }
}

extension ServerConfiguration.Moving.Target {
    /// The address of a server without a `/v1` or a slash at its end; nil if it is none.
    static func address(_ text: String) -> String? {
        let lower = text.lowercased()
        let scheme = ["http://", "https://"].first { lower.hasPrefix($0) }
        guard let scheme, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        var rest = text.dropFirst(scheme.count)
        while rest.hasSuffix("/") { rest.removeLast() }
        if rest.hasSuffix("/v1") { rest.removeLast(3) }
        let host = rest.prefix { $0 != "/" }
        guard !host.isEmpty, !rest.contains("?"), !rest.contains("#"), !host.contains("@") else { return nil }
        return scheme + rest
    }
}
