// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A container of a pod, found by the labels that the kubelet sets.
public struct PodContainer: Sendable, Hashable {
    /// The container's name in the pod.
    public var name: String
    /// The pod's UID.
    public var podUID: String
    /// The container as containerd has written it down; everything that follows is bound to its ID.
    public var record: ContainerRecord
    /// Its processes.
    public var task: ContainerTask

    /// The container's ID.
    public var id: String { record.id }
}

/// Why a container of a pod was not found.
public enum ContainerFinderError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The pod has no running containers on this node.
    case podNotFound(pod: String)
    /// The pod has no container of that name.
    case containerNotFound(pod: String, container: String, existing: [String])
    /// The container's processes do not run.
    case notRunning(pod: String, container: String)
    /// The pod was deleted and another one of the same name made.
    case podReplaced(pod: String, expected: String, found: [String])
    /// Pods of that name but different UIDs run at once, and nobody said which is meant.
    case ambiguous(pod: String, uids: [String])

    /// What happened, to what, and what to do.
    public var description: String {
        switch self {
        case .podNotFound(let pod):
            "pod \(pod) has no running containers on this node: was it deleted, or does it run on another node?"
        case .containerNotFound(let pod, let container, let existing):
            "pod \(pod) has no container \(container); it has \(existing.sorted().joined(separator: ", "))"
        case .notRunning(let pod, let container):
            "container \(container) of pod \(pod) does not run"
        case .podReplaced(let pod, let expected, let found):
            "pod \(pod) is not the one with UID \(expected) any more but \(found.sorted().joined(separator: ", ")): "
                + "its filesystem is gone"
        case .ambiguous(let pod, let uids):
            "several pods \(pod) run on this node: say which UID is meant (\(uids.sorted().joined(separator: ", ")))"
        }
    }
}

/// Finds the containers of pods by the labels that the kubelet sets.
public struct ContainerFinder: Sendable {
    private static let podNameLabel = "io.kubernetes.pod.name"
    private static let podNamespaceLabel = "io.kubernetes.pod.namespace"
    private static let podUIDLabel = "io.kubernetes.pod.uid"
    private static let containerNameLabel = "io.kubernetes.container.name"
    /// `container`, or `sandbox` for the one that only holds the pod's namespaces.
    private static let kindLabel = "io.cri-containerd.kind"

    private let client: ContainerdClient

    /// Finds in the client's namespace, which is `k8s.io` on a Kubernetes node.
    public init(client: ContainerdClient) {
        self.client = client
    }

    /// The running containers of a pod, in order of their names; of several attempts of one container, the latest.
    ///
    /// - Parameters:
    ///   - pod: The pod's name.
    ///   - namespace: The pod's Kubernetes namespace.
    ///   - uid: The pod's UID; nil if it is not known, which is fine as long as only one such pod runs.
    /// - Throws: `ContainerFinderError` or `ContainerdError`.
    public func containers(pod: String, namespace: String, uid: String?) async throws -> [PodContainer] {
        let filter = [
            "labels.\"\(Self.podNameLabel)\"==\(Self.quoted(pod))",
            "labels.\"\(Self.podNamespaceLabel)\"==\(Self.quoted(namespace))",
        ].joined(separator: ",")
        async let records = client.containers(filters: [filter])
        async let tasks = client.tasks()
        return try await Self.select(from: records, tasks: tasks, pod: "\(namespace)/\(pod)", uid: uid)
    }

    /// One running container of a pod.
    public func container(
        _ name: String,
        pod: String,
        namespace: String,
        uid: String?
    ) async throws -> PodContainer {
        let all = try await containers(pod: pod, namespace: namespace, uid: uid)
        guard let found = all.first(where: { $0.name == name }) else {
            let names = try await client.containers(filters: [
                "labels.\"\(Self.podNameLabel)\"==\(Self.quoted(pod))"
                    + ",labels.\"\(Self.podNamespaceLabel)\"==\(Self.quoted(namespace))"
            ]).compactMap { $0.labels[Self.containerNameLabel] }
            let label = "\(namespace)/\(pod)"
            throw names.contains(name)
                ? ContainerFinderError.notRunning(pod: label, container: name)
                : ContainerFinderError.containerNotFound(pod: label, container: name, existing: all.map(\.name))
        }
        return found
    }

    /// Chooses among what containerd has. Pure.
    static func select(
        from records: [ContainerRecord],
        tasks: [ContainerTask],
        pod: String,
        uid: String?
    ) throws(ContainerFinderError) -> [PodContainer] {
        let tasks = Dictionary(tasks.map { ($0.containerID, $0) }) { _, last in last }
        let candidates = records.compactMap { record -> PodContainer? in
            guard record.labels[kindLabel, default: "container"] == "container",
                let name = record.labels[containerNameLabel], let podUID = record.labels[podUIDLabel],
                let task = tasks[record.id]
            else { return nil }
            return PodContainer(name: name, podUID: podUID, record: record, task: task)
        }
        let running = candidates.filter { [.running, .paused, .pausing].contains($0.task.status) }
        let uids = Set(running.map(\.podUID))
        if let uid, !uids.contains(uid) {
            let others = Set(records.compactMap { $0.labels[podUIDLabel] }).subtracting([uid])
            throw others.isEmpty
                ? .podNotFound(pod: pod) : .podReplaced(pod: pod, expected: uid, found: others.sorted())
        }
        guard uid != nil || uids.count <= 1 else { throw .ambiguous(pod: pod, uids: uids.sorted()) }
        guard !running.isEmpty else { throw .podNotFound(pod: pod) }

        var latest: [String: PodContainer] = [:]
        for container in running where uid == nil || container.podUID == uid {
            if let other = latest[container.name], other.record.createdAt >= container.record.createdAt { continue }
            latest[container.name] = container
        }
        return latest.values.sorted { $0.name < $1.name }
    }

    private static func quoted(_ value: String) -> String {
        "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
