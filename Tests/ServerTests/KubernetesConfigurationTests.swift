// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Server

@Suite struct KubernetesConfigurationTests {
    private static let least = "[runtime]\ntype = \"kubernetes\"\nexecd_image = \"execd:1\"\n"

    private static func load(_ text: String, _ environment: [String: String] = ConfigurationTests.environment) throws
        -> (configuration: ServerConfiguration, kubernetes: ServerConfiguration.Kubernetes, warnings: [String])
    {
        let (configuration, warnings) = try ConfigurationTests.load(text, environment)
        guard case .kubernetes(let kubernetes) = configuration.runtime else { throw ConfigurationError(problems: []) }
        return (configuration, kubernetes, warnings)
    }

    @Test func theDefaults() throws {
        let (configuration, kubernetes, warnings) = try Self.load(Self.least, ["OPENSANDBOX_SERVER_API_KEY": "k"])
        #expect(warnings.isEmpty)
        #expect(kubernetes == ServerConfiguration.Kubernetes(execdImage: "execd:1"))
        #expect(kubernetes.namespace == "opensandbox" && kubernetes.createTimeout == 60)
        #expect(configuration.tenantFile == nil && configuration.renewal == nil && !configuration.isOpen)
    }

    @Test func upstreamsExampleNamesNoKubeconfig() throws {
        let (_, kubernetes, _) = try Self.load(Self.least + "[kubernetes]\nkubeconfig_path = \"\"\n")
        #expect(kubernetes == ServerConfiguration.Kubernetes(execdImage: "execd:1"))
    }

    @Test func everyKey() throws {
        let (configuration, kubernetes, warnings) = try Self.load(
            """
            [runtime]
            type = "kubernetes"
            execd_image = "registry.example/execd:v1.1.0"
            execd_run_as_init = true
            [kubernetes]
            kubeconfig_path = "~/.kube/config"
            insecure_skip_tls_verify = true
            namespace = "sandboxes"
            service_account = "runner"
            workload_provider = "BatchSandbox"
            batchsandbox_template_file = "/etc/stasis/template.yaml"
            image_pull_policy = "Always"
            sandbox_create_timeout_seconds = 120
            pool_acquisition_timeout_seconds = 5
            read_qps = 20.5
            write_qps = 10
            write_burst = 30
            execd_init_resources = { limits = { cpu = "100m", memory = "128Mi" }, requests = { cpu = "50m" } }
            snapshot_pull_secret = "registry-login"
            [egress]
            image = "egress:1"
            mode = "dns+nft"
            disable_ipv6 = false
            otlp_endpoint = "http://collector.example:4318"
            limits = { memory = "256Mi" }
            [storage]
            allowed_host_paths = ["/data"]
            volume_default_size = "5Gi"
            [secure_runtime]
            type = "kata"
            k8s_runtime_class = "kata-qemu"
            [renew_intent]
            enabled = true
            min_interval_seconds = 30
            """
        )
        #expect(warnings.isEmpty)
        var expected = ServerConfiguration.Kubernetes(execdImage: "registry.example/execd:v1.1.0")
        expected.execdRunsAsInit = true
        expected.kubeconfigPath = "/home/u/.kube/config"
        expected.skipsTLSVerification = true
        expected.namespace = "sandboxes"
        expected.serviceAccount = "runner"
        expected.templateFile = "/etc/stasis/template.yaml"
        expected.imagePullPolicy = .always
        expected.createTimeout = 120
        expected.poolAcquisitionTimeout = 5
        expected.readLimit = .init(requestsPerSecond: 20.5, burst: 20)
        expected.writeLimit = .init(requestsPerSecond: 10, burst: 30)
        expected.execdInitResources.limits = ["cpu": "100m", "memory": "128Mi"]
        expected.execdInitResources.requests = ["cpu": "50m"]
        expected.snapshotPullSecret = "registry-login"
        var egress = ServerConfiguration.Egress(image: "egress:1")
        egress.mode = .dnsAndFilter
        egress.disablesIPv6 = false
        egress.telemetryEndpoint = "http://collector.example:4318"
        egress.resources.limits = ["memory": "256Mi"]
        expected.egress = egress
        expected.allowedHostPaths = ["/data"]
        expected.volumeDefaultSize = "5Gi"
        expected.runtimeClass = "kata-qemu"
        #expect(kubernetes == expected)
        #expect(configuration.renewal?.minimumInterval == 30)
    }

    @Test func whatHasNoEffectIsTold() throws {
        let (_, _, warnings) = try Self.load(
            Self.least + """
                [kubernetes]
                informer_enabled = true
                informer_resync_seconds = 300
                informer_watch_timeout_seconds = 60
                sandbox_create_poll_interval_seconds = 1.0
                snapshot_create_timeout_seconds = 900
                fastpath_endpoint = "x:1"
                namespaces = ["a"]
                [egress]
                readiness_timeout_seconds = 3.0
                [renew_intent]
                redis.enabled = false
                [store]
                type = "sqlite"
                [local]
                state_dir = "relative"
                [storage]
                ossfs_mount_root = "/mnt"
                """
        )
        #expect(
            warnings.sorted() == [
                "egress.readiness_timeout_seconds", "kubernetes.fastpath_endpoint", "kubernetes.informer_enabled",
                "kubernetes.informer_resync_seconds", "kubernetes.informer_watch_timeout_seconds",
                "kubernetes.namespaces", "kubernetes.sandbox_create_poll_interval_seconds",
                "kubernetes.snapshot_create_timeout_seconds", "local", "renew_intent.redis", "storage.ossfs_mount_root",
                "store",
            ]
        )
    }

    @Test(arguments: [
        ("[kubernetes]\nnamespace = \"Upper\"", "kubernetes.namespace:"),
        ("[kubernetes]\nworkload_provider = \"agent-sandbox\"", "kubernetes.workload_provider:"),
        ("[kubernetes]\nimage_pull_policy = \"Sometimes\"", "kubernetes.image_pull_policy:"),
        ("[kubernetes]\nkubeconfig_path = \"config\"", "kubernetes.kubeconfig_path:"),
        ("[kubernetes]\nservice_account = \"a_b\"", "kubernetes.service_account:"),
        ("[kubernetes]\nsandbox_create_timeout_seconds = 0", "kubernetes.sandbox_create_timeout_seconds:"),
        ("[kubernetes]\nread_qps = -1.0", "kubernetes.read_qps:"),
        ("[kubernetes]\nread_qps = nan", "kubernetes.read_qps:"),
        ("[kubernetes]\nread_qps = \"1\"", "kubernetes.read_qps:"),
        ("[kubernetes]\ninsecure_skip_tls_verify = 1", "kubernetes.insecure_skip_tls_verify:"),
        (
            "[kubernetes]\nexecd_init_resources = { limits = { cpu = \"fast\" } }",
            "kubernetes.execd_init_resources.limits:"
        ),
        (
            "[kubernetes]\nexecd_init_resources = { limits = { cpu = 1 } }", "kubernetes.execd_init_resources.limits:"
        ),
        ("[egress]\nimage = \"e\"\nrequests = { cpu = \"2\" }\nlimits = { cpu = \"1\" }", "egress.requests:"),
        ("[egress]\nmode = \"nft\"", "egress.mode:"),
        ("[egress]\notlp_endpoint = \"collector:4318\"", "egress.otlp_endpoint:"),
        ("[egress]\nupstream_proxy = { url = \"http://p\" }", "egress.upstream_proxy:"),
        ("[storage]\nvolume_default_size = \"big\"", "storage.volume_default_size:"),
        ("[storage]\nvolume_default_size = \"0\"", "storage.volume_default_size:"),
        ("[storage]\nallowed_host_paths = [\"~/x\"]", "storage.allowed_host_paths:"),
        ("[storage]\nallowed_host_paths = [\"/a/../b\"]", "storage.allowed_host_paths:"),
        ("[secure_runtime]\ntype = \"gvisor\"", "secure_runtime.k8s_runtime_class:"),
        ("[secure_runtime]\nk8s_runtime_class = \"gvisor\"", "secure_runtime.k8s_runtime_class:"),
        ("[secure_runtime]\ntype = \"runq\"", "secure_runtime.type:"),
        ("[renew_intent]\nmin_interval_seconds = 0", "renew_intent.min_interval_seconds:"),
    ])
    func refuses(text: String, place: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.load(Self.least + text) }
        #expect(error?.problems.count == 1, "\(error?.problems ?? [])")
        #expect(error?.problems.first?.hasPrefix(place) == true, "\(error?.problems ?? [])")
    }

    @Test func theImageOfExecdMustBeNamed() throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.load("[runtime]\ntype = \"kubernetes\"") }
        #expect(error?.problems.count == 1 && error?.problems.first?.hasPrefix("runtime.execd_image:") == true)
    }

    @Test func whereTenantsAreTold() throws {
        let text = Self.least + "[tenants]\nprovider = \"file\"\n"
        let home = ["HOME": "/home/u"]
        #expect(try Self.load(text, home).configuration.tenantFile == "/home/u/.opensandbox/tenants.toml")
        #expect(try Self.load(text + "file = \"/etc/t.toml\"", home).configuration.tenantFile == "/etc/t.toml")
        var named = home
        named["SANDBOX_TENANTS_CONFIG_PATH"] = "~/t.toml"
        #expect(try Self.load(text + "file = \"/etc/t.toml\"", named).configuration.tenantFile == "/home/u/t.toml")
    }

    @Test(arguments: [
        ("[tenants]\nprovider = \"http\"\nendpoint = \"https://x\"", [:], "tenants.provider:"),
        ("[server]\napi_key = \"k\"\n[tenants]", [:], "tenants:"),
        ("[server]\napi_key_file = \"/k\"\n[tenants]", [:], "tenants:"),
        ("[tenants]", ["OPENSANDBOX_SERVER_API_KEY": "k"], "tenants:"),
        ("[server]\napi_key = \"k\"\napi_key_file = \"/k\"", [:], "server.api_key_file:"),
    ])
    func refusesKeysInTwoPlaces(text: String, environment: [String: String], place: String) throws {
        let all = environment.merging(["HOME": "/home/u"]) { first, _ in first }
        let error = #expect(throws: ConfigurationError.self) { try Self.load(Self.least + text, all) }
        #expect(error?.problems.count == 1, "\(error?.problems ?? [])")
        #expect(error?.problems.first?.hasPrefix(place) == true, "\(error?.problems ?? [])")
    }
}
