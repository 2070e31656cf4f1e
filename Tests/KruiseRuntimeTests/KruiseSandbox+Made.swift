// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

extension KruiseSandbox {
    /// An object for tests, as the API server would keep it: ready if it runs.
    static func made(
        _ name: String = "box",
        version: Int = 1,
        in phase: KruiseSandboxPhase? = .running,
        _ configure: (inout KruiseSandbox) -> Void = { _ in }
    ) -> KruiseSandbox {
        .with {
            $0.metadata.name = name
            $0.metadata.namespace = "team"
            $0.metadata.uid = "uid-\(name)"
            $0.metadata.resourceVersion = String(version)
            $0.metadata.generation = 1
            $0.metadata.creationTimestamp = Timestamp(seconds: 1_767_225_600)
            $0.status = .with {
                $0.phase = phase
                $0.observedGeneration = 1
            }
            if phase == .running { $0.tell(.ready, "True", KruiseSandboxCondition.Reason.podReady) }
            configure(&$0)
        }
    }

    /// The same with a condition.
    mutating func tell(_ condition: KruiseSandboxCondition, _ state: String, _ reason: String, _ message: String? = nil)
    {
        status?.conditions[condition.rawValue] = .with {
            $0.type = condition.rawValue
            $0.status = state
            $0.reason = reason
            $0.message = message
        }
    }
}
