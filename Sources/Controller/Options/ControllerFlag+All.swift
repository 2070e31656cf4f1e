// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import Provenance
import SandboxModels
import SnapshotProvider

extension ControllerFlag {
    /// Every flag but `--help` and `--version`, in the order in which they are told.
    static let all: [ControllerFlag] = cluster + sandboxes + tasks + snapshots + watching + zap + ignored

    /// The flags by name.
    static let named = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let cluster: [ControllerFlag] = [
        // Read before all others: it says where they may be.
        .ignored(
            configName,
            "FILE",
            standard: "",
            because: "it is read from the command line or the environment only."
        ),
        .optionalText(
            "kubeconfig",
            "FILE",
            \.kubeconfig,
            "The cluster to work on; without it the one that this runs in, else KUBECONFIG or ~/.kube/config."
        ),
        .optionalText("context", "NAME", \.context, "The context of the kubeconfig, if not the current one."),
        .value(
            "watch-namespaces",
            "NAME,...",
            "",
            \.namespaces,
            "The namespaces whose sandboxes are seen to; all without it."
        ) { (text) throws(Fault) in
            var names: [String] = []
            for name in text.split(separator: ",", omittingEmptySubsequences: true) {
                let name = name.trimmingPrefix { $0 == " " }
                if let problem = NameRule.label.problem(with: String(name)) {
                    throw Fault("names '\(name)', which \(problem)")
                }
                if !names.contains(String(name)) { names.append(String(name)) }
            }
            return names
        },
        .toggle("leader-elect", \.isLeaderElected, "Work only while holding the lease \(ControllerManager.leaseName)."),
        .optionalText(
            "leader-election-namespace",
            "NAME",
            \.leaderElectionNamespace,
            "The namespace of that lease; without it POD_NAMESPACE, else the cluster's configuration's.",
            check: checkName(.label)
        ),
        .value(
            "kube-client-qps",
            "NUMBER",
            "100",
            \.rateLimit.requestsPerSecond,
            "How many requests a second the API server gets."
        ) { (text) throws(Fault) in
            guard let number = Double(text), number.isFinite else { throw Fault("is no number") }
            guard number > 0 else { throw Fault("is not more than 0") }
            return number
        },
        .number(
            "kube-client-burst",
            \.rateLimit.burst,
            standard: 200,
            atLeast: 1,
            "How many it gets at once after a rest."
        ),
    ]

    private static let sandboxes: [ControllerFlag] = [
        .value(
            "dialects",
            "NAME,...",
            SandboxDialect.openSandbox.rawValue,
            \.sandboxes.dialects,
            "The families of kinds that are worked on: \(SandboxDialect.names). opensandbox always is."
        ) { (text) throws(Fault) in
            var dialects: Set<SandboxDialect> = [.openSandbox]
            for name in text.split(separator: ",", omittingEmptySubsequences: true) {
                let name = name.filter { !$0.isWhitespace }
                guard let dialect = SandboxDialect(rawValue: name.lowercased()) else {
                    throw Fault("names '\(name)', which is none of \(SandboxDialect.names)")
                }
                dialects.insert(dialect)
            }
            return dialects
        },
        ControllerFlag(
            name: "concurrency",
            placeholder: "NAME=NUMBER;...",
            standard: "",
            help: "How many objects are looked at at a time: batchsandbox=32;pool=16;sandboxsnapshot=4. Of the Kruise "
                + "dialect: sandbox=32;sandboxset=8;sandboxclaim=64;checkpoint=8.",
            effect: .option { (options, text) throws(Fault) in try readConcurrency(text, &options) }
        ),
        .value(
            "max-pause-replicas",
            "NUMBER",
            "1",
            \.sandboxes.policy.maximumPauseReplicas,
            "How many replicas a BatchSandbox may have to be paused."
        ) { (text) throws(Fault) in
            let number = try readNumber(text, atLeast: 1)
            // What is written down of all of them has to fit into one annotation.
            let most = SandboxControllerSettings.mostPauseReplicas
            guard number <= most else { throw Fault("is more than \(most)") }
            return number
        },
        .value(
            "expectation-timeout",
            "DURATION",
            "5m",
            \.sandboxes.pools.expectationTimeout,
            "After what time a pool's pod that was created or deleted is taken for seen.",
            read: { (text) throws(Fault) in try readSeconds(text) }
        ),
        .number(
            "pool-allocation-concurrency",
            \.sandboxes.pools.allocationConcurrency,
            standard: 256,
            atLeast: 1,
            "How many sandboxes of a pool are told of their pods at a time. SYNC_SANDBOX_ALLOC_CONCURRENCY says the same."
        ),
        .number(
            "pool-recycle-concurrency",
            \.sandboxes.pools.recycleConcurrency,
            standard: 64,
            atLeast: 1,
            "How many pods of a pool are recycled at a time. RECYCLE_POD_CONCURRENCY says the same."
        ),
    ]

    private static let tasks: [ControllerFlag] = [
        .value(
            "task-executor-port",
            "PORT",
            "5758",
            \.sandboxes.taskExecutorPort,
            "Where the task executors in the sandboxes' pods listen."
        ) { (text) throws(Fault) in
            let port = try readNumber(text, atLeast: 1)
            guard port <= 65535 else { throw Fault("is no port") }
            return port
        },
        .value(
            "task-stop-timeout",
            "DURATION",
            "1m",
            \.sandboxes.taskStopTimeout,
            "How long a pause waits until the tasks are stopped; then it fails.",
            read: { (text) throws(Fault) in Double(try readSeconds(text)) }
        ),
    ]

    private static let snapshots: [ControllerFlag] = [
        .text(
            "snapshot-registry",
            "HOST/PATH",
            \.sandboxes.registry,
            "Where snapshots go: <registry>/<sandbox>-<container>. Without it nothing can be paused.",
            check: { (text) throws(Fault) in
                if text.contains("://") { throw Fault("has a scheme; write it as 'registry.example.com/sandboxes'") }
                if text.hasSuffix("/") { throw Fault("ends with '/'") }
                if text.contains(where: \.isWhitespace) { throw Fault("has white space in it") }
            }
        ),
        .toggle(
            "snapshot-registry-insecure",
            \.commitJob.isRegistryInsecure,
            "Speak to that registry without TLS, or without checking its certificate."
        ),
        .optionalText(
            "snapshot-push-secret",
            "NAME",
            \.commitJob.pushSecret,
            "The Secret, in the sandbox's namespace, with which snapshots are pushed.",
            check: checkName(.subdomain)
        ),
        ControllerFlag(
            name: "resume-pull-secret",
            placeholder: "NAME",
            standard: "",
            help: "The Secret, in the sandbox's namespace, with which nodes pull snapshots.",
            effect: .option { (options, text) throws(Fault) in
                let name = text.isEmpty ? nil : text
                if let name { try checkName(.subdomain)(name) }
                options.sandboxes.pullSecret = name
                options.commitJob.pullSecret = name
            }
        ),
        .optionalText(
            "snapshot-signing-secret",
            "NAME",
            \.commitJob.signingSecret,
            "The Secret, in the sandbox's namespace, whose key.pem statements about snapshots are signed with.",
            check: checkName(.subdomain)
        ),
        .choice(
            "snapshot-verification",
            \.commitJob.verification,
            standard: .off,
            "What is done with an image before a sandbox is started from it for which no trusted statement is found."
        ),
        .value(
            "snapshot-verification-keys",
            "FILE,...",
            "",
            \.commitJob.verificationKeys,
            "PEM files with the public keys of those whose statements are trusted, where this runs."
        ) { (text) throws(Fault) in
            let files = text.split(separator: ",").map { String($0.trimmingPrefix { $0 == " " }) }
            for file in files { try checkPath(file) }
            return files
        },
        .choice(
            "snapshot-environment",
            \.sandboxes.snapshotEnvironment,
            standard: .names,
            "What images of snapshots tell of their environment; never what Secrets, ConfigMaps and fields give."
        ),
        .text(
            "registry-certificates",
            "FOLDER",
            \.commitJob.certificatesFolder,
            standard: "/etc/docker/certs.d",
            "Certificates of particular registries, laid out as Docker's, where this runs.",
            check: checkPath
        ),
        .text(
            "image-committer-image",
            "IMAGE",
            \.commitJob.image,
            standard: "image-committer:dev",
            "The image of commit Jobs. It gets access to the node's containers: name it by digest.",
            check: { (text) throws(Fault) in
                if text.isEmpty || text.contains(where: \.isWhitespace) { throw Fault("is no image") }
            }
        ),
        .text(
            "containerd-socket-path",
            "PATH",
            \.commitJob.containerdSocket,
            standard: "/var/run/containerd/containerd.sock",
            "containerd's socket on the nodes.",
            check: checkPath
        ),
        .optionalText(
            "containerd-root",
            "PATH",
            \.commitJob.containerdRoot,
            standard: "/var/lib/containerd",
            "The folder below which containerd has containers' files on the nodes; '' to read them through containerd.",
            check: checkPath
        ),
        ControllerFlag(
            name: "commit-job-timeout",
            placeholder: "DURATION",
            standard: "10m",
            help: "How long a capture may take, and a sandbox be frozen for it.",
            effect: .option { (options, text) throws(Fault) in
                let seconds = try readSeconds(text)
                options.commitJob.timeout = seconds
                options.sandboxes.policy.captureTimeout = Double(seconds)
            }
        ),
        ControllerFlag(
            name: "resume-timeout",
            placeholder: "DURATION",
            standard: "10m",
            help: "After what time a sandbox that does not come up is paused again; '0' for never.",
            effect: .option { (options, text) throws(Fault) in
                let isEndless = ["0", "0s"].contains(text)
                options.sandboxes.policy.resumeTimeout = isEndless ? nil : Double(try readSeconds(text))
            }
        ),
        ControllerFlag(
            name: "artifact-check-interval",
            placeholder: "DURATION",
            standard: "1h",
            help: "After what time it is looked again whether a snapshot's images are still there; '0' for never.",
            effect: .option { (options, text) throws(Fault) in
                let isOff = ["0", "0s"].contains(text)
                options.sandboxes.artifactCheckInterval = isOff ? nil : Double(try readSeconds(text))
            }
        ),
        .number(
            "snapshot-retention",
            \.sandboxes.retention.generations,
            standard: 0,
            atLeast: 0,
            "How many images of its pauses a replica of a sandbox keeps; 0 for all."
        ),
        .choice(
            "snapshot-delete-policy",
            \.sandboxes.snapshotDeletePolicy,
            standard: .retain,
            "Whether the images of a deleted snapshot or sandbox stay in the registry."
        ),
    ]

    private static let watching: [ControllerFlag] = [
        .address(
            "health-probe-bind-address",
            \.probeAddress,
            standard: ":8081",
            "Where /healthz and /readyz are answered; '0' for nowhere."
        ),
        .address("metrics-bind-address", \.metricsAddress, standard: "0", "Where /metrics is served; '0' for nowhere."),
        .toggle(
            "metrics-secure",
            \.isMetricsSecure,
            standard: true,
            "Serve metrics by TLS, and only to those whom the cluster allows to get /metrics."
        ),
        .text(
            "metrics-cert-path",
            "FOLDER",
            \.metricsCertificate.folder,
            "Where the certificate for metrics is; without it one is made at the start.",
            check: { (text) throws(Fault) in if !text.isEmpty { try checkPath(text) } }
        ),
        .text(
            "metrics-cert-name",
            "FILE",
            \.metricsCertificate.certificate,
            standard: "tls.crt",
            "Its certificate's file."
        ),
        .text("metrics-cert-key", "FILE", \.metricsCertificate.key, standard: "tls.key", "Its key's file."),
    ]

    private static let zap: [ControllerFlag] = [
        // Before the level, which goes before it.
        ControllerFlag(
            name: "zap-devel",
            placeholder: nil,
            standard: "false",
            help: "Log more: as --zap-log-level=debug, which goes before it.",
            effect: .option { (options, text) throws(Fault) in
                if try readBool(text) { options.logLevel = .debug }
            }
        ),
        .value(
            "zap-log-level",
            "LEVEL",
            "info",
            \.logLevel,
            "debug, info, warn, error, panic; or 1 for debug, 2 for all."
        ) {
            (text) throws(Fault) in
            switch text.lowercased() {
            case "warn": return .warning
            case "panic", "dpanic", "fatal": return .critical
            case "1": return .debug
            case let word:
                if let level = Logger.Level(rawValue: word) { return level }
                guard let number = Int(word), number > 0 else {
                    throw Fault("is not debug, info, warn, error, panic or a number above 0")
                }
                return .trace
            }
        },
        .choice("zap-encoder", \.logFormat, standard: .console, "How log lines are written."),
        .ignored(
            "zap-stacktrace-level",
            "LEVEL",
            standard: "error",
            because: "errors tell their causes; there are no stack traces."
        ),
        .ignored("zap-time-encoding", "NAME", standard: "rfc3339", because: "times are always RFC 3339."),
    ]

    private static let ignored: [ControllerFlag] = [
        .ignored("webhook-cert-path", "FOLDER", standard: "", because: noWebhooks),
        .ignored("webhook-cert-name", "FILE", standard: "tls.crt", because: noWebhooks),
        .ignored("webhook-cert-key", "FILE", standard: "tls.key", because: noWebhooks),
        .ignored("enable-http2", nil, standard: "false", because: "metrics are served by HTTP/1.1.", check: isBool),
        .ignored(
            "allow-weak-tls-keylengths",
            nil,
            standard: "false",
            because: "what BoringSSL takes for too weak is refused.",
            check: isBool
        ),
        .ignored("enable-file-log", nil, standard: "false", because: noFiles, check: isBool),
        .ignored("log-file-path", "FILE", standard: "/var/log/sandbox-controller/controller.log", because: noFiles),
        .ignored("log-max-size", "MEGABYTES", standard: "100", because: noFiles, check: isNumber),
        .ignored("log-max-backups", "NUMBER", standard: "10", because: noFiles, check: isNumber),
        .ignored("log-max-age", "DAYS", standard: "30", because: noFiles, check: isNumber),
        .ignored("log-compress", nil, standard: "true", because: noFiles, check: isBool),
    ]

    static let configName = "config"
    private static let noWebhooks = "there are no webhooks."
    private static let noFiles = "logs go to the standard error, which Kubernetes keeps and rotates."

    private static let isBool: @Sendable (String) throws(Fault) -> Void = { (text) throws(Fault) in
        _ = try readBool(text)
    }
    private static let isNumber: @Sendable (String) throws(Fault) -> Void = { (text) throws(Fault) in
        _ = try readNumber(text, atLeast: 0)
    }
    private static let checkPath: @Sendable (String) throws(Fault) -> Void = { (text) throws(Fault) in
        guard text.hasPrefix("/") else { throw Fault("is no absolute path") }
    }

    private static func checkName(_ rule: NameRule) -> @Sendable (String) throws(Fault) -> Void {
        { (text) throws(Fault) in
            if let problem = rule.problem(with: text) { throw Fault("is no name: it \(problem)") }
        }
    }

    /// `batchsandbox=32;pool=16`.
    private static func readConcurrency(_ text: String, _ options: inout ControllerOptions) throws(Fault) {
        for part in text.split(separator: ";", omittingEmptySubsequences: true) {
            let words = part.split(separator: "=", omittingEmptySubsequences: false).map {
                $0.filter { !$0.isWhitespace }
            }
            guard words.count == 2, let number = Int(words[1]), number > 0 else {
                throw Fault("has '\(part)', which is not a controller's name, '=' and a number above 0")
            }
            switch words[0].lowercased() {
            case "batchsandbox": options.sandboxWorkers = number
            case "pool": options.poolWorkers = number
            case "sandboxsnapshot": options.snapshotWorkers = number
            case "sandbox": options.sandboxes.kruise.sandboxWorkers = number
            case "sandboxset": options.sandboxes.kruise.setWorkers = number
            case "sandboxclaim": options.sandboxes.kruise.claimWorkers = number
            case "checkpoint": options.sandboxes.kruise.checkpointWorkers = number
            default:
                throw Fault(
                    "names '\(words[0])', which is not batchsandbox, pool, sandboxsnapshot, sandbox, sandboxset, sandboxclaim or "
                        + "checkpoint"
                )
            }
        }
    }
}
