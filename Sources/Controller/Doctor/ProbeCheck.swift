// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// Whether liveness probes let sandboxes be frozen at all.
struct ProbeCheck: Sendable {
    let survey: DoctorSurvey

    var findings: [DoctorFinding] {
        let strict = survey.entries.compactMap { entry -> (DoctorSurvey.Entry, FreezeLimit)? in
            guard let spec: PodSpec = try? entry.podSpec?.decoded() else { return nil }
            guard let limit = Pod.with({ $0.spec = spec }).freezeLimit, limit.seconds < 1 else { return nil }
            return (entry, limit)
        }
        guard strict.isEmpty else {
            return strict.map { entry, limit in
                .fault(
                    .livenessProbeTooStrict,
                    entry.name,
                    "a liveness probe of its container \(limit.container) kills it at the first failure, and a frozen container answers "
                        + "none: it cannot be paused",
                    do: "Give the probe a failureThreshold of 2 or more."
                )
            }
        }
        return [.ok(.probes, "sandboxes and pools", "their liveness probes let them be frozen for some time")]
    }
}
