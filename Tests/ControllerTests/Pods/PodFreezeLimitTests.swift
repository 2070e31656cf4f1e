// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

@testable import Controller

@Suite("How long a pod may be frozen")
struct PodFreezeLimitTests {
    private func pod(_ probes: [Probe?], startup: Probe? = nil, isStarted: Bool = true) -> Pod {
        .with { pod in
            for (number, probe) in probes.enumerated() {
                pod.spec.containers.append(
                    .with {
                        $0.name = "c\(number)"
                        $0.livenessProbe = probe
                        $0.startupProbe = startup
                    }
                )
            }
            pod.status = .with {
                $0.containerStatuses = pod.spec.containers.map { container in
                    .with {
                        $0.name = container.name
                        $0.started = isStarted
                    }
                }
            }
        }
    }

    private func probe(_ failures: Int?, _ period: Int?, timeout: Int? = nil) -> Probe {
        .with {
            $0.failureThreshold = failures
            $0.periodSeconds = period
            $0.timeoutSeconds = timeout
        }
    }

    @Test("Without a probe there is no limit")
    func none() { #expect(pod([nil, nil]).freezeLimit == nil) }

    @Test(
        "All failures but the last take a period",
        arguments: [(nil, nil, 20), (3, 10, 20), (1, 60, 0), (2, 1, 1), (5, 3, 12)]
    )
    func periods(failures: Int?, period: Int?, limit: Int) {
        #expect(pod([probe(failures, period)]).freezeLimit?.seconds == limit)
        // It is what is left for the thaw.
        #expect(pod([probe(failures, period, timeout: 30)]).freezeLimit?.seconds == limit)
    }

    @Test("The most impatient probe counts, and a startup probe until it has passed")
    func least() {
        #expect(pod([nil, probe(3, 10), probe(2, 5)]).freezeLimit == FreezeLimit(container: "c2", seconds: 5))
        #expect(pod([nil], startup: probe(3, 2)).freezeLimit == nil)
        #expect(pod([nil], startup: probe(3, 2), isStarted: false).freezeLimit?.seconds == 4)
    }
}
