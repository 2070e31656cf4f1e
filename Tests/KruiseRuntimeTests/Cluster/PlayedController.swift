// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels

import struct Foundation.Date

/// What the controllers of the dialect do to the objects of a namespace, without any pod: one step for each state that it hears of.
struct PlayedController: Sendable {
    private let sandboxes: ResourceClient<KruiseSandbox>
    private let checkpoints: ResourceClient<KruiseCheckpoint>
    private let templates: ResourceClient<KruiseSandboxTemplate>
    private let sandboxInformer: Informer<KruiseSandbox>
    private let checkpointInformer: Informer<KruiseCheckpoint>

    /// What goes wrong with a sandbox.
    enum Fault: String {
        /// There is no pod.
        case pod
        /// It is not ready, and is not captured.
        case never
        /// A pause fails.
        case pause
        /// What is under way does not come to its end.
        case hold
    }

    /// The annotation that says so.
    static let fault = "example.com/fault"

    init(_ client: KubeClient, namespace: String, logger: Logger) {
        sandboxes = client.resource(in: .named(namespace))
        checkpoints = client.resource(in: .named(namespace))
        templates = client.resource(in: .named(namespace))
        sandboxInformer = Informer(sandboxes, logger: logger)
        checkpointInformer = Informer(checkpoints, logger: logger)
    }

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await sandboxInformer.run() }
            group.addTask { try await checkpointInformer.run() }
            group.addTask {
                await withDiscardingTaskGroup { steps in
                    for await change in sandboxInformer.changes {
                        if case .deleted = change { continue }
                        steps.addTask { await step(change.object) }
                    }
                }
            }
            group.addTask {
                for await change in checkpointInformer.changes {
                    if case .deleted = change { continue }
                    await step(change.object)
                }
            }
        }
    }

    // MARK: - Sandboxes

    private func step(_ object: KruiseSandbox) async {
        guard object.metadata.deletionTimestamp == nil, var status = Self.next(object) else { return }
        status.observedGeneration = object.metadata.generation
        var told = object
        told.status = status
        // Somebody else was faster, or it is gone: its watch tells.
        _ = try? await sandboxes.replace(told, subresource: .status)
    }

    /// What the status becomes next; nil if there is nothing to do.
    private static func next(_ object: KruiseSandbox) -> KruiseSandboxStatus? {
        typealias Reason = KruiseSandboxCondition.Reason
        let fault = object.metadata.annotations[fault].flatMap { Fault(rawValue: $0) }
        var status = object.status ?? KruiseSandboxStatus()
        func tell(_ type: KruiseSandboxCondition, _ isTrue: Bool?, _ reason: String = "", _ message: String = "") {
            status.conditions[type.rawValue] = isTrue.map { isTrue in
                .with {
                    $0.type = type.rawValue
                    $0.status = isTrue ? "True" : "False"
                    $0.reason = reason
                    $0.message = message.isEmpty ? nil : message
                    $0.lastTransitionTime = Timestamp(Date())
                }
            }
        }
        func isTrue(_ type: KruiseSandboxCondition) -> Bool { status.conditions.isTrue(type.rawValue) }
        let wantsPause = object.spec.paused == true
        switch status.phase {
        case nil:
            status.phase = .pending
            if fault == .pod { tell(.ready, false, Reason.podCreateFailed, "exceeded quota: pods") }
        case .pending? where ![Fault.pod, .never].contains(fault), .resuming? where fault != .hold:
            status.phase = .running
            status.podInfo = .with {
                ($0.podIP, $0.podUID) = ("10.0.0.1", "pod-\(object.metadata.resourceVersion ?? "")")
            }
            tell(.ready, true, Reason.podReady)
            tell(.paused, nil)
            if status.conditions[KruiseSandboxCondition.resumed.rawValue] != nil {
                tell(.resumed, true, Reason.resumePod)
            }
        case .running? where wantsPause && fault == .pause:
            // Each wish fails once.
            guard status.observedGeneration != object.metadata.generation else { return nil }
            tell(.paused, false, Reason.checkpointFailed, "no registry")
        case .running? where wantsPause:
            status.phase = .paused
            tell(.ready, false, Reason.podReady)
            tell(.resumed, nil)
            tell(.paused, false, Reason.checkpointCreating)
        case .paused? where !isTrue(.paused) && fault != .hold:
            status.podInfo?.podIP = nil
            tell(.paused, true, Reason.snapshotPauseSucceed)
        case .paused? where !wantsPause && isTrue(.paused):
            status.phase = .resuming
            tell(.resumed, false, Reason.createPod)
        default:
            guard status.phase == .running, status.observedGeneration != object.metadata.generation else { return nil }
        }
        return status
    }

    // MARK: - Checkpoints

    private func step(_ object: KruiseCheckpoint) async {
        guard object.metadata.deletionTimestamp == nil else { return }
        var told = object
        var status = object.status ?? KruiseCheckpointStatus()
        switch status.phase {
        case nil: status.phase = .creating
        case .creating?:
            guard let source = try? await sandboxes.find(object.spec.podName ?? "") else { return }
            switch source.metadata.annotations[Self.fault].flatMap({ Fault(rawValue: $0) }) {
            case .never?: return
            case .pause?: (status.phase, status.message) = (.failed, "no registry")
            default:
                _ = try? await templates.create(
                    .with {
                        $0.metadata.name = object.metadata.name
                        $0.metadata.ownerReferences = [object.controllerReference()]
                        $0.spec.template = RawJSON(
                            PodTemplateSpec.with {
                                $0.spec.containers = [
                                    .with {
                                        $0.name = "main"
                                        $0.image = "registry.example/demo@sha256:\(String(repeating: "a", count: 64))"
                                    }
                                ]
                            }
                        )
                    }
                )
                (status.phase, status.checkpointId) = (.succeeded, object.metadata.name)
            }
            status.completionTime = Timestamp(Date())
        default: return
        }
        told.status = status
        _ = try? await checkpoints.replace(told, subresource: .status)
    }
}
