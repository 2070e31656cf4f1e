// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics
import PrometheusMetrics
import Testing

@Suite("Measurements as Prometheus reads them")
struct PrometheusRegistryTests {
    @Test("counters, gauges and histograms, sorted, with their types and meanings")
    func text() {
        let registry = PrometheusRegistry(
            buckets: ["wait_seconds": .init([0.5, 0.1, 2])],
            help: ["hits_total": "How often.\nReally: \\o/"]
        )
        Counter(label: "hits_total", dimensions: [("code", "404"), ("a", "b")], factory: registry).increment(by: 2)
        Counter(label: "hits_total", dimensions: [("a", "b"), ("code", "200")], factory: registry).increment()
        Counter(label: "hits_total", dimensions: [("code", "404"), ("a", "b")], factory: registry).increment()
        let meter = Meter(label: "depth", factory: registry)
        meter.set(7)
        meter.decrement(by: 0.5)
        let timer = Timer(label: "wait_seconds", factory: registry)
        for milliseconds in [50, 100, 300, 5000] { timer.recordMilliseconds(milliseconds) }
        #expect(
            registry.text() == """
                # TYPE depth gauge
                depth 6.5
                # HELP hits_total How often.\\nReally: \\\\o/
                # TYPE hits_total counter
                hits_total{a="b",code="200"} 1
                hits_total{a="b",code="404"} 3
                # TYPE wait_seconds histogram
                wait_seconds_bucket{le="0.1"} 2
                wait_seconds_bucket{le="0.5"} 3
                wait_seconds_bucket{le="2"} 3
                wait_seconds_bucket{le="+Inf"} 4
                wait_seconds_sum 5.45
                wait_seconds_count 4

                """
        )
    }

    @Test("names and values that Prometheus would not read")
    func hostileNames() {
        let registry = PrometheusRegistry()
        Counter(label: "9 lives.total", dimensions: [("the-key", "a\"b\\c\nd")], factory: registry).increment()
        #expect(
            registry.text() == """
                # TYPE _9_lives_total counter
                _9_lives_total{the_key="a\\"b\\\\c\\nd"} 1

                """
        )
    }

    @Test("a metric of another kind under the same name does not spoil the text")
    func sameName() {
        let registry = PrometheusRegistry()
        Counter(label: "twice", factory: registry).increment()
        Meter(label: "twice", factory: registry).set(5)
        #expect(registry.text() == "# TYPE twice counter\ntwice 1\n")
    }

    @Test("no more series than it may have: what comes later is counted as one")
    func limit() {
        let registry = PrometheusRegistry(seriesLimit: 2)
        for user in 0..<5 { Counter(label: "u", dimensions: [("user", "\(user)")], factory: registry).increment() }
        #expect(
            registry.text() == """
                # TYPE u counter
                u{user="0"} 1
                u{user="1"} 1
                u{user="other"} 3

                """
        )
    }

    @Test("nothing that is counted from many threads at once is lost")
    func threads() async {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for number in 0..<1000 {
                        Counter(label: "c", dimensions: [("n", "\(number % 3)")], factory: registry).increment()
                        Timer(label: "t_seconds", factory: registry).recordSeconds(1)
                    }
                }
            }
        }
        let lines = registry.text().split(separator: "\n")
        #expect(lines.contains("c{n=\"0\"} 2672"))
        #expect(lines.contains("c{n=\"1\"} 2664"))
        #expect(lines.contains("t_seconds_count 8000"))
        #expect(lines.contains("t_seconds_sum 8000"))
    }

    @Test("the process tells its memory, files and time")
    func process() {
        let text = ProcessMetrics.text()
        for name in [
            "process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total",
            "process_start_time_seconds",
        ] {
            let value = text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }?.split(separator: " ").last
            #expect(value.flatMap { Double($0) }.map { $0 > 0 } == true, "\(name)")
        }
    }
}
