// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import KubeClient
import KubeModels
import Logging
import Subprocess
import TestSupport
import Testing

/// The program itself, on a real API server.
@Suite("The controller's program")
struct ControllerProcessTests {
    private static let leases = "lease/2fa1c467.opensandbox.io"

    /// The flags of one that sees to a namespace only.
    private static func flags(_ namespace: TestNamespace) -> [String] {
        [
            "--kubeconfig=\(namespace.testbed.kubeconfig)", "--watch-namespaces=\(namespace.name)",
            "--leader-election-namespace=\(namespace.name)", "--snapshot-registry=registry.example/sandboxes",
        ]
    }

    @Test("told wrong, it says all of it and ends with 64")
    func usage() async throws {
        let process = ControllerProcess(["--leader-electt", "--concurrency=x"])
        #expect(try await process.run() == .exited(64))
        #expect(process.text.contains("There is no flag --leader-electt. Was --leader-elect meant?"))
        #expect(process.text.contains("--concurrency: 'x' has 'x'"))
    }

    @Test("without a cluster it says so and ends with 1")
    func noCluster() async throws {
        let process = ControllerProcess(["--kubeconfig=/nowhere/at/all"])
        #expect(try await process.run() == .exited(1))
        #expect(process.text.contains("/nowhere/at/all"))
    }

    @Test("SIGTERM ends it with 0: the lease is released, and the next one leads at once")
    func sigterm() async throws {
        try await KubernetesTestbed.defineOpenSandbox()
        try await KubernetesTestbed.find().withNamespace { namespace in
            let first = ControllerProcess(Self.flags(namespace) + ["--leader-elect"])
            async let end = first.run()
            try await first.said("leading")
            let holder = try await namespace.field(".spec.holderIdentity", of: Self.leases)
            #expect(!holder.isEmpty)
            first.send(SIGTERM)
            #expect(try await end == .exited(0), "\(first.text)")
            #expect(try await namespace.field(".spec.holderIdentity", of: Self.leases).isEmpty)
            #expect(try await namespace.field(".spec.leaseTransitions", of: Self.leases) == "0")
        }
    }

    @Test("killed, it is followed by another one that has waited, which is ready all the while")
    func takeover() async throws {
        try await KubernetesTestbed.defineOpenSandbox()
        try await KubernetesTestbed.find().withNamespace { namespace in
            let flags =
                Self.flags(namespace) + [
                    "--leader-elect", "--metrics-bind-address=127.0.0.1:0", "--metrics-secure=false",
                ]
            try await ControllerProcess.run(flags) { first in
                try await first.said("leading")
                try await ControllerProcess.run(flags) { second in
                    try await second.said("another one leads")
                    let ready = try await HTTPAnswer("http://\(second.address(for: "probes"))/readyz")
                    #expect(ready.status == 200)
                    #expect(ready.body == "ok")
                    let metrics = try await second.address(for: "metrics")
                    let label = "leader_election_master_status{name=\"2fa1c467.opensandbox.io\"}"
                    #expect(try await HTTPAnswer("http://\(metrics)/metrics").body.contains("\(label) 0\n"))
                    let holder = try await namespace.field(".spec.holderIdentity", of: Self.leases)
                    first.send(SIGKILL)
                    try await second.said("leading")
                    #expect(try await namespace.field(".spec.holderIdentity", of: Self.leases) != holder)
                    #expect(try await HTTPAnswer("http://\(metrics)/metrics").body.contains("\(label) 1\n"))
                }
            }
        }
    }

    @Test("metrics by plain HTTP tell of requests, queues and the process")
    func metrics() async throws {
        try await KubernetesTestbed.defineOpenSandbox()
        try await KubernetesTestbed.find().withNamespace { namespace in
            let flags = Self.flags(namespace) + ["--metrics-bind-address=127.0.0.1:0", "--metrics-secure=false"]
            try await ControllerProcess.run(flags) { process in
                let probes = try await process.address(for: "probes")
                #expect(try await HTTPAnswer("http://\(probes)/healthz").body == "ok")
                let verbose = try await HTTPAnswer("http://\(probes)/healthz?verbose")
                #expect(verbose.body == "[+]ping ok\nhealthz check passed\n")
                #expect(try await HTTPAnswer("http://\(probes)/metrics").status == 404)
                let metrics = try await HTTPAnswer("http://\(process.address(for: "metrics"))/metrics")
                #expect(metrics.status == 200)
                for line in [
                    "# TYPE rest_client_requests_total counter", "stasis_build_info{provider=", "process_open_fds ",
                    "rest_client_requests_total{code=\"200\",method=\"GET\"} ",
                ] {
                    #expect(metrics.body.contains(line), "\(line)")
                }
            }
        }
    }

    @Test("secure metrics are for those whom the cluster lets get /metrics, by TLS")
    func secureMetrics() async throws {
        try await KubernetesTestbed.defineOpenSandbox()
        let testbed = try KubernetesTestbed.find()
        try await testbed.withNamespace { namespace in
            try await namespace.kubectl("create", "serviceaccount", "stranger")
            let stranger = try await namespace.token(of: "stranger")
            let administrator = try String(contentsOfFile: testbed.tokenFile, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            try await ControllerProcess.run(Self.flags(namespace) + ["--metrics-bind-address=127.0.0.1:0"]) { process in
                let address = try await process.address(for: "metrics")
                let url = "https://\(address)/metrics"
                #expect(try await HTTPAnswer(url).status == 401)
                #expect(try await HTTPAnswer(url, token: "nobody").status == 401)
                #expect(try await HTTPAnswer(url, token: stranger).status == 403)
                let allowed = try await HTTPAnswer(url, token: administrator)
                #expect(allowed.status == 200)
                #expect(allowed.body.contains("# TYPE "))
                #expect(try await HTTPAnswer(url, token: stranger).status == 403)
            }
        }
    }

    @Test(
        "without the kinds it waits and is not ready; once they are defined it works; without the server it ends with 1",
        .timeLimit(.minutes(5))
    )
    func missingKinds() async throws {
        try await APIServerDaemon.run { server in
            let file = FileManager.default.temporaryDirectory.appending(
                path: "stasis-\(UInt64.random(in: 0 ... .max)).conf"
            )
            try Self.kubeconfig(of: server, try KubernetesTestbed.find())
                .write(to: file, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(at: file) }
            let process = ControllerProcess([
                "--kubeconfig=\(file.path)", "--leader-elect", "--leader-election-namespace=default",
            ])
            async let end = process.run()
            let probes = try await process.address(for: "probes")
            try await process.first { $0["msg"]?.string?.hasPrefix("waiting for the API server: it does not serve") }
            // It says so in its log a moment before.
            var refused = try await HTTPAnswer("http://\(probes)/readyz")
            while !refused.body.contains("batchsandboxes.sandbox.opensandbox.io") {
                #expect(refused.status == 500)
                try await Task.sleep(for: .milliseconds(20))
                refused = try await HTTPAnswer("http://\(probes)/readyz")
            }
            #expect(refused.status == 500)
            #expect(try await HTTPAnswer("http://\(probes)/healthz").status == 200)

            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            try await withKubeClient(KubeClientConfiguration(Kubeconfig.load(files: [file.path])), logger: logger) {
                client in
                for plural in DeployedDefinition.openSandbox {
                    _ = try await client.resource().create(DeployedDefinition(plural).definition)
                }
            }
            try await process.said("leading")
            #expect(try await HTTPAnswer("http://\(probes)/readyz").status == 200)

            try await server.kill()
            #expect(try await end == .exited(1), "\(process.text)")
            #expect(process.text.contains("is not the leader any more"))
        }
    }

    static func kubeconfig(of server: APIServerDaemon, _ testbed: KubernetesTestbed) -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: own
        contexts: [{name: own, context: {cluster: own, user: own}}]
        clusters: [{name: own, cluster: {server: "https://\(server.authority)", certificate-authority: \(testbed.authority)}}]
        users: [{name: own, user: {client-certificate: \(testbed.certificate), client-key: \(testbed.key)}}]
        """
    }
}

extension TestNamespace {
    /// A token of a service account of this namespace.
    func token(of account: String) async throws -> String {
        let request =
            #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}"#
        let path = "/api/v1/namespaces/\(name)/serviceaccounts/\(account)/token"
        let answer = try JSONValue(json: try await kubectl("create", "--raw", path, "--filename", "-", input: request))
        guard let token = answer["status"]?["token"]?.string else {
            throw ControllerProcess.Failure(description: "no token in \(answer)")
        }
        return token
    }
}
