// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import OCIRegistry
import PrometheusMetrics
import SandboxModels
import TestSupport
import Testing

/// What `deploy/` makes of a cluster.
@Suite("The deployment")
struct DeploymentTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// `deploy/controller` in a namespace of a test's own.
    ///
    /// - Parameters:
    ///   - change: What the Deployment's specification has instead, by default no pods.
    ///   - configuration: The file of flags, if not the one that is there.
    ///   - image: Name and tag of the controller's image.
    ///   - others: Further folders of `deploy/`.
    private static func withDeployment(
        changing change: String = "{replicas: 0}",
        configuration: @Sendable (TestNamespace) -> String? = { _ in nil },
        image: (name: String, tag: String)? = nil,
        beside others: [String] = [],
        _ body: (_ namespace: TestNamespace, _ folder: String, _ account: String) async throws -> Void
    ) async throws {
        try await KubernetesTestbed.defineOpenSandbox()
        try await KubernetesTestbed.find().withNamespace { namespace in
            let folder = FileManager.default.temporaryDirectory.appending(path: "stasis-deploy-\(namespace.name)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let root = URL(fileURLWithPath: #filePath).appending(path: "../../../..").standardized.path
            let up = String(repeating: "../", count: folder.standardized.pathComponents.count - 1)
            let bases = (["controller"] + others).map { "\(up)\(root.dropFirst())/deploy/\($0)" }
            var kustomization = """
                namespace: \(namespace.name)
                namePrefix: \(namespace.name)-
                bases: [\(bases.joined(separator: ", "))]
                patchesStrategicMerge: [change.yaml]
                """
            var files = [
                "change.yaml": """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: stasis-controller, namespace: stasis-system}
                spec: \(change)
                """
            ]
            if let image {
                kustomization += "\nimages: [{name: stasis-controller, newName: \(image.name), newTag: \(image.tag)}]"
            }
            if let flags = configuration(namespace) {
                kustomization += """
                    \nconfigMapGenerator:
                    - {name: stasis-controller, namespace: stasis-system, behavior: replace, files: [controller.yaml]}
                    """
                files["controller.yaml"] = flags
            }
            files["kustomization.yaml"] = kustomization
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
            #expect(again.count == 14)
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
            let kruise = try await namespace.testbed.kubectl("kustomize", "\(root)/deploy/kruise")
            #expect(kruise.contains("name: sandboxes.agents.kruise.io") && kruise.contains("kind: ClusterRoleBinding"))
            let agents = try await namespace.testbed.kubectl("kustomize", "\(root)/deploy/agent-sandbox")
            // Definitions and controller are upstream's.
            #expect(!agents.contains("kind: CustomResourceDefinition") && agents.contains("kind: ClusterRoleBinding"))
            #expect(!agents.contains("sandboxes/status"))
            let admission = try await namespace.testbed.kubectl("kustomize", "\(root)/deploy/agent-sandbox/admission")
            #expect(admission.contains("kind: ValidatingAdmissionPolicyBinding"))
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
        ("delete batchsandboxes.sandbox.opensandbox.io", true),
        ("create sandboxsnapshots.sandbox.opensandbox.io", true),
        ("delete sandboxsnapshots.sandbox.opensandbox.io", true),
        ("get pools.sandbox.opensandbox.io", true), ("list pools.sandbox.opensandbox.io", true),
        ("watch pools.sandbox.opensandbox.io", true), ("patch pools.sandbox.opensandbox.io", true),
        ("patch pools.sandbox.opensandbox.io --subresource=status", true),
        ("update pools.sandbox.opensandbox.io --subresource=finalizers", true),
        ("create pools.sandbox.opensandbox.io", false), ("delete pools.sandbox.opensandbox.io", false),
        ("create pods", true), ("delete pods", true), ("update pods", false), ("patch pods", true),
        ("patch pods --subresource=status", false),
        ("create pods --subresource=exec", true), ("get pods --subresource=exec", true),
        ("get pods --subresource=log", false), ("get runtimeclasses.node.k8s.io", true),
        ("create pods --subresource=attach", false), ("create pods --subresource=portforward", false),
        ("get sandboxsnapshots.sandbox.opensandbox.io", true), ("get jobs.batch", false),
        ("create jobs.batch", true), ("delete jobs.batch", true), ("patch jobs.batch", false),
        ("create events", true), ("patch events", true), ("list events", false),
        ("get secrets/registry-snapshot-push-secret", true), ("get secrets/registry-pull-secret", true),
        ("get secrets/another", false), ("get secrets", false), ("list secrets", false), ("create secrets", false),
        ("get configmaps/pool-assign-profiles", false),
        ("get configmaps/pool-assign-profiles --namespace=OWN", true),
        ("list configmaps/pool-assign-profiles --namespace=OWN", true),
        ("watch configmaps/pool-assign-profiles --namespace=OWN", true),
        ("patch configmaps/pool-assign-profiles --namespace=OWN", false),
        ("list configmaps --namespace=OWN", false), ("get configmaps/another --namespace=OWN", false),
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
        try await Self.withManager { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.setPause(true, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
        } finding: { events in
            #expect(events.contains("Paused"))
        }
    }

    @Test("with what is deployed for the Kruise dialect its account may do what that takes")
    func lifeOfKruiseWithToken() async throws {
        try await KubernetesTestbed.defineKruise()
        try await Self.withManager(dialects: [.openSandbox, .kruise], beside: ["kruise/controller"]) { cluster in
            let kruise = KruiseCluster(cluster)
            let claim: JSONValue = [
                "metadata": ["name": "data"], "spec": ["resources": ["requests": ["storage": "1Mi"]]],
            ]
            let claims = [RawJSON(claim)]
            // No volume will ever be found for it, so its pod stays Pending.
            try await kruise.create("stuck") { $0.spec.volumeClaimTemplates = claims }
            try await kruise.create("box")
            try await kruise.waitUntilReady("box")
            try await kruise.setPaused(true, of: "box")
            try await kruise.waitUntilPaused("box")
            try await kruise.setPaused(false, of: "box")
            try await kruise.waitUntilReady("box")
            _ = try await cluster.wait(in: kruise.claims, for: "data-stuck") { $0.object }
            try await kruise.edit("box", ["spec": ["shutdownTime": "2020-01-01T00:00:00Z"]])
            try await cluster.waitUntilGone(in: kruise.sandboxes, "box")
        } finding: { events in
            #expect(events.contains("SandboxPaused"))
        }
    }

    @Test("with what is deployed for the AgentSandbox dialect its account may do what that takes, and writes no status")
    func lifeOfAgentSandboxWithToken() async throws {
        try await KubernetesTestbed.defineAgentSandbox()
        let others = ["agent-sandbox/controller"]
        try await Self.withManager(dialects: [.openSandbox, .agentSandbox], beside: others) { cluster in
            let agents = AgentSandboxCluster<AgentSandboxV1Beta1>(cluster)
            try await agents.withUpstream {
                try await agents.create("box")
                try await agents.waitUntilReady("box")
                try await agents.setSuspend(true, of: "box")
                try await agents.waitUntilSuspended("box")
                try await agents.setSuspend(false, of: "box")
                try await agents.waitUntilResumed("box")
                #expect(try await agents.isStatusUpstreams(of: "box"))
            }
        } finding: { events in
            #expect(events.contains("Suspended"))
        }
    }

    /// Runs `body` while a controller works with the token of its account alone, and sees to it that nothing was refused to it.
    private static func withManager(
        dialects: Set<SandboxDialect> = [.openSandbox],
        beside others: [String] = [],
        _ body: @escaping @Sendable (SandboxCluster) async throws -> Void,
        finding check: (_ events: Set<String>) -> Void
    ) async throws {
        try await withDeployment(beside: others) { namespace, _, account in
            let administrator = try KubeClientConfiguration(Kubeconfig.load(files: [namespace.testbed.kubeconfig]))
            var own = administrator
            own.credentials = KubeCredentials(token: .literal(try await namespace.token(of: account)))
            var options = ControllerOptions()
            options.probeAddress = nil
            // Others' sandboxes are not this test's. That all may be listed is asked above.
            options.namespaces = [namespace.name]
            options.isLeaderElected = true
            options.leaderElectionNamespace = namespace.name
            options.sandboxes.dialects = dialects
            options.sandboxes.ownNamespace = namespace.name
            options.sandboxes.registry = "registry.example/sandboxes"
            let (configuration, settings) = (own, options)
            let provider = InstantProvider()
            let registry = PrometheusRegistry.forController()
            try await withKubeClient(administrator, logger: logger) { client in
                let cluster = cluster(namespace, client, provider, registry: settings.sandboxes.registry)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await withKubeClient(configuration, metrics: registry, logger: logger) { client in
                            try await ControllerManager(
                                client: client,
                                options: settings,
                                providers: SnapshotProviders(provider),
                                registry: registry,
                                logger: logger
                            ).run(endingOn: [])
                        }
                    }
                    group.addTask { try await body(cluster) }
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
            check(Set(events.split(separator: " ").map(String.init)))
        }
    }

    /// The namespace of a deployment as one in which there are sandboxes.
    private static func cluster(
        _ namespace: TestNamespace,
        _ client: KubeClient,
        _ provider: InstantProvider = InstantProvider(),
        jobs: CommitJobSettings? = nil,
        registry: String
    ) -> SandboxCluster {
        SandboxCluster(
            namespace: namespace.name,
            client: client,
            testbed: namespace.testbed,
            provider: provider,
            jobs: jobs,
            registry: registry,
            sandboxes: client.resource(in: .named(namespace.name)),
            pods: client.resource(in: .named(namespace.name)),
            snapshots: client.resource(in: .named(namespace.name)),
            image: namespace.testbed.busybox,
            secrets: client.resource(in: .named(namespace.name))
        )
    }

    @Test("its pods become ready, pause and resume a sandbox, and go on after an upgrade", .timeLimit(.minutes(15)))
    func lifeInPods() async throws {
        let testbed = try KubernetesTestbed.find()
        let jobs = try await CommitJobSettings(of: testbed)
        let image = try ImageReference(parsing: try await testbed.pushProgram("stasis-controller"))
        let name = "\(image.domain)/\(image.repository)"
        let versions = (0..<2).map { _ in "v\(UInt32.random(in: 0 ... .max))" }
        let administrator = try KubeClientConfiguration(Kubeconfig.load(files: [testbed.kubeconfig]))
        var registries = RegistryConfiguration()
        registries.plainHTTP.hosts = [testbed.registry]
        try await withRegistryClient(registries, logger: Self.logger) { registry in
            let repository = registry.repository(image)
            let manifest = try await repository.manifest(image.manifestReference)
            for version in versions {
                _ = try await repository.putManifest(manifest.bytes, mediaType: manifest.mediaType, as: .tag(version))
            }
        }
        let configuration: @Sendable (TestNamespace) -> String? = { namespace in
            """
            leader-elect: true
            health-probe-bind-address: ":8081"
            metrics-bind-address: ":8443"
            zap-encoder: json
            watch-namespaces: \(namespace.name)
            snapshot-registry: \(testbed.registry)/\(namespace.name)
            image-committer-image: \(jobs.image)
            containerd-socket-path: \(jobs.containerdSocket)
            containerd-root: \(jobs.containerdRoot ?? "")
            """
        }
        // What is built for debugging needs more memory.
        let change = "{template: {spec: {containers: [{name: manager, resources: {limits: {memory: 2Gi}}}]}}}"
        try await Self.withDeployment(
            changing: change,
            configuration: configuration,
            image: (name, versions[0])
        ) { namespace, folder, _ in
            let deployment = "deployment/\(namespace.name)-stasis-controller"
            try await namespace.kubectl("rollout", "status", deployment, "--timeout=300s")
            try await withKubeClient(administrator, logger: Self.logger) { client in
                let registry = "\(testbed.registry)/\(namespace.name)"
                let cluster = Self.cluster(namespace, client, jobs: jobs, registry: registry)
                try await cluster.create("box")
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                try await namespace.shell("box-0", "echo kept >/note")
                try await cluster.setPause(true, of: "box")
                try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                try await Self.expectNothingRefused(namespace)
                try await Self.expectSound(namespace, deployment)

                // An upgrade while it is paused: the one that works tells the next one that it ends.
                let file = "\(folder)/kustomization.yaml"
                let old = try String(contentsOfFile: file, encoding: .utf8)
                try old.replacing(versions[0], with: versions[1])
                    .write(toFile: file, atomically: true, encoding: .utf8)
                try await namespace.testbed.kubectl("apply", "-k", folder)
                try await namespace.kubectl("rollout", "status", deployment, "--timeout=300s")
                try await cluster.setPause(false, of: "box")
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                #expect(try await namespace.shell("box-0", "cat /note") == "kept")
                let holder = try await namespace.field(
                    ".spec.holderIdentity",
                    of: "lease/\(ControllerManager.leaseName)"
                )
                let pods = try await Self.controllers(namespace)
                #expect(pods.count == 2)
                #expect(pods.allSatisfy { $0.spec.containers.first?.image == "\(name):\(versions[1])" })
                #expect(pods.contains { holder.hasPrefix($0.metadata.name) }, "\(holder)")
                try await Self.expectNothingRefused(namespace)
            }
        }
    }

    /// The doctor finds nothing wrong, asked as in docs/doctor.md: in the controller's pod, as its account.
    private static func expectSound(_ namespace: TestNamespace, _ deployment: String) async throws {
        let text = try await namespace.kubectl(
            "exec",
            deployment,
            "--",
            "stasis-controller",
            "doctor",
            "--config=/etc/stasis/controller.yaml",
            "--output=json"
        )
        let report = try JSONValue(json: text)
        #expect(report["problems"]?.integer == 0)
        let findings = report["findings"]?.array ?? []
        for check in ["permissions", "controllers", "registry", "artifacts"] {
            #expect(findings.contains { $0["check"]?.string == check && $0["outcome"] == "ok" }, "\(check): \(text)")
        }
    }

    /// The pods of the controller that are to stay.
    private static func controllers(_ namespace: TestNamespace) async throws -> [Pod] {
        let administrator = try KubeClientConfiguration(Kubeconfig.load(files: [namespace.testbed.kubeconfig]))
        return try await withKubeClient(administrator, logger: logger) { client in
            try await client.resource(Pod.self, in: .named(namespace.name)).list().items.filter {
                $0.metadata.labels["app.kubernetes.io/name"] == "stasis-controller"
                    && $0.metadata.deletionTimestamp == nil
            }
        }
    }

    /// The API server has refused the controllers nothing that they have asked for, as their metrics tell.
    private static func expectNothingRefused(_ namespace: TestNamespace) async throws {
        let token = try String(contentsOfFile: namespace.testbed.tokenFile, encoding: .utf8)
        var leaders = 0
        for pod in try await controllers(namespace) {
            let address = try #require(pod.status?.podIP)
            let login = token.trimmingCharacters(in: .whitespacesAndNewlines)
            let metrics = try await HTTPAnswer("https://\(address):8443/metrics", token: login).body
            #expect(metrics.contains("rest_client_requests_total{"))
            #expect(!metrics.contains("code=\"403\""), "\(pod.metadata.name)")
            if metrics.contains("leader_election_master_status{name=\"\(ControllerManager.leaseName)\"} 1") {
                leaders += 1
            }
        }
        #expect(leaders == 1)
    }
}
