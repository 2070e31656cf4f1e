// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import Logging
import Provenance
import SandboxModels
import SnapshotProvider
import Testing

@testable import Controller

@Suite("What the controller is told")
struct ControllerOptionsTests {
    private struct NoFile: Error {}

    private static func load(
        _ arguments: [String],
        _ environment: [String: String] = [:],
        files: [String: String] = [:]
    ) throws -> (options: ControllerOptions, warnings: [String]) {
        let request = try ControllerOptions.load(arguments: arguments, environment: environment) { path in
            guard let text = files[path] else { throw NoFile() }
            return text
        }
        guard case .work(let options, let warnings) = request else { throw NoFile() }
        return (options, warnings)
    }

    private static func problems(_ arguments: [String], files: [String: String] = [:]) -> [String] {
        do {
            _ = try load(arguments, files: files)
            return []
        } catch let error as ControllerOptionsError {
            return error.problems
        } catch {
            return ["\(error)"]
        }
    }

    /// One flag: a value, and what it changes.
    struct Row: Sendable, CustomTestStringConvertible {
        let flag: String
        let value: String
        let change: @Sendable (inout ControllerOptions) -> Void
        var testDescription: String { "--\(flag)=\(value)" }

        init(_ flag: String, _ value: String, _ change: @escaping @Sendable (inout ControllerOptions) -> Void) {
            self.flag = flag
            self.value = value
            self.change = change
        }
    }

    static let rows: [Row] = [
        Row("kubeconfig", "/k") { $0.kubeconfig = "/k" },
        Row("context", "c") { $0.context = "c" },
        Row("watch-namespaces", "a, b,a") { $0.namespaces = ["a", "b"] },
        Row("leader-elect", "T") { $0.isLeaderElected = true },
        Row("leader-election-namespace", "ns") { $0.leaderElectionNamespace = "ns" },
        Row("kube-client-qps", "2.5") { $0.rateLimit.requestsPerSecond = 2.5 },
        Row("kube-client-burst", "7") { $0.rateLimit.burst = 7 },
        Row("concurrency", " batchsandbox = 3; pool=4;sandboxsnapshot=5;") {
            $0.snapshotWorkers = 5
            $0.sandboxWorkers = 3
            $0.poolWorkers = 4
        },
        Row("concurrency", "sandbox=2;sandboxset=3;sandboxclaim=4;checkpoint=5") {
            $0.sandboxes.kruise.sandboxWorkers = 2
            $0.sandboxes.kruise.setWorkers = 3
            $0.sandboxes.kruise.claimWorkers = 4
            $0.sandboxes.kruise.checkpointWorkers = 5
        },
        Row("dialects", "kruise, agent-sandbox") { $0.sandboxes.dialects = [.openSandbox, .kruise, .agentSandbox] },
        Row("max-pause-replicas", "5") { $0.sandboxes.policy.maximumPauseReplicas = 5 },
        Row("expectation-timeout", "90s") { $0.sandboxes.pools.expectationTimeout = 90 },
        Row("pool-allocation-concurrency", "3") { $0.sandboxes.pools.allocationConcurrency = 3 },
        Row("pool-recycle-concurrency", "3") { $0.sandboxes.pools.recycleConcurrency = 3 },
        Row("task-executor-port", "5800") { $0.sandboxes.taskExecutorPort = 5800 },
        Row("task-stop-timeout", "90s") { $0.sandboxes.taskStopTimeout = 90 },
        Row("snapshot-registry", "r.example:5000/a/b") { $0.sandboxes.registry = "r.example:5000/a/b" },
        Row("snapshot-registry-insecure", "1") { $0.commitJob.isRegistryInsecure = true },
        Row("snapshot-push-secret", "push") { $0.commitJob.pushSecret = "push" },
        Row("resume-pull-secret", "pull.me") {
            $0.sandboxes.pullSecret = "pull.me"
            $0.commitJob.pullSecret = "pull.me"
        },
        Row("snapshot-signing-secret", "signing") { $0.commitJob.signingSecret = "signing" },
        Row("snapshot-verification", "require") { $0.commitJob.verification = .require },
        Row("snapshot-verification-keys", "/a.pub, /b.pub") { $0.commitJob.verificationKeys = ["/a.pub", "/b.pub"] },
        Row("snapshot-environment", "values") { $0.sandboxes.snapshotEnvironment = .values },
        Row("registry-certificates", "/c") { $0.commitJob.certificatesFolder = "/c" },
        Row("image-committer-image", "i@sha256:0") { $0.commitJob.image = "i@sha256:0" },
        Row("containerd-socket-path", "/s") { $0.commitJob.containerdSocket = "/s" },
        Row("containerd-root", "") { $0.commitJob.containerdRoot = nil },
        Row("resume-timeout", "90s") { $0.sandboxes.policy.resumeTimeout = 90 },
        Row("resume-timeout", "0") { $0.sandboxes.policy.resumeTimeout = nil },
        Row("commit-job-timeout", "1h30m0.5s") {
            $0.commitJob.timeout = 5401
            $0.sandboxes.policy.captureTimeout = 5401
        },
        Row("artifact-check-interval", "90s") { $0.sandboxes.artifactCheckInterval = 90 },
        Row("artifact-check-interval", "0") { $0.sandboxes.artifactCheckInterval = nil },
        Row("snapshot-retention", "3") { $0.sandboxes.retention.generations = 3 },
        Row("snapshot-delete-policy", "delete") { $0.sandboxes.snapshotDeletePolicy = .delete },
        Row("health-probe-bind-address", "0") { $0.probeAddress = nil },
        Row("metrics-bind-address", "[::1]:8443") { $0.metricsAddress = ListenAddress(host: "::1", port: 8443) },
        Row("metrics-secure", "false") { $0.isMetricsSecure = false },
        Row("metrics-cert-path", "/c") { $0.metricsCertificate.folder = "/c" },
        Row("metrics-cert-name", "a.crt") { $0.metricsCertificate.certificate = "a.crt" },
        Row("metrics-cert-key", "a.key") { $0.metricsCertificate.key = "a.key" },
        Row("zap-log-level", "error") { $0.logLevel = .error },
        Row("zap-log-level", "5") { $0.logLevel = .trace },
        Row("zap-log-level", "panic") { $0.logLevel = .critical },
        Row("zap-encoder", "json") { $0.logFormat = .json },
        Row("zap-devel", "true") { $0.logLevel = .debug },
    ]

    @Test("a flag in every spelling, in the environment and in a file", arguments: rows)
    func flag(_ row: Row) throws {
        var expected = ControllerOptions()
        row.change(&expected)
        let variable = "STASIS_CONTROLLER_" + row.flag.replacing("-", with: "_").uppercased()
        var spellings = [["--\(row.flag)=\(row.value)"], ["-\(row.flag)=\(row.value)"]]
        if ControllerFlag.named[row.flag]?.isToggle == false { spellings.append(["--\(row.flag)", row.value]) }
        for spelling in spellings { #expect(try Self.load(spelling).options == expected) }
        #expect(try Self.load([], [variable: row.value]).options == expected)
        let file = ["f": "\(row.flag): '\(row.value)'\n"]
        #expect(try Self.load(["--config", "f"], files: file).options == expected)
        #expect(try Self.load([], ["STASIS_CONTROLLER_CONFIG": "f"], files: file).options == expected)
    }

    @Test("said as it is anyway, a flag changes nothing", arguments: ControllerFlag.all.map(\.name))
    func standard(_ name: String) throws {
        let flag = try #require(ControllerFlag.named[name])
        let (options, warnings) = try Self.load(["--\(name)=\(flag.standard)"])
        #expect(options == ControllerOptions())
        #expect(warnings == ["--snapshot-registry is not set: nothing can be paused."])
    }

    @Test("every flag that has an effect is in the table above, and every one of OpenSandbox's is known")
    func completeness() {
        let covered = Set(Self.rows.map(\.flag))
        for flag in ControllerFlag.all {
            guard case .option = flag.effect else { continue }
            #expect(covered.contains(flag.name), "\(flag.name)")
        }
        let upstream = """
            metrics-bind-address health-probe-bind-address leader-elect metrics-secure webhook-cert-path webhook-cert-name \
            webhook-cert-key metrics-cert-path metrics-cert-name metrics-cert-key enable-http2 allow-weak-tls-keylengths \
            enable-file-log log-file-path log-max-size log-max-backups log-max-age log-compress kube-client-qps \
            kube-client-burst concurrency image-committer-image containerd-socket-path commit-job-timeout snapshot-registry \
            snapshot-registry-insecure snapshot-push-secret resume-pull-secret expectation-timeout zap-devel zap-encoder \
            zap-log-level zap-stacktrace-level zap-time-encoding
            """
        for name in upstream.split(separator: " ") { #expect(ControllerFlag.named[String(name)] != nil, "\(name)") }
        for flag in ControllerFlag.all { #expect(ControllerOptions.help.contains("  --\(flag.name)")) }
    }

    @Test("docs/controller.md has every flag with what it is if nobody says anything")
    func documentation() throws {
        let file = URL(fileURLWithPath: #filePath).appending(path: "../../../../docs/controller.md").standardized
        let words = try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isWhitespace).joined(
            separator: " "
        )
        for flag in ControllerFlag.all {
            let standard = flag.standard.isEmpty ? "" : "`\(flag.standard)`"
            let rows = [
                "| `\(flag.name)` | \(standard)", "| `\(flag.name)` ★ | \(standard)", "`\(flag.name)` (\(standard))",
            ]
            let isTold = rows.contains { words.contains($0) } || standard.isEmpty && words.contains("`\(flag.name)`,")
            #expect(isTold, "\(flag.name)")
        }
    }

    @Test("the command line goes before the environment, and that before the file; the last word of each counts")
    func precedence() throws {
        let file = [
            "f": "snapshot-registry: file\nkube-client-burst: 1\nkube-client-qps: 1\nwatch-namespaces: [a, b]\n"
        ]
        let environment = ["STASIS_CONTROLLER_KUBE_CLIENT_BURST": "2", "STASIS_CONTROLLER_KUBE_CLIENT_QPS": "2"]
        let options = try Self.load(
            ["--kube-client-qps=4", "--config=f", "--kube-client-qps=3"],
            environment,
            files: file
        ).options
        #expect(options.sandboxes.registry == "file")
        #expect(options.namespaces == ["a", "b"])
        #expect(options.rateLimit == RateLimit(requestsPerSecond: 3, burst: 2))
        #expect(try Self.load([], ["POD_NAMESPACE": "here"]).options.leaderElectionNamespace == "here")
        let variables = ["SYNC_SANDBOX_ALLOC_CONCURRENCY": "3", "RECYCLE_POD_CONCURRENCY": "4"]
        let pools = try Self.load([], variables).options.sandboxes.pools
        #expect(pools.allocationConcurrency == 3 && pools.recycleConcurrency == 4)
        let both = ["POD_NAMESPACE": "here", "STASIS_CONTROLLER_LEADER_ELECTION_NAMESPACE": "there"]
        #expect(try Self.load([], both).options.leaderElectionNamespace == "there")
        #expect(try Self.load([], both).options.sandboxes.ownNamespace == "here")
        #expect(try Self.load([], [:]).options.sandboxes.ownNamespace == nil)
        // Whichever is said first.
        #expect(try Self.load(["--zap-log-level=error", "--zap-devel"]).options.logLevel == .error)
        #expect(try Self.load(["--leader-elect", "--leader-elect=false"]).options.isLeaderElected == false)
    }

    @Test("what has no effect is warned of by name")
    func warnings() throws {
        let warnings = try Self.load(
            [
                "--webhook-cert-path=/w", "--enable-file-log", "--log-max-size", "5", "--snapshot-registry=r",
                "--metrics-cert-path=/c",
            ],
            [
                "STASIS_CONTROLLER_SNAPSHOT_REGISTRI": "x",
                "STASIS_CONTROLLER_PORT": "1",
            ]
        ).warnings
        #expect(
            warnings == [
                "STASIS_CONTROLLER_SNAPSHOT_REGISTRI has no effect. Was STASIS_CONTROLLER_SNAPSHOT_REGISTRY meant?",
                "--webhook-cert-path has no effect: there are no webhooks.",
                "--enable-file-log has no effect: logs go to the standard error, which Kubernetes keeps and rotates.",
                "--log-max-size has no effect: logs go to the standard error, which Kubernetes keeps and rotates.",
                "--metrics-cert-path has no effect: --metrics-bind-address is '0'.",
            ]
        )
    }

    @Test("all problems are told at once, each with what is wrong")
    func allProblems() {
        let found = Self.problems(
            [
                "--snapshot-registri=x", "--metrics-secure", "false", "--kube-client-qps=-1", "--config=f",
                "--concurrency=cron=2", "stray", "--never-read",
            ],
            files: ["f": "commit-job-timeout: 10\nlog-max-agee: 3\nconcurrency: {a: 1}\n"]
        )
        #expect(
            found == [
                "f: there is no 'log-max-agee'. Was 'log-max-age' meant?",
                "f: 'concurrency' is neither a value nor a list of values.",
                "There is no flag --snapshot-registri. Was --snapshot-registry meant?",
                "--metrics-secure has no value after a space: write --metrics-secure=false.",
                "'stray' is no flag. What follows was not read.",
                "--kube-client-qps: '-1' is not more than 0.",
                "--concurrency: 'cron=2' names 'cron', which is not batchsandbox, pool, sandboxsnapshot, sandbox, sandboxset, "
                    + "sandboxclaim or checkpoint.",
                "'commit-job-timeout' of f: '10' is no duration; write it as '10m' or '1h30m'.",
            ]
        )
    }

    @Test(
        "a value that cannot be used",
        arguments: [
            "--leader-elect=maybe", "--kube-client-qps=inf", "--kube-client-qps=x", "--kube-client-burst=0",
            "--concurrency=batchsandbox", "--concurrency=pool=0", "--commit-job-timeout=0s", "--commit-job-timeout=-1m",
            "--commit-job-timeout=1d", "--commit-job-timeout=999999h", "--snapshot-registry=https://r/x",
            "--snapshot-registry=r/", "--snapshot-push-secret=Über", "--image-committer-image=",
            "--containerd-socket-path=run/x", "--containerd-root=x", "--snapshot-retention=-1",
            "--snapshot-delete-policy=keep", "--health-probe-bind-address=8081", "--health-probe-bind-address=::1:80",
            "--metrics-bind-address=:99999", "--metrics-bind-address=:8081", "--metrics-cert-path=certs",
            "--zap-log-level=loud",
            "--zap-log-level=0", "--zap-encoder=xml", "--dialects=kubernetes", "--max-pause-replicas=0",
            "--max-pause-replicas=49",
            "--task-executor-port=0", "--task-executor-port=65536", "--task-stop-timeout=0s",
            "--watch-namespaces=a,B",
            "--log-max-age=old",
            "--enable-http2=2", "--config=missing", "--expectation-timeout=soon", "--kube-client-burst",
        ]
    )
    func badValue(_ argument: String) {
        #expect(Self.problems([argument]).count == 1)
    }

    @Test(
        "a file that is none",
        arguments: ["- a\n- b\n", "a: b: c\n", "just words\n", "[1]: 2\n", "config: other\n", "\u{0}"]
    )
    func badFile(_ text: String) {
        #expect(Self.problems(["--config=f"], files: ["f": text]).count == 1)
    }

    @Test("an empty file says nothing", arguments: ["", "# a comment\n", "---\n", "null\n"])
    func emptyFile(_ text: String) {
        #expect(Self.problems(["--config=f"], files: ["f": text]).isEmpty)
    }

    @Test("help and the version need nothing else to be right")
    func help() throws {
        let none: (String) throws -> String = { _ in throw NoFile() }
        #expect(try ControllerOptions.load(arguments: ["--x", "-h"], environment: [:], read: none) == .help)
        #expect(try ControllerOptions.load(arguments: ["--version"], environment: [:], read: none) == .version)
    }
}
