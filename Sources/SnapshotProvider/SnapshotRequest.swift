// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// Everything a provider may know about what it is to capture.
public struct SnapshotRequest: Sendable, Hashable, Codable {
    /// Names this capture for ever; every step is idempotent by it.
    public var uid: String
    /// What to capture.
    public var source: SnapshotSource
    /// What is to happen to the sandbox once the artifact is durable.
    public var afterwards: Afterwards
    /// The `SandboxSnapshot` that this is for, in the source's namespace: what a provider makes in the cluster for the capture
    /// is owned by it, and goes with it. Nil where there is no cluster.
    public var owner: SnapshotOwner?
    /// The name of the provider that was chosen when it was asked, and that sees it to its end, whatever is chosen later. Nil
    /// where there is only one.
    public var provider: String?
    /// The name of what somebody asked for and this is done for, as it stands in logs: that of a request to a server if it was one.
    public var requestID: String?

    /// Creates a request.
    public init(
        uid: String,
        source: SnapshotSource,
        afterwards: Afterwards,
        owner: SnapshotOwner? = nil,
        provider: String? = nil,
        requestID: String? = nil
    ) {
        self.uid = uid
        self.source = source
        self.afterwards = afterwards
        self.owner = owner
        self.provider = provider
        self.requestID = requestID
    }
}

/// The `SandboxSnapshot` that a capture is for.
public struct SnapshotOwner: Sendable, Hashable, Codable {
    /// Its name.
    public var name: String
    /// Its UID.
    public var uid: String

    /// Creates one.
    public init(name: String, uid: String) {
        self.name = name
        self.uid = uid
    }
}

/// What is to happen to a captured sandbox once its artifact is durable.
public enum Afterwards: Sendable, Hashable, Codable {
    /// A checkpoint: thaw as soon as everything has been read.
    case keepRunning
    /// A pause: stay frozen until sealed or abandoned, but not beyond `until`, when the holder thaws by itself.
    case holdFrozen(until: Date)
}

/// The running sandbox that a capture reads.
public struct SnapshotSource: Sendable, Hashable, Codable {
    /// The sandbox's identity, which outlives its pods.
    public var sandbox: String
    /// The Kubernetes namespace, or the containerd namespace of a local sandbox.
    public var namespace: String
    /// The pod's name; that of the sandbox where there are no pods.
    public var pod: String
    /// The pod's UID, that no other pod of the same name has.
    public var podUID: String
    /// The node it runs on.
    public var node: String
    /// The runtime class or handler, if not the default one.
    public var runtimeClass: String?
    /// The containers to capture. All containers of the pod are frozen, whether captured or not.
    public var containers: [SnapshotContainer]
    /// For how many seconds the pod may be frozen before the cluster kills a container that answers no probe; 0 if it must not
    /// be frozen at all, nil if there is no such limit.
    public var freezeLimit: Int?

    /// Creates a source.
    public init(
        sandbox: String,
        namespace: String,
        pod: String,
        podUID: String,
        node: String,
        runtimeClass: String? = nil,
        containers: [SnapshotContainer],
        freezeLimit: Int? = nil
    ) {
        self.sandbox = sandbox
        self.namespace = namespace
        self.pod = pod
        self.podUID = podUID
        self.node = node
        self.runtimeClass = runtimeClass
        self.containers = containers
        self.freezeLimit = freezeLimit
    }
}

/// One container to capture and where its image is to go.
public struct SnapshotContainer: Sendable, Hashable, Codable {
    /// The container's name in the pod.
    public var name: String
    /// The runtime's ID of the running container. Another ID later means that its filesystem is gone.
    public var id: String
    /// The image it was started from, as a reference with a digest (`registry/repository@sha256:...`).
    public var image: String
    /// Where to put the captured image: `registry/repository:tag`, or `oci:<folder>:<tag>` for an image layout. Empty if the
    /// provider stores no images and no registry is configured.
    public var target: String
    /// How it is run, for whoever has nothing but the image later; nil if that is not known.
    public var execution: ContainerExecution?

    /// Creates a container's entry.
    public init(name: String, id: String, image: String, target: String, execution: ContainerExecution? = nil) {
        self.name = name
        self.id = id
        self.image = image
        self.target = target
        self.execution = execution
    }
}
