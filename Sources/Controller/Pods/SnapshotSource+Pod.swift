// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

/// A pod of a sandbox that is to be captured, whatever the sandbox's dialect.
struct SnapshotSubject: Hashable {
    /// The sandbox.
    var key: ObjectKey
    /// How often its wish has changed.
    var generation: Int
    /// The pod; nil if there is none.
    var pod: Pod?
    /// The names of the containers in the sandbox's template; nil if all of the pod's are its own.
    var ownContainers: Set<String>?

    /// - Parameter template: What its pods are made from; nil if that cannot be said.
    init(of sandbox: some KubeResource, _ pod: Pod?, template: PodTemplateSpec?) {
        key = sandbox.key
        generation = sandbox.metadata.generation ?? 1
        self.pod = pod
        ownContainers = template.map { Set($0.spec.containers.map(\.name)) }
    }

    init(of sandbox: BatchSandbox, _ pod: Pod?) {
        // A patch for one place may add some, and a pool's pod was made from another template.
        let isOfTemplate = sandbox.spec.shardPatches.isEmpty && pod?.isOfPool != true
        self.init(of: sandbox, pod, template: isOfTemplate ? try? sandbox.spec.podTemplate() : nil)
    }
}

extension SnapshotSource {
    /// What a snapshot is to capture of a pod of a sandbox, and into which images.
    ///
    /// It captures the containers that the snapshot names, else those of the sandbox's template, else, as of a pool's pod, all of
    /// the pod: what others have put beside them starts again by itself.
    ///
    /// - Parameters:
    ///   - subject: The sandbox and its pod.
    ///   - snapshot: What it is for.
    ///   - replica: The place of the pod, for a snapshot of a pause.
    ///   - registry: Where the images go.
    ///   - environment: What they tell of the containers' environment.
    ///   - storesImages: Whether there will be any; without, no registry is needed.
    /// - Throws: `SnapshotFailure`, with upstream's reasons where it has some.
    init(
        _ subject: SnapshotSubject,
        for snapshot: SandboxSnapshot,
        replica: Int = 0,
        in registry: String,
        environment: EnvironmentDetail = .names,
        storesImages: Bool = true
    ) throws(SnapshotFailure) {
        guard !registry.isEmpty || !storesImages else { throw .registryNotConfigured }
        guard let pod = subject.pod, let podUID = pod.metadata.uid, let node = pod.spec.nodeName else {
            throw .sourcePodNotFound
        }
        let names = Self.containers(of: pod, subject, snapshot)
        guard !names.isEmpty else { throw .noContainers(of: pod.metadata.name) }
        var containers: [SnapshotContainer] = []
        for name in names {
            let target =
                registry.isEmpty
                ? ""
                : snapshot.imageReference(
                    of: name,
                    in: registry,
                    sandboxGeneration: subject.generation,
                    replica: replica
                )
            guard let target else { throw .invalidImageName(of: name) }
            guard let status = pod.status?.containerStatuses.first(where: { $0.name == name }),
                let id = status.containerID, status.state?.running != nil
            else { throw .containerNotRunning(name, of: pod.metadata.name) }
            let image = status.imageID.withoutScheme
            containers.append(
                SnapshotContainer(
                    name: name,
                    id: id.withoutScheme,
                    image: image.contains("@") ? image : status.image,
                    target: target,
                    execution: pod.execution(of: name, environment: environment)
                )
            )
        }
        self.init(
            sandbox: subject.key.name,
            namespace: subject.key.namespace ?? "default",
            pod: pod.metadata.name,
            podUID: podUID,
            node: node,
            runtimeClass: pod.spec.runtimeClassName,
            containers: containers,
            freezeLimit: pod.freezeLimit?.seconds
        )
    }

    /// The names of the containers to capture.
    private static func containers(
        of pod: Pod,
        _ subject: SnapshotSubject,
        _ snapshot: SandboxSnapshot
    ) -> [String] {
        if !snapshot.spec.containers.isEmpty { return snapshot.spec.containers }
        let all = pod.spec.containers.map(\.name)
        return subject.ownContainers.map { own in all.filter(own.contains) } ?? all
    }
}

extension SnapshotFailure {
    /// There is nowhere to put it.
    static let registryNotConfigured = SnapshotFailure(
        SandboxSnapshotCondition.Reason.registryNotConfigured,
        "No registry for snapshots is configured: start the controller with --snapshot-registry."
    )

    /// There is nothing to read.
    static let sourcePodNotFound = SnapshotFailure(
        SandboxSnapshotCondition.Reason.sourcePodNotFound,
        "The sandbox has no pod on a node, so nothing can be captured. Resume it or wait until it runs, then try again."
    )

    fileprivate static func noContainers(of pod: String) -> SnapshotFailure {
        SnapshotFailure(
            SandboxSnapshotCondition.Reason.noContainers,
            "Pod \(pod) has none of the containers of the sandbox's template, so nothing can be captured."
        )
    }

    fileprivate static func containerNotRunning(_ container: String, of pod: String) -> SnapshotFailure {
        SnapshotFailure(
            "ContainerNotRunning",
            "Container \(container) of pod \(pod) does not run, so it cannot be captured."
        )
    }

    fileprivate static func invalidImageName(of container: String) -> SnapshotFailure {
        SnapshotFailure(
            "InvalidImageName",
            "The image of container \(container) would have a name that no registry takes; choose a shorter name of the "
                + "sandbox or of the registry's folder."
        )
    }
}

extension String {
    /// Without the scheme that a kubelet puts before identifiers, such as `containerd://` and `docker-pullable://`.
    fileprivate var withoutScheme: String {
        guard let range = firstRange(of: "://") else { return self }
        return String(self[range.upperBound...])
    }
}
