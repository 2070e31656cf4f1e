// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import Logging
import PrometheusMetrics
import SandboxModels
import TestSupport
import Testing

/// What `deploy/` makes of a cluster.
@Suite("The deployment")
struct DeploymentTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// `deploy/controller` in a namespace of a test's own, without pods.
    private static func withDeployment(
        _ body: (_ namespace: TestNamespace, _ folder: String, _ account: String) async throws -> Void
    ) async throws {
        try await KubernetesTestbed.defineOpenSandbox()
        try await KubernetesTestbed.find().withNamespace { namespace in
            let folder = FileManager.default.temporaryDirectory.appending(path: "stasis-deploy-\(namespace.name)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let root = URL(fileURLWithPath: #filePath).appending(path: "../../../..").standardized.path
            let up = String(repeating: "../", count: folder.standardized.pathComponents.count - 1)
            let files = [
                "kustomization.yaml": """
                namespace: \(namespace.name)
                namePrefix: \(namespace.name)-
                bases: [\(up)\(root.dropFirst())/deploy/controller]
                patchesStrategicMerge: [no-pods.yaml]
                """,
                "no-pods.yaml": """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: stasis-controller, namespace: stasis-system}
                spec: {replicas: 0}
                """,
            ]
            for (name, text) in files {
                try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
            }
            do {
                try await namespace.testbed.kubectl("apply", "-k", folder.path)
                try await body(namespace, folder.path, "\(namespace.name)-stasis-controller")
            } catch {
                _ = try? await namespace.testbed.kubectl(
                    "delete",
                    "-k",
                    folder.path,
                    "--wait=false",
                    "--ignore-not-found"
                )
                throw error
            }
            try await namespace.testbed.kubectl("delete", "-k", folder.path, "--wait=false", "--ignore-not-found")
        }
    }

    @Test("applied again, it changes nothing; the definitions are taken, and the example is one")
    func idempotence() async throws {
        try await Self.withDeployment { namespace, folder, _ in
            let again = try await namespace.testbed.kubectl("apply", "-k", folder).split(separator: "\n")
            #expect(again.count == 12)
            #expect(again.allSatisfy { $0.hasSuffix(" unchanged") }, "\(again)")
            let root = URL(fileURLWithPath: #filePath).appending(path: "../../../..").standardized.path
            let definitions = try await namespace.testbed.kubectl(
                "apply",
                "-k",
                "\(root)/deploy/crds",
                "--dry-run=server"
            )
            #expect(definitions.split(separator: "\n").count == 3)
            let whole = try await namespace.testbed.kubectl("kustomize", "\(root)/deploy")
            #expect(whole.contains("kind: CustomResourceDefinition") && whole.contains("kind: Deployment"))
            let example = try await namespace.testbed.kubectl("kustomize", "\(root)/deploy/overlays/example")
            #expect(example.contains("image: registry.example.com/stasis/stasis-controller:"))
            #expect(example.contains("snapshot-registry: registry.example.com/sandboxes"))
        }
    }

    @Test("the configuration in it is one that the controller takes", arguments: ["controller", "overlays/example"])
    func configuration(_ folder: String) throws {
        let root = URL(fileURLWithPath: #filePath).appending(path: "../../../..").standardized
        let file = root.appending(path: "deploy/\(folder)/controller.yaml").path
        let request = try ControllerOptions.load(arguments: ["--config=\(file)"], environment: [:]) { path in
            try String(contentsOfFile: path, encoding: .utf8)
        }
        guard case .work(let options, _) = request else {
            Issue.record("it asks for something else")
            return
        }
        #expect(options.isLeaderElected)
        #expect(options.metricsAddress?.port == 8443)
        #expect(options.isMetricsSecure)
    }

    /// What its account may, `true`, and may not, `false`: verb and resource, in all namespaces if not in a given one.
    private static let rights: [(String, Bool)] = [
        ("list batchsandboxes.sandbox.opensandbox.io", true), ("watch batchsandboxes.sandbox.opensandbox.io", true),
        ("patch batchsandboxes.sandbox.opensandbox.io", true),
        ("patch batchsandboxes.sandbox.opensandbox.io --subresource=status", true),
        ("update batchsandboxes.sandbox.opensandbox.io --subresource=finalizers", true),
        ("create batchsandboxes.sandbox.opensandbox.io", false),
        ("delete batchsandboxes.sandbox.opensandbox.io", false),
        ("create sandboxsnapshots.sandbox.opensandbox.io", true),
        ("delete sandboxsnapshots.sandbox.opensandbox.io", true),
        ("list pools.sandbox.opensandbox.io", true), ("patch pools.sandbox.opensandbox.io", false),
        ("create pods", true), ("delete pods", true), ("update pods", false), ("patch pods", false),
        ("create pods --subresource=exec", true), ("get pods --subresource=exec", true),
        ("get pods --subresource=log", false), ("get runtimeclasses.node.k8s.io", true),
        ("create pods --subresource=attach", false), ("create pods --subresource=portforward", false),
        ("create jobs.batch", true), ("delete jobs.batch", true), ("patch jobs.batch", false),
        ("create events", true), ("patch events", true), ("list events", false),
        ("get secrets/registry-snapshot-push-secret", true), ("get secrets/registry-pull-secret", true),
        ("get secrets/another", false), ("get secrets", false), ("list secrets", false), ("create secrets", false),
        ("get configmaps", false), ("create configmaps", false), ("get nodes", false), ("list namespaces", false),
        ("create serviceaccounts --subresource=token", false), ("impersonate users", false),
        ("create clusterrolebindings.rbac.authorization.k8s.io", false),
        ("escalate clusterroles.rbac.authorization.k8s.io", false),
        ("create deployments.apps", false), ("create daemonsets.apps", false),
        ("create tokenreviews.authentication.k8s.io", true), ("create subjectaccessreviews.authorization.k8s.io", true),
        ("get customresourcedefinitions.apiextensions.k8s.io/batchsandboxes.sandbox.opensandbox.io", true),
        ("patch customresourcedefinitions.apiextensions.k8s.io/batchsandboxes.sandbox.opensandbox.io", false),
        ("get leases.coordination.k8s.io/2fa1c467.opensandbox.io", false),
        ("get leases.coordination.k8s.io/2fa1c467.opensandbox.io --namespace=OWN", true),
        ("update leases.coordination.k8s.io/2fa1c467.opensandbox.io --namespace=OWN", true),
        ("create leases.coordination.k8s.io --namespace=OWN", true),
        ("update leases.coordination.k8s.io/another --namespace=OWN", false),
        ("delete leases.coordination.k8s.io/2fa1c467.opensandbox.io --namespace=OWN", false),
    ]

    @Test("its account may do what it must, and no more")
    func rights() async throws {
        try await Self.withDeployment { namespace, _, account in
            for (right, isAllowed) in Self.rights {
                let words = right.replacing("OWN", with: namespace.name).split(separator: " ").map(String.init)
                // Somewhere else than where it is installed.
                let place = right.contains("--namespace") ? [] : ["--namespace=default"]
                let user = "--as=system:serviceaccount:\(namespace.name):\(account)"
                // The exit status of a "no" is 1.
                let answer = try? await namespace.testbed.kubectl(["auth", "can-i", user] + place + words)
                #expect((answer?.hasSuffix("yes") ?? false) == isAllowed, "\(right)")
            }
        }
    }

    @Test("with its account's token alone a sandbox runs, is paused and resumed")
    func lifeWithToken() async throws {
        try await Self.withDeployment { namespace, _, account in
            let administrator = try KubeClientConfiguration(Kubeconfig.load(files: [namespace.testbed.kubeconfig]))
            var own = administrator
            own.credentials = KubeCredentials(token: .literal(try await namespace.token(of: account)))
            var options = ControllerOptions()
            options.probeAddress = nil
            // Others' sandboxes are not this test's. That all may be listed is asked above.
            options.namespaces = [namespace.name]
            options.isLeaderElected = true
            options.leaderElectionNamespace = namespace.name
            options.sandboxes.registry = "registry.example/sandboxes"
            let (configuration, settings) = (own, options)
            let provider = InstantProvider()
            let registry = PrometheusRegistry.forController()
            try await withKubeClient(administrator, logger: Self.logger) { client in
                let cluster = SandboxCluster(
                    namespace: namespace.name,
                    client: client,
                    testbed: namespace.testbed,
                    provider: provider,
                    jobs: nil,
                    registry: options.sandboxes.registry,
                    sandboxes: client.resource(in: .named(namespace.name)),
                    pods: client.resource(in: .named(namespace.name)),
                    snapshots: client.resource(in: .named(namespace.name)),
                    image: namespace.testbed.busybox,
                    secrets: client.resource(in: .named(namespace.name))
                )
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await withKubeClient(configuration, metrics: registry, logger: Self.logger) { client in
                            try await ControllerManager(
                                client: client,
                                options: settings,
                                provider: provider,
                                registry: registry,
                                logger: Self.logger
                            ).run(endingOn: [])
                        }
                    }
                    group.addTask {
                        try await cluster.create("box")
                        try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                        try await cluster.setPause(true, of: "box")
                        try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                        try await cluster.setPause(false, of: "box")
                        try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                    }
                    try await group.next()
                    group.cancelAll()
                }
            }
            #expect(provider.calls == ["capture", "seal", "release", "forget"])
            // Nothing was refused, not even what is only told.
            let metrics = registry.text()
            #expect(!metrics.contains("code=\"403\""))
            #expect(metrics.contains("stasis_sandbox_transitions_total{from=\"pausing\",to="))
            let events = try await namespace.kubectl("get", "events", "--output", "jsonpath={.items[*].reason}")
            #expect(events.split(separator: " ").contains("Paused"))
        }
    }

    @Test("the program with its account's token captures by a Job, and resumes")
    func programWithToken() async throws {
        try await Self.withDeployment { namespace, folder, account in
            let testbed = namespace.testbed
            let jobs = try await CommitJobSettings(of: testbed)
            let token = try await namespace.token(of: account)
            let kubeconfig = "\(folder)/kubeconfig"
            try """
            apiVersion: v1
            kind: Config
            current-context: own
            contexts: [{name: own, context: {cluster: own, user: own}}]
            clusters: [{name: own, cluster: {server: "\(testbed.api)", certificate-authority: \(testbed.authority)}}]
            users: [{name: own, user: {token: \(token)}}]
            """.write(toFile: kubeconfig, atomically: true, encoding: .utf8)
            let flags = [
                "--kubeconfig=\(kubeconfig)", "--watch-namespaces=\(namespace.name)", "--leader-elect",
                "--leader-election-namespace=\(namespace.name)", "--metrics-bind-address=127.0.0.1:0",
                "--metrics-secure=false",
                "--snapshot-registry=\(testbed.registry)/\(namespace.name)", "--image-committer-image=\(jobs.image)",
                "--containerd-socket-path=\(jobs.containerdSocket)", "--containerd-root=\(jobs.containerdRoot ?? "")",
            ]
            let administrator = try KubeClientConfiguration(Kubeconfig.load(files: [testbed.kubeconfig]))
            try await withKubeClient(administrator, logger: Self.logger) { client in
                let cluster = SandboxCluster(
                    namespace: namespace.name,
                    client: client,
                    testbed: namespace.testbed,
                    provider: InstantProvider(),
                    jobs: jobs,
                    registry: "\(testbed.registry)/\(namespace.name)",
                    sandboxes: client.resource(in: .named(namespace.name)),
                    pods: client.resource(in: .named(namespace.name)),
                    snapshots: client.resource(in: .named(namespace.name)),
                    image: testbed.busybox,
                    secrets: client.resource(in: .named(namespace.name))
                )
                try await ControllerProcess.run(flags) { process in
                    let metrics = try await process.address(for: "metrics")
                    try await cluster.create("box")
                    try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                    try await namespace.shell("box-0", "echo kept >/note")
                    try await cluster.setPause(true, of: "box")
                    try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                    try await cluster.setPause(false, of: "box")
                    try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                    #expect(try await namespace.shell("box-0", "cat /note") == "kept")
                    let told = try await HTTPAnswer("http://\(metrics)/metrics").body
                    #expect(!told.contains("code=\"403\""), "\(process.text)")
                    #expect(told.contains("stasis_sandbox_frozen_seconds_count 1\n"))
                }
            }
        }
    }
}
