// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics
import PrometheusMetrics
import Testing

@Suite("The example of PrometheusMetrics")
struct PrometheusMetricsExample {
    @Test("tells what was measured")
    func tells() {
        let registry = PrometheusRegistry(help: ["jobs_total": "Jobs that were done."])
        Counter(label: "jobs_total", factory: registry).increment()
        let page = registry.text() + ProcessMetrics.text()
        #expect(page.contains("\njobs_total 1\n"), "\(page)")
        #expect(page.contains("process_resident_memory_bytes"))
    }
}
