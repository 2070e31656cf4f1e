// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

extension ServerConfiguration {
    /// Reads `[kubernetes]` into a configuration of which `[runtime]` has been read.
    static func readKubernetes(_ table: inout ConfigurationTable, into kubernetes: inout Kubernetes, home: String?) {
        // Blank in upstream's own example.
        kubernetes.kubeconfigPath = table.path("kubeconfig_path", home: home, mayBeBlank: true)
        kubernetes.skipsTLSVerification = table.boolean("insecure_skip_tls_verify") ?? false
        kubernetes.namespace = table.name("namespace", .label) ?? kubernetes.namespace
        kubernetes.serviceAccount = table.name("service_account", .subdomain)
        kubernetes.templateFile = table.path("batchsandbox_template_file", home: home)
        kubernetes.imagePullPolicy =
            table.choice("image_pull_policy", of: ImagePullPolicy.self) ?? kubernetes.imagePullPolicy
        kubernetes.expiresWhilePaused = table.boolean("expire_while_paused") ?? kubernetes.expiresWhilePaused
        kubernetes.createTimeout =
            table.integer("sandbox_create_timeout_seconds", in: 1...86_400) ?? kubernetes.createTimeout
        kubernetes.poolAcquisitionTimeout =
            table.integer("pool_acquisition_timeout_seconds", in: 1...86_400) ?? kubernetes.poolAcquisitionTimeout
        kubernetes.readLimit = table.requestLimit("read_qps", "read_burst")
        kubernetes.writeLimit = table.requestLimit("write_qps", "write_burst")
        kubernetes.execdInitResources = table.table("execd_init_resources") { readResources(&$0) }
        kubernetes.snapshotPullSecret = table.name("snapshot_pull_secret", .subdomain)
        if let provider = table.text("workload_provider"), provider.lowercased() != "batchsandbox" {
            table.refuse("workload_provider", "is '\(provider)' but must be 'batchsandbox'; this server has no other.")
        }
        table.ignore(
            [
                "informer_enabled", "informer_resync_seconds", "informer_watch_timeout_seconds",
                "sandbox_create_poll_interval_seconds",
            ],
            because: "This server watches the cluster and never polls it; the key has no effect."
        )
        table.ignore(
            ["snapshot_create_timeout_seconds"],
            because:
                "How long a snapshot may take is the controller's to say (--commit-job-timeout); the key has no effect."
        )
        table.ignore(
            [
                "fastpath_endpoint", "fastpath_resource_pool", "fastpath_timeout_seconds",
                "fastpath_wait_ready_seconds",
                "template_s3_publish_secret",
            ],
            because: "It belongs to the microVM runtime, which this server does not have."
        )
    }

    /// Reads `[egress]`; nil without an image.
    static func readEgress(_ table: inout ConfigurationTable) -> Egress? {
        let image = table.text("image")
        var egress = Egress(image: image ?? "")
        egress.mode = table.choice("mode", of: EgressMode.self) ?? egress.mode
        egress.disablesIPv6 = table.boolean("disable_ipv6") ?? egress.disablesIPv6
        egress.resources = readResources(&table)
        if let endpoint = table.string("otlp_endpoint"), !endpoint.isEmpty {
            if ["http://", "https://"].contains(where: { endpoint.hasPrefix($0) && endpoint.count > $0.count }) {
                egress.telemetryEndpoint = endpoint
            } else {
                table.refuse("otlp_endpoint", "is '\(endpoint)' but must be an http:// or https:// URL.")
            }
        }
        table.ignore(["readiness_timeout_seconds"], because: "It concerns Docker only; it has no effect here.")
        // Traffic that somebody wants to see must not go past them in silence.
        table.forbid(
            "upstream_proxy",
            "is not supported by this server; remove it to let traffic go without a proxy."
        )
        return image == nil ? nil : egress
    }

    /// Reads `[storage]` as far as it concerns pods.
    static func readStorage(_ table: inout ConfigurationTable, into kubernetes: inout Kubernetes) {
        // Nodes have no home, so `~` means nothing.
        kubernetes.allowedHostPaths = table.hostPaths("allowed_host_paths", home: nil)
        if let size = table.text("volume_default_size") {
            if let quantity = Quantity(withinLimits: size), quantity > 0 {
                kubernetes.volumeDefaultSize = size
            } else {
                table.refuse("volume_default_size", "is '\(size)' but must be a quantity such as 1Gi.")
            }
        }
        table.ignore(["ossfs_mount_root"], because: "There is no ossfs on Kubernetes; it has no effect.")
    }

    /// Reads `[secure_runtime]` as far as it concerns pods.
    static func readSecureRuntime(_ table: inout ConfigurationTable, into kubernetes: inout Kubernetes) {
        let type = table.string("type") ?? ""
        let runtimeClass = table.name("k8s_runtime_class", .subdomain)
        table.ignore(["docker_runtime"], because: "It concerns Docker only; it has no effect here.")
        switch type {
        case "" where runtimeClass != nil:
            table.refuse("k8s_runtime_class", "is set, but secure_runtime.type is not; set both or none.")
        case "":
            break
        case "gvisor", "kata", "firecracker":
            // Isolation that was asked for and is not there must not go unnoticed.
            if runtimeClass == nil {
                table.refuse("k8s_runtime_class", "is missing; it says which RuntimeClass of the cluster '\(type)' is.")
            }
            kubernetes.runtimeClass = runtimeClass
        default:
            table.refuse("type", "is '\(type)' but must be gvisor, kata or firecracker, or empty for none.")
        }
    }

    private static func readResources(_ table: inout ConfigurationTable) -> Resources {
        var resources = Resources()
        for (key, place) in [("limits", \Resources.limits), ("requests", \Resources.requests)] {
            for (name, text) in table.stringsByName(key) ?? [:] {
                if let quantity = Quantity(withinLimits: text), quantity >= 0 {
                    resources[keyPath: place][name] = text
                } else {
                    table.refuse(key, "has '\(text)' for '\(name)', which is no quantity such as 100m or 64Mi.")
                }
            }
        }
        for (name, request) in resources.requests.sorted(by: { $0.key < $1.key }) {
            guard let limit = resources.limits[name].flatMap({ Quantity($0) }), let least = Quantity(request),
                least > limit
            else { continue }
            table.refuse("requests", "has '\(request)' for '\(name)', which is more than the limit.")
        }
        return resources
    }
}
