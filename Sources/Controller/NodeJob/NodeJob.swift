// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
public import SandboxModels
public import SnapshotProvider

/// A Job whose pod does something for a provider, on the node where a sandbox runs: once, past the scheduler, and without an
/// account of the cluster. Kubernetes deletes it some time after its end.
///
/// What it is about is written into it, so that everything that is needed to go on after a restart is in the cluster.
public struct NodeJob: Sendable, Hashable {
    /// Seconds after which Kubernetes deletes a Job that has ended.
    private static let timeToLive = 300

    /// The Job's name.
    public var name: String
    /// Where it is.
    public var namespace: String
    /// The node, full or cordoned as it may be; nil to leave it to the scheduler.
    public var node: String?
    /// The capture that it is for. A Job of the same name that is for another one is in the way.
    public var request: SnapshotRequest?
    /// What it is for, which owns it: it goes with that.
    public var snapshot: SandboxSnapshot?
    /// Seconds after which Kubernetes ends it. At least 1.
    public var deadline: Int
    /// Labels of the Job besides those that every one has.
    public var labels: [String: String] = [:]
    /// Annotations of the Job besides those that every one has.
    public var annotations: [String: String] = [:]
    /// What runs. Node, restarts, tolerations and account are the Job's to say.
    public var pod: PodSpec

    /// A Job for a capture, on the node of its sandbox.
    ///
    /// - Parameters:
    ///   - task: What it does, in a word: its name is that of the snapshot with this at the end.
    ///   - request: The capture.
    ///   - deadline: Seconds after which Kubernetes ends it.
    ///   - pod: What runs.
    public init(_ task: String, for request: SnapshotRequest, deadline: Int = 600, pod: PodSpec) {
        let snapshot = request.snapshot
        self.init(
            name: snapshot?.jobName(task) ?? "\(request.source.sandbox)-\(task)",
            in: request.source.namespace,
            deadline: deadline,
            pod: pod
        )
        node = request.source.node
        self.request = request
        self.snapshot = snapshot
    }

    /// A Job that is for no capture, such as one that looks after an artifact.
    ///
    /// - Parameters:
    ///   - name: Its name: the same for the same work.
    ///   - namespace: Where it is.
    ///   - deadline: Seconds after which Kubernetes ends it.
    ///   - pod: What runs.
    public init(name: String, in namespace: String, deadline: Int = 600, pod: PodSpec) {
        self.name = name
        self.namespace = namespace
        self.deadline = deadline
        self.pod = pod
    }

    /// The object to create.
    public var manifest: Job {
        // Jobs are followed by one of these labels, whatever it says.
        let followed = snapshot?.jobLabels ?? [OpenSandbox.Label.sandboxSnapshotName: ""]
        return .with { job in
            job.metadata.name = name
            job.metadata.namespace = namespace
            job.metadata.ownerReferences = snapshot.map { [$0.controllerReference()] } ?? []
            job.metadata.labels = followed.merging(labels) { _, own in own }
            job.metadata.annotations[SnapshotRequest.annotationName] = request?.annotation
            job.metadata.annotations[OpenSandbox.Annotation.requestID] = request?.requestID
            let described = job.metadata.annotations
            job.metadata.annotations.merge(annotations) { _, own in own }
            // Whether to try again is for the state machine to say.
            job.spec.backoffLimit = 0
            job.spec.ttlSecondsAfterFinished = Self.timeToLive
            job.spec.activeDeadlineSeconds = deadline
            // Who sees the pod go has no Job any more to look into.
            job.spec.template.metadata = .with {
                $0.labels = followed
                $0.annotations = described
            }
            job.spec.template.spec = pod
            job.spec.template.spec.restartPolicy = "Never"
            job.spec.template.spec.nodeName = node
            job.spec.template.spec.tolerations = [.with { $0.operator = "Exists" }]
            job.spec.template.spec.automountServiceAccountToken = false
        }
    }
}

extension SandboxSnapshot {
    /// The labels of its Jobs and of their pods: as documented, and as shipped.
    var jobLabels: [String: String] {
        [OpenSandbox.Label.snapshot: labelValue, OpenSandbox.Label.sandboxSnapshotName: labelValue]
    }
}

extension SnapshotRequest {
    /// The `SandboxSnapshot` that it is for, as far as is needed to own something.
    var snapshot: SandboxSnapshot? {
        guard let owner else { return nil }
        return .with {
            $0.metadata.name = owner.name
            $0.metadata.namespace = source.namespace
            $0.metadata.uid = owner.uid
        }
    }
}

extension KubeObject {
    /// The capture that a Job, or a pod of one, is for; nil if it is for none.
    var request: SnapshotRequest? {
        metadata.annotations[SnapshotRequest.annotationName].flatMap { SnapshotRequest(annotation: $0) }
    }
}
