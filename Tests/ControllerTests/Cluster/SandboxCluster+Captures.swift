// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import TestSupport

/// What can be seen, and done by force, of a capture.
extension SandboxCluster {
    /// Runs `body` with a cluster whose snapshots go through a proxy.
    static func run(
        isControlled: Bool = true,
        capturing configure: ((inout CommitJobSettings) -> Void)? = nil,
        _ body: @escaping @Sendable (SandboxCluster, HoldingProxy) async throws -> Void
    ) async throws {
        let testbed = try KubernetesTestbed.find()
        try await HoldingProxy.run(before: testbed.registry, at: testbed.hostAddress) { proxy in
            try await testbed.withPlainRegistry(proxy.authority) {
                try await run(
                    registry: "\(proxy.authority)/pause-\(UInt32.random(in: 0 ... .max))",
                    isControlled: isControlled,
                    capturing: {
                        $0.isRegistryInsecure = true
                        configure?(&$0)
                    }
                ) { cluster in try await body(cluster, proxy) }
            }
        }
    }

    /// Creates a sandbox that counts, with a file in it, and waits until it does.
    ///
    /// - Returns: Its first container.
    @discardableResult
    func createCounting(
        _ name: String,
        in folder: String,
        _ change: (inout PodTemplateSpec) -> Void = { _ in }
    ) async throws -> NodeContainer {
        try await create(name, command: Counter.program, folder: folder, change)
        try await wait(for: name) { $0.status?.phase == .succeed }
        try await shell("echo kept > /marker", in: "\(name)-0", container: "main")
        try await Counter(folder: folder).waitUntilItCounts()
        return try await container(of: "\(name)-0")
    }

    /// A container of a pod, on the node.
    func container(_ name: String = "main", of pod: String) async throws -> NodeContainer {
        let statuses = try await pods.get(pod).status?.containerStatuses ?? []
        let status = statuses.first { $0.name == name }
        guard let id = status?.containerID else { throw NotSo(last: "\(pod) has no container", calls: []) }
        return NodeContainer(id)
    }

    /// The pod of a Job of a capture, as soon as it is so.
    ///
    /// - Parameter purpose: `commit`, `unpause` or `release`.
    @discardableResult
    func wait(
        forPodOf purpose: String,
        of sandbox: String,
        until isSo: @escaping @Sendable (Pod) -> Bool
    ) async throws -> Pod {
        let job = "\(sandbox)-pause-\(purpose)"
        return try await wait(in: pods, for: job, isName: { $0.hasPrefix("\(job)-") }) { change in
            if case .deleted = change { return nil }
            return isSo(change.object) ? change.object : nil
        }
    }

    /// Asks for a pause, whether or not one has failed, and waits until it has ended, well or not.
    func pause(_ name: String) async throws -> BatchSandbox {
        try await pauseAgain(name)
        return try await wait(for: name) {
            $0.status?.pauseObservedGeneration == $0.metadata.generation
                && ($0.status?.phase == .paused || $0.status?.conditions.isTrue("PauseFailed") == true)
        }
    }

    /// Asks for a pause, and waits until it is paused.
    func expectPause(of name: String) async throws {
        let paused = try await pause(name)
        guard paused.status?.phase == .paused else { throw NotSo(last: paused.jsonText, calls: provider.calls) }
    }

    /// Resumes it, and expects the file that `createCounting` has put there.
    func expectResume(of name: String) async throws {
        try await setPause(false, of: name)
        try await wait(for: name) {
            $0.status?.pauseObservedGeneration == $0.metadata.generation && $0.status?.phase == .succeed
        }
        let marker = try await shell("cat /marker", in: "\(name)-0", container: "main")
        guard marker == "kept\n" else { throw NotSo(last: "the marker is '\(marker)'", calls: []) }
    }

    /// Which Jobs there have been, by the events of their controller.
    func jobsEver() async throws -> [String] {
        let text = try await kubectl(
            "get",
            "events",
            "--field-selector=involvedObject.kind=Job,reason=SuccessfulCreate",
            "--output=jsonpath={range .items[*]}{.involvedObject.name}{'\\n'}{end}"
        )
        return text.split(separator: "\n").map(String.init)
    }

    /// The message of the first Event of a reason about a sandbox, as soon as there is one.
    func event(_ reason: String, about name: String) async throws -> String {
        try await testbed.firstLine(
            of: [
                "--namespace", namespace, "get", "events", "--watch", "--request-timeout=120s",
                "--field-selector=involvedObject.name=\(name),reason=\(reason)",
                "--output=jsonpath={.message}{'\\n'}",
            ],
            where: { !$0.isEmpty }
        )
    }

    /// Waits until the pods of Jobs of earlier captures are gone, which would be taken for those of the next one.
    func waitUntilPodsAreGone(of sandbox: String) async throws {
        for pod in try await pods.list().items where pod.metadata.name.hasPrefix("\(sandbox)-pause-") {
            try await waitUntilGone(in: pods, pod.metadata.name)
        }
    }

    /// Waits until nothing is left of captures: Jobs, their pods, and what freezes the sandbox.
    func waitUntilNothingIsLeft(of sandbox: String) async throws {
        try await wait(for: sandbox) { sandbox in
            !sandbox.metadata.finalizers.contains("stasis.dev/sandbox-cleanup")
        }
        let jobs: ResourceClient<Job> = client.resource(in: .named(namespace))
        try await waitUntilPodsAreGone(of: sandbox)
        let left = try await jobs.list().items.filter { $0.metadata.deletionTimestamp == nil }
        for job in left where job.metadata.name.hasPrefix("\(sandbox)-pause-") {
            throw NotSo(last: "the Job \(job.metadata.name) is left", calls: [])
        }
    }
}

extension Pod {
    /// How a container has ended, if it has.
    func ending(of container: String) -> ContainerStateTerminated? {
        status?.containerStatuses.first { $0.name == container }?.state?.terminated
    }
}
