// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging

extension ServerConfiguration {
    /// Reads a configuration. The environment goes before the file.
    ///
    /// - Parameters:
    ///   - text: The file, TOML in OpenSandbox's format with a table `[local]` of our own; empty for the defaults.
    ///   - environment: `OPENSANDBOX_SERVER_API_KEY` is the key; `OPENSANDBOX_INSECURE_SERVER=YES` lets the server do
    ///     without one; `HOME` is what `~` stands for.
    /// - Returns: The configuration, and what in the file has no effect.
    /// - Throws: ``ConfigurationError`` with everything that is wrong.
    public static func load(
        text: String,
        environment: [String: String]
    ) throws(ConfigurationError) -> (configuration: ServerConfiguration, warnings: [ConfigurationWarning]) {
        let home = environment["HOME"]
        var root = ConfigurationTable(try tables(of: text))
        let hasTenants = root.contains("tenants")
        var http = root.table("server") { readServer(&$0, home: home) }
        readKey(of: &http, &root, environment, hasTenants: hasTenants)
        let logLevel = root.table("log") { readLog(&$0) }
        let renewal = root.table("renew_intent") { readRenewal(&$0) }
        let runtime: Runtime? =
            switch root.table("runtime", { readRuntime(&$0) }) {
            case nil: skipRuntime(&root)
            case .local: readLocalRuntime(&root, http, home: home).map { .local($0) }
            case .kubernetes(let kubernetes): .kubernetes(readKubernetesRuntime(&root, kubernetes, home: home))
            }
        let snapshots = root.table("snapshots") { readSnapshots(&$0, of: runtime, home: home) }
        let proxy = root.table("proxy") { readProxy(&$0, publishedHost: http.publishedHost) }
        let moving = root.table("move") { readMoving(&$0, of: runtime, home: home) }
        let e2b = root.table("e2b") { readE2B(&$0, environment) }
        let servesPage = root.table("ui") { $0.boolean("enabled") ?? true }
        let ingress = readIngress(&root, of: runtime, environment)
        let tenantFile =
            hasTenants ? root.table("tenants") { readTenants(&$0, of: runtime, http, environment) } : nil
        root.finish()
        guard root.problems.isEmpty, let runtime else {
            throw ConfigurationError(problems: root.problems, warnings: root.warnings)
        }
        var configuration = ServerConfiguration(http: http, logLevel: logLevel, runtime: runtime)
        configuration.tenantFile = tenantFile
        configuration.proxy = proxy
        configuration.snapshots = snapshots
        configuration.ingress = ingress
        configuration.renewal = renewal
        configuration.e2b = e2b
        configuration.servesPage = servesPage
        configuration.move = moving
        return (configuration, root.warnings)
    }

    /// Gateways are a matter of clusters, but not to have one is fine everywhere.
    private static func readIngress(
        _ root: inout ConfigurationTable,
        of runtime: Runtime?,
        _ environment: [String: String]
    ) -> Ingress {
        if case .local = runtime {
            root.table("ingress") { table in
                if let mode = table.string("mode"), mode != "direct" {
                    table.refuse("mode", "is '\(mode)' but must be 'direct' with the local runtime.")
                }
                table.ignore(["gateway", "secure_access"], because: "The local runtime has no gateway.")
            }
            return Ingress()
        }
        return root.table("ingress") { readIngress(&$0, environment: environment) }
    }

    static func tables(of text: String) throws(ConfigurationError) -> [String: ConfigurationValue] {
        do {
            return try TOMLParser.parse(text)
        } catch {
            throw ConfigurationError(problems: ["line \(error.line), column \(error.column): \(error.reason)."])
        }
    }

    private static func readServer(_ table: inout ConfigurationTable, home: String?) -> HTTP {
        var http = HTTP()
        http.host = table.text("host") ?? http.host
        http.port = table.integer("port", in: 0...65_535) ?? http.port
        http.apiKey = table.string("api_key").flatMap(APIKey.init)
        http.apiKeyFile = table.path("api_key_file", home: home)
        if http.apiKey != nil, http.apiKeyFile != nil {
            table.refuse("api_key_file", "is set besides server.api_key; set one of them.")
        }
        http.maximumTimeout = table.integer("max_sandbox_timeout_seconds", in: 60...Int.max)
        http.allowsChosenIDs = table.boolean("allow_chosen_ids") ?? false
        http.keepAliveTimeout = table.integer("timeout_keep_alive", in: 1...86_400) ?? http.keepAliveTimeout
        http.concurrencyLimit = table.integer("limit_concurrency", in: 0...Int.max) ?? http.concurrencyLimit
        http.connectionLimit = table.integer("limit_connections", in: 0...Int(Int32.max)) ?? http.connectionLimit
        http.rateLimit = table.requestLimit("rate_limit_per_second", "rate_limit_burst")
        http.headTimeout = table.integer("timeout_request_head", in: 1...3600) ?? http.headTimeout
        http.bodyTimeout = table.integer("timeout_request_body", in: 1...3600) ?? http.bodyTimeout
        let metricsHost = table.text("metrics_host")
        if let port = table.integer("metrics_port", in: 0...65_535) {
            http.metrics = MetricsAddress(host: metricsHost ?? http.host, port: port)
            if port == http.port, port != 0 {
                table.refuse("metrics_port", "is the port of the API; anybody who reaches it could read them.")
            }
        } else if metricsHost != nil {
            table.refuse("metrics_host", "is set without a metrics_port.")
        }
        http.backlog = table.integer("backlog", in: 1...Int(Int32.max)) ?? http.backlog
        http.gracefulShutdownTimeout =
            table.integer("timeout_graceful_shutdown", in: 1...86_400) ?? http.gracefulShutdownTimeout
        http.publishedHost = table.text("eip")
        table.ignore(
            ["http", "loop", "thread_pool_size"],
            because: "It tunes another server's threads; it has no effect here."
        )
        return http
    }

    private static func readKey(
        of http: inout HTTP,
        _ root: inout ConfigurationTable,
        _ environment: [String: String],
        hasTenants: Bool
    ) {
        if let key = environment["OPENSANDBOX_SERVER_API_KEY"].flatMap(APIKey.init) {
            http.apiKey = key
            http.apiKeyFile = nil
        }
        if hasTenants { return }
        if http.apiKey == nil, http.apiKeyFile == nil, environment["OPENSANDBOX_INSECURE_SERVER"] != "YES" {
            root.refuse(
                "server.api_key",
                """
                is missing, and without a key everybody who reaches the server can use it. Set it, or set \
                OPENSANDBOX_SERVER_API_KEY, or allow this with OPENSANDBOX_INSECURE_SERVER=YES.
                """
            )
        }
    }

    private static func readLog(_ table: inout ConfigurationTable) -> Logger.Level {
        table.ignore(
            ["access_file_path", "file_backup_count", "file_enabled", "file_max_bytes", "file_path"],
            because: "This server logs to its standard error; it has no effect."
        )
        guard let word = table.text("level") else { return .info }
        switch word.lowercased() {
        case "warn": return .warning
        case "fatal": return .critical
        case let word:
            if let level = Logger.Level(rawValue: word) { return level }
            table.refuse("level", "is '\(word)' but must be trace, debug, info, notice, warning, error or critical.")
            return .info
        }
    }

    private static func readRenewal(_ table: inout ConfigurationTable) -> Renewal? {
        let isEnabled = table.boolean("enabled") ?? false
        var renewal = Renewal()
        renewal.minimumInterval = table.integer("min_interval_seconds", in: 1...86_400) ?? renewal.minimumInterval
        table.ignore(["redis"], because: "This server takes no part in a queue in Redis; it has no effect.")
        return isEnabled ? renewal : nil
    }
}
