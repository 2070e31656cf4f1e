// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

extension BatchSandbox {
    /// An object for tests, as the API server would keep it.
    static func made(
        _ id: String = "11111111-1111-4111-8111-111111111111",
        version: Int = 1,
        created: Int64 = 1_767_225_600,
        in phase: BatchSandboxPhase? = nil,
        address: String? = nil,
        _ configure: (inout BatchSandbox) -> Void = { _ in }
    ) -> BatchSandbox {
        .with {
            $0.metadata.name = id
            $0.metadata.namespace = "sandboxes"
            $0.metadata.uid = "uid-\(id)"
            $0.metadata.resourceVersion = String(version)
            $0.metadata.generation = 1
            $0.metadata.creationTimestamp = Timestamp(seconds: created)
            $0.metadata.labels[OpenSandbox.Label.sandboxID] = id
            if let address {
                $0.metadata.annotations[OpenSandbox.Annotation.endpoints] =
                    EndpointsAnnotation(addresses: [address]).text
            }
            $0.status = .with { $0.phase = phase }
            configure(&$0)
        }
    }

    /// The same with a condition that is true.
    mutating func tell(_ condition: BatchSandboxCondition, _ reason: String, _ message: String, at seconds: Int64 = 0) {
        status?.conditions.append(
            .with {
                $0.type = condition.rawValue
                $0.status = "True"
                $0.reason = reason
                $0.message = message
                $0.lastTransitionTime = Timestamp(seconds: seconds)
            }
        )
    }
}
