// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Which runtime a configuration asks for, and which of its tables concern it.
extension ServerConfiguration {
    /// Reads `[runtime]`; nil if it names none that there is.
    static func readRuntime(_ table: inout ConfigurationTable) -> RuntimeChoice? {
        switch table.text("type") ?? "local" {
        case "local":
            table.ignore(
                ["execd_image", "execd_run_as_init"],
                because: "The local runtime adds nothing to images; it has no effect."
            )
            return .local
        case "kubernetes":
            let image = table.text("execd_image")
            if image == nil {
                table.refuse("execd_image", "is missing; it is the image that brings execd into each sandbox.")
            }
            var kubernetes = Kubernetes(execdImage: image ?? "")
            kubernetes.execdRunsAsInit = table.boolean("execd_run_as_init") ?? false
            return .kubernetes(kubernetes)
        case let type:
            table.refuse("type", "is '\(type)' but must be 'local' or 'kubernetes'; this server has no other runtime.")
            table.ignoreAll()
            return nil
        }
    }

    /// What `[runtime]` says.
    enum RuntimeChoice {
        case local
        case kubernetes(Kubernetes)
    }

    /// What concerns a runtime says nothing if there is none.
    static func skipRuntime(_ root: inout ConfigurationTable) -> Runtime? {
        for key in ["kubernetes", "local", "secure_runtime", "egress", "storage", "tenants"] + foreignTables {
            root.table(key) { $0.ignoreAll() }
        }
        return nil
    }

    static func readLocalRuntime(_ root: inout ConfigurationTable, _ http: HTTP, home: String?) -> Local? {
        root.table("secure_runtime") { refuseSecureRuntime(&$0) }
        var local = root.table("local") { readLocal(&$0, http.publishedHost, home: home) }
        local?.allowedHostPaths = root.table("storage") { readStorage(&$0, home: home) }
        root.ignore(
            ["egress", "kubernetes"] + foreignTables,
            because: "The local runtime has nothing of this kind; the table has no effect."
        )
        return local
    }

    static func readKubernetesRuntime(
        _ root: inout ConfigurationTable,
        _ runtime: Kubernetes,
        home: String?
    ) -> Kubernetes {
        var kubernetes = runtime
        root.table("kubernetes") { readKubernetes(&$0, into: &kubernetes, home: home) }
        root.table("secure_runtime") { readSecureRuntime(&$0, into: &kubernetes) }
        kubernetes.egress = root.table("egress") { readEgress(&$0) }
        root.table("storage") { readStorage(&$0, into: &kubernetes) }
        root.ignore(["store"], because: "Everything is kept in the cluster itself; the table has no effect.")
        root.ignore(["local"], because: "The sandboxes live in a cluster; the table has no effect.")
        root.ignore(foreignTables, because: "This server has nothing of this kind; the table has no effect.")
        return kubernetes
    }

    /// Tables of OpenSandbox's format that concern nothing that is here.
    private static let foreignTables = ["agent_sandbox", "docker", "otel", "pause", "store"]

    /// Reads `[tenants]`, and answers where the file is that tells them.
    static func readTenants(
        _ table: inout ConfigurationTable,
        of runtime: Runtime?,
        _ http: HTTP,
        _ environment: [String: String]
    ) -> String? {
        if case .local = runtime {
            table.ignoreAll()
            table.refuse(
                "",
                "asks for tenants that are kept apart, which takes the Kubernetes runtime; remove the table."
            )
            return nil
        }
        if http.apiKey != nil || http.apiKeyFile != nil {
            table.refuse(
                "",
                """
                is set besides a key of the server, but the keys of tenants are in their own file. Remove server.api_key, \
                server.api_key_file and OPENSANDBOX_SERVER_API_KEY.
                """
            )
        }
        let home = environment["HOME"]
        let provider = table.text("provider") ?? "file"
        if provider != "file" {
            table.refuse("provider", "is '\(provider)' but must be 'file'; this server has no other.")
        }
        table.ignore(
            ["auth_header", "auth_token", "endpoint", "max_stale_seconds", "timeout_seconds"],
            because: "It belongs to tenants of provider 'http'; it has no effect."
        )
        let named = table.path("file", home: home)
        let path = environment["SANDBOX_TENANTS_CONFIG_PATH"].flatMap { $0.isEmpty ? nil : $0 }
        if path == nil, let named { return named }
        switch absolute(path ?? "~/.opensandbox/tenants.toml", home: home) {
        case .success(let path): return path
        case .failure(let reason):
            table.refuse("file", reason.text)
            return nil
        }
    }

    /// Isolation that was asked for and is not there must not go unnoticed.
    private static func refuseSecureRuntime(_ table: inout ConfigurationTable) {
        if let type = table.string("type"), !type.isEmpty {
            table.refuse("type", "is '\(type)', but the local runtime has only runc; remove it to run without.")
        }
        table.ignore(["docker_runtime", "k8s_runtime_class"], because: "The local runtime has only runc.")
    }
}
