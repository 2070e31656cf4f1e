// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SnapshotProvider

/// What commit Jobs find on the nodes, tried by a Job on each that makes the committer's own checks on its own container: the image is
/// pulled, containerd answers at its socket, filesystems can be read, and the registry takes uploads from there.
struct NodeAccessCheck: Sendable {
    /// How many nodes are looked at at a time.
    private static let width = 16
    /// Seconds that a Job may take.
    private static let deadline = 180
    private static let pause = Duration.seconds(1)
    /// What the cluster says of a pod that will not start. The kubelet tries again, but not with another outcome.
    private static let hopeless: Set = ["FailedMount", "FailedCreate"]
    private static let container = "doctor"

    let context: DoctorContext

    func findings() async throws -> [DoctorFinding] {
        guard context.settings.looksAtNodes else {
            return [
                .unchecked(
                    .nodeAccess,
                    "nodes",
                    "containerd's socket and root (\(settings.containerdSocket), \(settings.containerdRoot ?? "none")), its "
                        + "snapshotter and the way to the registry are seen on the nodes alone",
                    do: "Say --nodes: a Job looks at each, which takes some seconds and leaves nothing."
                )
            ]
        }
        let nodes = try await context.client.resource(Node.self).pages().collect().items
            .filter { $0.isReady && $0.canBeCommittedOn }.map(\.metadata.name).sorted()
        guard !nodes.isEmpty else {
            return [.unchecked(.nodeAccess, "nodes", "none is ready and has containerd")]
        }
        let namespace = context.sandboxNamespaces.first ?? context.client.configuration.namespace
        let jobs = NodeJobs(context.client, in: .named(namespace), logger: context.doctor.logger)
        return try await withThrowingTaskGroup(of: [DoctorFinding]?.self) { group in
            group.addTask {
                try await jobs.follow { _ in }
                return nil
            }
            group.addTask {
                let answers = await nodes.concurrentMap(width: Self.width) { node in
                    try await look(at: node, in: namespace, jobs)
                }
                return try answers.map { try $0.get() }.sorted { $0.subject < $1.subject }
            }
            defer { group.cancelAll() }
            while let found = try await group.next() {
                if let found { return found }
            }
            return []
        }
    }

    private var settings: CommitJobSettings { context.options.commitJob }

    private func look(at node: String, in namespace: String, _ jobs: NodeJobs) async throws -> DoctorFinding {
        let job = job(for: node, in: namespace)
        let finding: DoctorFinding
        do {
            finding = try await withTimeLimit(.seconds(Self.deadline)) {
                while true {
                    switch await jobs.perform(job) {
                    case .done(let end): return Self.judge(end, node: node)
                    case .failed(let failure): return Self.stuck(node, namespace, failure.message)
                    case .waiting: try await Task.sleep(for: Self.pause)
                    }
                    let events = await events(of: job)
                    if events.contains(where: { Self.hopeless.contains($0.reason ?? "") }) {
                        return Self.stuck(node, namespace, Self.told(events))
                    }
                }
            }
        } catch is TimeLimitExceeded {
            let events = Self.told(await events(of: job))
            finding = Self.stuck(node, namespace, "its pod has not ended in \(Self.deadline) s. \(events)")
        }
        _ = await jobs.remove(job)
        return finding
    }

    /// The Job, as one that commits is, but for what it does.
    private func job(for node: String, in namespace: String) -> NodeJob {
        let pod = CommitterPod(
            settings: settings,
            reads: true,
            needsRegistry: !context.options.sandboxes.registry.isEmpty
        )
        let target =
            context.options.sandboxes.registry.isEmpty
            ? "oci:/tmp/none:1" : "\(context.options.sandboxes.registry)/\(RegistryCheck.repository):preflight"
        let arguments = ["preflight", "$(POD_NAME)", "$(POD_NAMESPACE)", "\(Self.container):\(target)"]
        let container = pod.container(Self.container, arguments, reads: true) { container in
            container.env += [
                Self.field("POD_NAME", "metadata.name"), Self.field("POD_NAMESPACE", "metadata.namespace"),
                // What it prints says more.
                EnvVar("STASIS_TERMINATION_LOG", "/dev/null"),
            ]
            if settings.isRegistryInsecure { container.env.append(EnvVar("SNAPSHOT_REGISTRY_INSECURE", "true")) }
            if let mount = pod.credentialsMount { container.volumeMounts.append(mount) }
            container.terminationMessagePolicy = "FallbackToLogsOnError"
        }
        let name = "stasis-doctor-\(String(UInt32.random(in: 0 ... .max), radix: 36))"
        var job = NodeJob(name: name, in: namespace, deadline: Self.deadline, pod: pod.spec([container]))
        job.node = node
        return job
    }

    private static func field(_ name: String, _ path: String) -> EnvVar {
        .with {
            $0.name = name
            $0.unknownFields["valueFrom"] = RawJSON(JSONValue.object(["fieldRef": ["fieldPath": .string(path)]]))
        }
    }

    /// What the cluster has complained of about the Job and its pod, if that may be read.
    private func events(of job: NodeJob) async -> [CoreEvent] {
        let events = context.client.resource(CoreEvent.self, in: .named(job.namespace))
        let found = try? await events.list(ListOptions(fields: FieldQuery().and("type", equals: "Warning"))).items
        return (found ?? []).filter { $0.involvedObject.name?.hasPrefix(job.name) == true }
    }

    private static func told(_ events: [CoreEvent]) -> String {
        events.compactMap { event in event.message.map { "\(event.reason ?? ""): \($0)" } }.told(limit: 3)
    }

    // MARK: - Judgement

    private static func stuck(_ node: String, _ namespace: String, _ message: String) -> DoctorFinding {
        .fault(
            .nodeCheckStuck,
            "node \(node)",
            "the Job that should look at it in \(namespace) did not run: \(message)",
            do: "Commit Jobs will not run there either. See that the image can be pulled (image-committer-image), that "
                + "containerd-socket-path and containerd-root are those of the node, and that the namespace lets such pods be."
        )
    }

    /// The committer's checks that are about the node, and not about the committer's own image.
    private static let ofNode: Set = ["containerd", "container", "freeze", "filesystem", "target"]

    /// - Parameter end: How the committer ended, with the last lines that it has printed if it failed.
    static func judge(_ end: NodeJobEnd, node: String) -> DoctorFinding {
        let subject = "node \(node)"
        let good = "containerd answers, filesystems can be read, and the registry takes uploads from there"
        guard end.exitCode != 0 else { return .ok(.nodeAccess, subject, good) }
        let text = end.message ?? ""
        let lines = text.split(separator: "\n").compactMap { try? JSONValue(json: String($0)) }
        let failed = lines.filter { $0["status"]?.string == "failed" }
        let faults = failed.filter { ofNode.contains($0["check"]?.string ?? "") }
            .map { "\($0["check"]?.string ?? ""): \($0["message"]?.string ?? "")" }
        if faults.isEmpty, !failed.isEmpty { return .ok(.nodeAccess, subject, good) }
        let told = faults.isEmpty ? "exit code \(end.exitCode): \(text.suffix(500))" : faults.joined(separator: "; ")
        return .fault(
            .nodeCheckFailed,
            subject,
            "a commit there would fail: \(told)",
            do:
                "See docs/committer.md for what it needs of a node; containerd-socket-path and containerd-root say where that is."
        )
    }
}
