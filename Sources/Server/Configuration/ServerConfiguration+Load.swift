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
        var root = ConfigurationTable(try tables(of: text))
        var (http, publishedHost) = root.table("server") { readServer(&$0) }
        readKey(of: &http, &root, environment)
        let logLevel = root.table("log") { readLog(&$0) }
        root.table("runtime") { readRuntime(&$0) }
        root.table("secure_runtime") { readSecureRuntime(&$0) }
        var local = root.table("local") { readLocal(&$0, publishedHost, home: environment["HOME"]) }
        local?.allowedHostPaths = root.table("storage") { readStorage(&$0, home: environment["HOME"]) }
        root.table("tenants") { refuseTenants(&$0) }
        root.ignore(foreignTables, because: "The local runtime has nothing of this kind; the table has no effect.")
        root.finish()
        guard root.problems.isEmpty, let local else {
            throw ConfigurationError(problems: root.problems, warnings: root.warnings)
        }
        let configuration = ServerConfiguration(http: http, logLevel: logLevel, runtime: .local(local))
        return (configuration, root.warnings)
    }

    private static func tables(of text: String) throws(ConfigurationError) -> [String: ConfigurationValue] {
        do {
            return try TOMLParser.parse(text)
        } catch {
            throw ConfigurationError(problems: ["line \(error.line), column \(error.column): \(error.reason)."])
        }
    }

    /// Tables of OpenSandbox's format that concern its own runtimes.
    private static let foreignTables = [
        "agent_sandbox", "docker", "egress", "ingress", "kubernetes", "otel", "pause", "proxy", "renew_intent",
        "store",
    ]

    private static func readServer(_ table: inout ConfigurationTable) -> (HTTP, publishedHost: String?) {
        var http = HTTP()
        http.host = table.text("host") ?? http.host
        http.port = table.integer("port", in: 0...65_535) ?? http.port
        http.apiKey = table.string("api_key").flatMap(APIKey.init)
        http.maximumTimeout = table.integer("max_sandbox_timeout_seconds", in: 60...Int.max)
        http.keepAliveTimeout = table.integer("timeout_keep_alive", in: 1...86_400) ?? http.keepAliveTimeout
        http.concurrencyLimit = table.integer("limit_concurrency", in: 0...Int.max) ?? http.concurrencyLimit
        http.backlog = table.integer("backlog", in: 1...Int(Int32.max)) ?? http.backlog
        http.gracefulShutdownTimeout =
            table.integer("timeout_graceful_shutdown", in: 1...86_400) ?? http.gracefulShutdownTimeout
        let publishedHost = table.text("eip")
        table.ignore(
            ["http", "loop", "thread_pool_size"],
            because: "It tunes another server's threads; it has no effect here."
        )
        return (http, publishedHost)
    }

    private static func readKey(
        of http: inout HTTP,
        _ root: inout ConfigurationTable,
        _ environment: [String: String]
    ) {
        if let key = environment["OPENSANDBOX_SERVER_API_KEY"].flatMap(APIKey.init) { http.apiKey = key }
        if http.apiKey == nil, environment["OPENSANDBOX_INSECURE_SERVER"] != "YES" {
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

    private static func readRuntime(_ table: inout ConfigurationTable) {
        if let type = table.text("type"), type != "local" {
            table.refuse("type", "is '\(type)' but must be 'local'; this server has no other runtime.")
        }
        table.ignore(
            ["execd_image", "execd_run_as_init"],
            because: "The local runtime adds nothing to images; it has no effect."
        )
    }

    /// Keys of several tenants would all have to be let in to the same sandboxes.
    private static func refuseTenants(_ table: inout ConfigurationTable) {
        guard !table.isEmpty else { return }
        table.ignoreAll()
        table.refuse("", "asks for tenants that are kept apart, which this server does not have; remove the table.")
    }

    /// Isolation that was asked for and is not there must not go unnoticed.
    private static func readSecureRuntime(_ table: inout ConfigurationTable) {
        if let type = table.string("type"), !type.isEmpty {
            table.refuse("type", "is '\(type)', but the local runtime has only runc; remove it to run without.")
        }
        table.ignore(["docker_runtime", "k8s_runtime_class"], because: "The local runtime has only runc.")
    }
}
