// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import Logging
import OCIRegistry
import Provenance
import SandboxModels
import Subprocess
import TestSupport
import Testing

@testable import Controller

/// Real faults of a real cluster, each found and named.
@Suite("The doctor on a cluster")
struct DoctorTests {
    @Test("finds a sound one sound, nodes included, and leaves nothing there", .timeLimit(.minutes(10)))
    func soundCluster() async throws {
        try await KubernetesTestbed.defineOpenSandbox()
        let testbed = try KubernetesTestbed.find()
        let jobs = try await CommitJobSettings(of: testbed)
        try await testbed.withNamespace { namespace in
            let flags = [
                "--kubeconfig=\(testbed.kubeconfig)", "--watch-namespaces=\(namespace.name)", "--leader-elect",
                "--leader-election-namespace=\(namespace.name)",
                "--snapshot-registry=\(testbed.registry)/\(namespace.name)", "--image-committer-image=\(jobs.image)",
                "--containerd-socket-path=\(jobs.containerdSocket)",
            ]
            try await ControllerProcess.run(flags) { controller in
                try await controller.said("leading")
                let root = "--containerd-root=\(jobs.containerdRoot ?? "")"
                let sound = try await Self.run(flags + [root, "--nodes", "--output=json"], until: .exited(0)) { text in
                    text.contains(#""node-access""#) && !text.contains("none is ready")
                }
                let report = try JSONValue(json: sound)
                #expect(report["problems"]?.integer == 0)
                let findings = report["findings"]?.array ?? []
                for check in ["api-server", "clocks", "definitions", "controllers", "registry", "nodes", "node-access"]
                {
                    let isOk = findings.contains { $0["check"]?.string == check && $0["outcome"] == "ok" }
                    #expect(isOk, "\(check): \(sound)")
                }

                // Where containerd's root is not, commit Jobs would wait for ever.
                let wrong = ["--containerd-root=/nowhere", "--nodes", "--output=text"]
                let found = try await Self.run(flags + wrong, until: .exited(1)) { $0.contains("NodeCheckStuck") }
                #expect(found.contains("problem      NodeCheckStuck: node \(testbed.node)"), "\(found)")
                #expect(found.contains("FailedMount"), "\(found)")
                #expect(try await namespace.kubectl("get", "jobs", "--output", "name").isEmpty)
                let tags = try await HTTPAnswer(
                    "http://\(testbed.registry)/v2/\(namespace.name)/stasis-doctor/tags/list"
                )
                #expect(tags.status == 404)
            }
        }
    }

    @Test("wrong flags, and a cluster that is not there")
    func misuse() async throws {
        let wrong = ControllerProcess(["--output=yaml"], command: "doctor")
        #expect(try await wrong.run() == .exited(64))
        #expect(wrong.text.contains("--output: 'yaml' is not text or json."))
        let unknown = ControllerProcess(["--nods"], command: "doctor")
        #expect(try await unknown.run() == .exited(64))
        let nowhere = ControllerProcess(["--kubeconfig=/nowhere/at/all"], command: "doctor")
        #expect(try await nowhere.run() == .exited(1))
        #expect(nowhere.text.contains("There is no way to the cluster"))
    }

    @Test(
        "names a Secret that is missing, of another type, without a login or with a wrong one",
        .timeLimit(.minutes(5))
    )
    func secrets() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            let login = try String(contentsOfFile: cluster.testbed.login, encoding: .utf8)
            var options = Self.options(cluster.namespace, cluster.testbed)
            options.sandboxes.registry = "\(cluster.testbed.loginRegistry)/\(cluster.namespace)"
            options.commitJob.pushSecret = "push"
            options.commitJob.pullSecret = "push"
            func reasons() async -> Set<DoctorReason> {
                await Self.report(cluster, options).reasons(of: [.secrets, .registry])
            }
            #expect(await reasons() == [.secretMissing, .registryPlain])
            _ = try await cluster.secrets.create(
                .with {
                    $0.metadata.name = "push"
                    $0.data = [".dockerconfigjson": Base64Bytes(login)]
                }
            )
            #expect(await reasons() == [.secretInvalid, .registryPlain])
            try await cluster.setSecret("push", login: #"{"auths": {"registry.example": {"auth": "Ym94Ong="}}}"#)
            #expect(await reasons() == [.secretWithoutLogin, .registryPlain])
            let wrong = #"{"auths": {"\#(cluster.testbed.loginRegistry)": {"auth": "Ym94Ong="}}}"#
            try await cluster.setSecret("push", login: wrong)
            #expect(await reasons() == [.registryLoginRefused, .registryPlain])
            try await cluster.setSecret("push", login: login)
            #expect(await reasons().subtracting([.registryKeepsImages]) == [.registryPlain])
            options.commitJob.signingSecret = "push"
            #expect(await reasons().contains(.signingKeyMissing))
            options.commitJob.verification = .require
            options.commitJob.verificationKeys = ["/nowhere/key.pem"]
            #expect(await reasons().contains(.verificationKeysUnusable))
        }
    }

    @Test("names a registry that is not set, not there, or deletes nothing; nothing is left in one")
    func registries() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            func reasons(_ registry: String) async -> Set<DoctorReason> {
                var options = Self.options(cluster.namespace, cluster.testbed)
                options.sandboxes.registry = registry
                return await Self.report(cluster, options).reasons(of: [.registry])
            }
            #expect(await reasons("") == [.registryNotConfigured])
            #expect(await reasons("https://registry.example/x") == [.registryInvalid])
            #expect(await reasons("127.0.0.1:\(try FreePort.find())/x") == [.registryUnreachable])
            try await DockerRegistry.run(deletes: false) { registry in
                #expect(await reasons("\(registry.authority)/x") == [.registryKeepsImages])
                let unfinished = try registry.unfinishedUploads()
                #expect(unfinished.isEmpty)
            }
            try await DockerRegistry.run { registry in
                #expect(await reasons("\(registry.authority)/x") == [])
                let unfinished = try registry.unfinishedUploads()
                #expect(unfinished.isEmpty)
                let catalogue = try await HTTPAnswer("http://\(registry.authority)/v2/_catalog")
                #expect(try JSONValue(json: catalogue.body)["repositories"]?.array?.isEmpty == true)
            }
        }
    }

    @Test("names sandboxes that cannot be paused, captures that do not end, and images that are gone")
    func objects() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            let runtime = "doctor-\(cluster.namespace)"
            let classes = cluster.client.resource(RuntimeClass.self)
            _ = try await classes.create(
                .with {
                    $0.metadata.name = runtime
                    $0.handler = "runsc"
                }
            )
            do {
                try await cluster.create("opaque") { $0.spec.runtimeClassName = runtime }
                try await cluster.create("strict") {
                    $0.spec.containers[0].livenessProbe = .with {
                        $0.exec = RawJSON(["command": ["/bin/true"]])
                        $0.failureThreshold = 1
                    }
                }
                try await cluster.create("nowhere") { $0.spec.runtimeClassName = "nowhere-\(cluster.namespace)" }
                try await cluster.create("held") { _ in
                } finally: {
                    $0.metadata.finalizers = [OpenSandbox.Finalizer.sandboxCleanup]
                }
                try await Self.makeSnapshot("slow", in: cluster) {
                    $0.phase = .committing
                    $0.startTime = Timestamp("2020-01-01T00:00:00Z")
                }
                try await Self.makeSnapshot("lost", in: cluster) {
                    $0.phase = .succeed
                    $0.conditions = [AuditFinding.missing("gone").condition(generation: 1, now: Timestamp(Date()))]
                }
                var options = Self.options(cluster.namespace, cluster.testbed)
                options.isLeaderElected = true
                options.leaderElectionNamespace = cluster.namespace
                let report = await Self.report(cluster, options)
                let expected: Set<DoctorReason> = [
                    .runtimeClassOpaque, .runtimeClassMissing, .captureOverdue, .artifactMissing, .controllerAbsent,
                    .finalizersLeft, .livenessProbeTooStrict,
                ]
                let found = report.reasons(of: [.runtimeClasses, .probes, .leftovers, .artifacts, .controllers])
                #expect(found.subtracting([.controllersElsewhere]) == expected, "\(report.text)")
                for name in ["opaque", "strict", "nowhere", "held", "slow", "lost"] {
                    #expect(report.text.contains("\(cluster.namespace)/\(name)"), "\(report.text)")
                }
            } catch {
                _ = try? await classes.delete(runtime)
                throw error
            }
            _ = try await classes.delete(runtime)
        }
    }

    @Test("names controllers that work with a lease elsewhere")
    func leases() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            try await cluster.testbed.withNamespace { other in
                for namespace in [cluster.namespace, other.name] {
                    _ = try await cluster.client.resource(Lease.self, in: .named(namespace)).create(
                        .with {
                            $0.metadata.name = ControllerManager.leaseName
                            $0.spec.holderIdentity = "controller_of_\(namespace)"
                            $0.spec.leaseDurationSeconds = 3600
                            $0.spec.renewTime = MicroTime(Date())
                        }
                    )
                }
                var options = Self.options(cluster.namespace, cluster.testbed)
                options.isLeaderElected = true
                options.leaderElectionNamespace = cluster.namespace
                let report = await Self.report(cluster, options)
                let text = report.text
                #expect(text.contains("ControllersElsewhere: namespace \(other.name)"), "\(text)")
                #expect(text.contains("controller_of_\(cluster.namespace) works"), "\(text)")
                #expect(!report.reasons(of: [.controllers]).contains(.controllerAbsent))
            }
        }
    }

    // MARK: - Parts

    /// Asks the doctor until it ends and answers as is wanted: another test may have stopped the kubelet for a while.
    private static func run(
        _ flags: [String],
        until status: TerminationStatus,
        _ isSo: (String) -> Bool
    ) async throws -> String {
        var last = ""
        for _ in 0..<20 {
            let doctor = ControllerProcess(flags, command: "doctor")
            let end = try await doctor.run()
            last = doctor.text
            if end == status, isSo(last) { return last }
            try await Task.sleep(for: .seconds(2))
        }
        Issue.record("it did not end with \(status): \(last)")
        return last
    }

    /// Flags with which all is well in a namespace.
    static func options(_ namespace: String, _ testbed: KubernetesTestbed) -> ControllerOptions {
        var options = ControllerOptions()
        options.namespaces = [namespace]
        options.sandboxes.registry = "\(testbed.registry)/\(namespace)"
        options.commitJob.image = "\(testbed.registry)/stasis/nothing:1"
        return options
    }

    static func report(
        _ cluster: SandboxCluster,
        _ options: ControllerOptions,
        _ settings: DoctorOptions = DoctorOptions()
    ) async -> DoctorReport {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return await Doctor(client: cluster.client, options: options, settings: settings, logger: logger).report()
    }

    private static func makeSnapshot(
        _ name: String,
        in cluster: SandboxCluster,
        _ configure: (inout SandboxSnapshotStatus) -> Void
    ) async throws {
        _ = try await cluster.snapshots.create(
            .with {
                $0.metadata.name = name
                $0.spec.sandboxName = "box"
            }
        )
        let status = SandboxSnapshotStatus.with(configure)
        let patch = MergePatch(["status": try JSONValue(encoding: status)])
        _ = try await cluster.snapshots.patch(name, .merge(patch), subresource: .status)
    }
}

extension DoctorReport {
    /// What is not in order in some checks.
    func reasons(of checks: Set<DoctorCheck>) -> Set<DoctorReason> {
        Set(findings.filter { checks.contains($0.check) && $0.outcome != .unchecked }.compactMap(\.reason))
    }
}
