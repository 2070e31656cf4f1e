// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Server

/// Configuration files that nobody meant: the TOML parser is not Swift, and must not take the process with it.
@Suite struct ConfigurationFuzzTests {
    private static let files = [
        """
        [server]
        host = "0.0.0.0"
        port = 8080
        api_key = "key"
        max_sandbox_timeout_seconds = 86400
        eip = "203.0.113.7"
        [log]
        level = "INFO"
        [runtime]
        type = "local"
        [storage]
        allowed_host_paths = ["/data", "/srv/shared"]
        [local]
        state_dir = "~/.stasis"
        snapshot_store = "oci:/var/lib/snapshots"
        insecure_registries = ["registry.local:5000"]
        [local.network]
        bridge = "stasis0"
        subnet = "10.89.0.0/24"
        """,
        """
        [server]
        api_key_file = "/run/secrets/keys"
        [runtime]
        type = "kubernetes"
        execd_image = "execd:1"
        execd_run_as_init = false
        [kubernetes]
        namespace = "opensandbox"
        kubeconfig_path = "~/.kube/config"
        image_pull_policy = "Always"
        read_qps = 10.5
        execd_init_resources = { limits = { cpu = "100m", memory = "128Mi" } }
        [egress]
        image = "egress:1"
        mode = "dns+nft"
        [storage]
        volume_default_size = "1Gi"
        [secure_runtime]
        type = "gvisor"
        k8s_runtime_class = "gvisor"
        [renew_intent]
        enabled = true
        redis.enabled = false
        """,
        """
        [[tenants]]
        name = "red"
        namespace = "team-red"
        api_keys = ["r1", "r2"]
        [[tenants]]
        name = "blue"
        namespace = "team-blue"
        api_keys = ["b1"]
        """,
        """
        # every kind of value
        title = 'literal' # comment
        "quoted key" = \"\"\"
        several
        lines \\
          joined\"\"\"
        dates = [1979-05-27T07:32:00Z, 1979-05-27, 07:32:00]
        numbers = [0xDEAD_beef, 0o755, 0b1101, +1e06, -inf, nan, 9223372036854775807]
        table = { a.b = 1, c = [ { d = true }, {} ] }
        [[array.of.tables]]
        x = "\\u00e9\\U0001F600\\t"
        [[array.of.tables]]
        [a.b.c]
        """,
    ]
    private static let fragments = [
        "[", "]", "[[", "]]", "{", "}", "\"", "'''", "\"\"\"", "=", ".", ",", "\n", "\r", "#", "\\", "\\u",
        "\\UFFFFFFFF", "\0",
        "\u{FEFF}", "99999999999999999999", "1e999", "-", "+", "0x", "1979-99-99", "true", "[server]\n", "[local]\n",
        "server = 1\n", "port = \"x\"\n", "[[server]]\n", "[[tenants]]\n", "[tenants]\n", "api_keys = [\"r1\"]\n",
        "kubernetes = 1\n",
        "a.a.a.a.a.a.a.a.a.a = 1\n",
        String(repeating: "[", count: 300), String(repeating: "{a=", count: 300), String(repeating: "a.", count: 300),
        String(repeating: "x", count: 70_000),
    ]

    @Test func everyAnswerIsAnErrorOrAConfiguration() {
        var mutator = Mutator(seed: 1, fragments: Self.fragments)
        var budget = FuzzBudget(500)
        var outcomes = [true: 0, false: 0]
        var tenants = 0
        while budget.goesOn() {
            let text = mutator.text(of: Self.files)
            do {
                _ = try ServerConfiguration.load(text: text, environment: ConfigurationTests.environment)
                outcomes[true, default: 0] += 1
            } catch {
                #expect(!error.problems.isEmpty && error.problems.allSatisfy { !$0.isEmpty }, "\(text)")
                outcomes[false, default: 0] += 1
            }
            do {
                #expect(try !TenantFile.entries(in: text).0.isEmpty, "\(text)")
                tenants += 1
            } catch {
                #expect(!error.problems.isEmpty, "\(text)")
            }
        }
        // What is always refused, or never, would show nothing.
        #expect(outcomes[true, default: 0] > 10 && outcomes[false, default: 0] > 10, "\(outcomes)")
        #expect(tenants > 5, "\(tenants)")
    }
}
