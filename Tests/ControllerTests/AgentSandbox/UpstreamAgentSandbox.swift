// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import Synchronization

/// Stands in for upstream's controller of Sandboxes, in what its documents promise and its code does: it makes the pod of a sandbox's
/// name, deletes it at once when the sandbox is suspended or has expired, and replaces all conditions of the status at each look, which
/// nobody else may write. Like upstream's it never changes a pod that there is, and makes no other one for one that has ended.
struct UpstreamAgentSandbox<Version: AgentSandboxVersion>: Sendable {
    typealias Sandbox = AgentSandbox<Version>

    /// As managed fields have it.
    static var manager: String { "agent-sandbox-controller" }

    private let sandboxes: Informer<Sandbox>
    private let pods: Informer<Pod>
    private let sandboxClient: ResourceClient<Sandbox>
    private let podClient: ResourceClient<Pod>
    /// Which conditions were written of which sandbox.
    let written = Written()

    final class Written: Sendable {
        private let state = Mutex<[String: Set<[KubeModels.Condition]>]>([:])

        func note(_ conditions: [KubeModels.Condition], of name: String) {
            state.withLock { _ = $0[name, default: []].insert(conditions) }
        }

        func contains(_ conditions: [KubeModels.Condition], of name: String) -> Bool {
            state.withLock { $0[name]?.contains(conditions) == true }
        }
    }

    init(_ client: KubeClient, in namespace: String) {
        let logger = Logger(label: "upstream") { _ in SwiftLogNoOpLogHandler() }
        sandboxClient = client.resource(in: .named(namespace))
        podClient = client.resource(in: .named(namespace))
        sandboxes = Informer(sandboxClient, logger: logger)
        pods = Informer(podClient, indexes: [.owner], logger: logger)
    }

    func run() async throws {
        let controller = Controller<ObjectKey>(
            name: "upstream",
            workers: 8,
            logger: Logger(label: "upstream") { _ in SwiftLogNoOpLogHandler() }
        ) { try await reconcile($0) }
        .watching(sandboxes)
        .watchingOwned(pods, by: Sandbox.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandboxes.run() }
            group.addTask { try await pods.run() }
            group.addTask { try await controller.run() }
            try await group.next()
            group.cancelAll()
        }
    }

    private func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard let sandbox = sandboxes.store[key], sandbox.metadata.deletionTimestamp == nil else { return .done }
        let owned = pods.store.objects(.owner, sandbox.metadata.uid ?? "").filter { pod in
            pod.metadata.ownerReferences.contains { $0.controller == true && $0.uid == sandbox.metadata.uid }
        }
        if owned.count > 1 {
            try await tell("False", "MultiplePods", suspended: ("Unknown", "PodStateUnknown"), nil, of: sandbox)
            return .done
        }
        let isExpired = sandbox.spec.shutdownTime.map { $0.date <= .now } ?? false
        if isExpired || sandbox.isSuspended {
            if let pod = owned.first, pod.metadata.deletionTimestamp == nil {
                do {
                    _ = try await podClient.delete(pod.metadata.name, DeleteOptions(uid: pod.metadata.uid))
                } catch let error as KubeError where error.isNotFound || error.isConflict {
                    return .done
                }
            }
            if owned.isEmpty, sandbox.metadata.annotations[Self.podName] != nil {
                let change: JSONValue = ["metadata": ["annotations": [Self.podName: .null]]]
                _ = try await sandboxClient.patch(sandbox.metadata.name, .merge(MergePatch(change)), Self.options)
            }
            let isGone = owned.isEmpty
            try await tell(
                "False",
                isExpired ? "SandboxExpired" : "SandboxSuspended",
                suspended: isExpired
                    ? ("False", "NotSuspended") : isGone ? ("True", "PodTerminated") : ("False", "PodTerminating"),
                nil,
                of: sandbox
            )
            return .done
        }
        guard let pod = owned.first else {
            try await create(for: sandbox)
            try await tell("False", "DependenciesNotReady", suspended: ("False", "NotSuspended"), nil, of: sandbox)
            return .done
        }
        let isReady =
            pod.metadata.deletionTimestamp == nil && pod.status?.phase == "Running"
            && pod.status?.conditions.isTrue("Ready") == true && pod.status?.podIP != nil
        try await tell(
            isReady ? "True" : "False",
            isReady ? "DependenciesReady" : "DependenciesNotReady",
            suspended: ("False", "NotSuspended"),
            pod,
            of: sandbox
        )
        if let time = sandbox.spec.shutdownTime {
            return .requeue(after: .seconds(max(0.1, time.date.timeIntervalSinceNow)))
        }
        return .done
    }

    private static var podName: String { "agents.x-k8s.io/pod-name" }
    private static var options: WriteOptions { WriteOptions(fieldManager: manager) }

    private func create(for sandbox: Sandbox) async throws {
        guard let template = try sandbox.podTemplate() else { return }
        var pod = Pod()
        // Reserved ones are dropped without a word.
        let isReserved = { (key: String) in key.contains("agents.x-k8s.io/") }
        pod.metadata.labels = (template.metadata?.labels ?? [:]).filter { !isReserved($0.key) }
        pod.metadata.annotations = (template.metadata?.annotations ?? [:]).filter { !isReserved($0.key) }
        pod.metadata.name = sandbox.metadata.name
        pod.metadata.labels["agents.x-k8s.io/sandbox-name-hash"] = Self.hash(of: sandbox.metadata.name)
        pod.metadata.ownerReferences = [sandbox.controllerReference()]
        pod.spec = template.spec
        do {
            _ = try await podClient.create(pod, Self.options)
        } catch let error as KubeError where error.isAlreadyExists {
            return
        }
    }

    /// FNV-1a of 32 bits, in hexadecimal digits.
    private static func hash(of name: String) -> String {
        let hash = name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Writes the status as upstream's controller does: by a merge patch that requires no version and replaces all conditions.
    private func tell(
        _ ready: String,
        _ reason: String,
        suspended: (status: String, reason: String),
        _ pod: Pod?,
        of sandbox: Sandbox
    ) async throws {
        func condition(_ type: String, _ status: String, _ reason: String) -> KubeModels.Condition {
            let last = sandbox.status?.conditions[type]
            return .with {
                $0.type = type
                $0.status = status
                $0.reason = reason
                $0.message = reason
                $0.observedGeneration = sandbox.metadata.generation
                $0.lastTransitionTime = last?.status == status ? last?.lastTransitionTime : Timestamp(.now)
            }
        }
        let conditions = [
            condition("Ready", ready, reason), condition("Suspended", suspended.status, suspended.reason),
        ]
        let address = pod?.status?.podIP
        if sandbox.status?.conditions == conditions, sandbox.status?.podIPs.first == address { return }
        written.note(conditions, of: sandbox.metadata.name)
        let status: JSONValue = [
            "conditions": .array(try conditions.map { try JSONValue(encoding: $0) }),
            "podIPs": address.map { [.string($0)] } ?? .null,
            "nodeName": pod?.spec.nodeName.map { .string($0) } ?? .null,
        ]
        do {
            _ = try await sandboxClient.patch(
                sandbox.metadata.name,
                .merge(MergePatch(["status": status])),
                subresource: .status,
                Self.options
            )
        } catch let error as KubeError where error.isNotFound {
            return
        }
    }
}
