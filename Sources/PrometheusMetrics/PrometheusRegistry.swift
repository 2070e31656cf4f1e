// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import CoreMetrics
import Synchronization

/// Keeps what is measured, and tells it in Prometheus' text format.
///
/// It is what a program gives to `MetricsSystem.bootstrap`. Counters become counters; meters, and recorders that do not aggregate,
/// gauges; timers, and recorders that do, histograms. A timer whose name ends with `_seconds` tells seconds, any other one
/// nanoseconds. A metric is one series for each set of labels, of which there may be only so many: what comes after that is
/// counted in one series, all of whose labels are `other`.
public final class PrometheusRegistry: MetricsFactory {
    /// Upper bounds of a histogram's buckets, in ascending order; one without a bound is added.
    public struct Buckets: Sendable, Hashable {
        /// The bounds.
        public let bounds: [Double]

        /// Creates buckets.
        public init(_ bounds: [Double]) { self.bounds = bounds.sorted() }

        /// From a millisecond to ten minutes: requests, reconciliations, pauses.
        public static let seconds = Buckets([
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
        ])
    }

    private enum Shape: String {
        case counter, gauge, histogram
    }

    private struct Metric {
        let shape: Shape
        var series: [[Label]: any Series] = [:]
    }

    private struct Label: Hashable {
        let name: String
        let value: String
    }

    private let metrics = Mutex<[String: Metric]>([:])
    private let buckets: [String: Buckets]
    private let help: [String: String]
    private let seriesLimit: Int

    /// Creates an empty registry.
    ///
    /// - Parameters:
    ///   - buckets: Those of histograms, by name, where ``Buckets/seconds`` do not fit.
    ///   - help: What metrics mean, by name.
    ///   - seriesLimit: How many series a metric may have.
    public init(buckets: [String: Buckets] = [:], help: [String: String] = [:], seriesLimit: Int = 1000) {
        self.buckets = buckets
        self.help = help
        self.seriesLimit = seriesLimit
    }

    // MARK: Telling

    /// The media type of ``text()``.
    public static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// All metrics, sorted by name and labels.
    public func text() -> String {
        // The values are read one after the other, each as it is then.
        let all = metrics.withLock { $0 }
        var text = ""
        for (name, metric) in all.sorted(by: { $0.key < $1.key }) {
            if let help = help[name] { text += "# HELP \(name) \(Self.escaped(help, quote: false))\n" }
            text += "# TYPE \(name) \(metric.shape.rawValue)\n"
            let series = metric.series.map { (labels: Self.text(of: $0.key), series: $0.value) }
            for (labels, series) in series.sorted(by: { $0.labels < $1.labels }) {
                for sample in series.samples {
                    let extra = sample.bound.map { "le=\"\($0)\"" }
                    let all = [labels, extra].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ",")
                    text += "\(name)\(sample.suffix)\(all.isEmpty ? "" : "{\(all)}") \(sample.value)\n"
                }
            }
        }
        return text
    }

    private static func text(of labels: [Label]) -> String {
        labels.map { "\($0.name)=\"\(escaped($0.value, quote: true))\"" }.joined(separator: ",")
    }

    private static func escaped(_ text: String, quote: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    // MARK: Taking part

    private func series<Found: Series>(
        _ label: String,
        _ dimensions: [(String, String)],
        _ shape: Shape,
        _ make: () -> Found
    ) -> Found {
        let name = Self.name(label, mayHaveColons: true)
        var labels: [String: String] = [:]
        for (key, value) in dimensions { labels[Self.name(key, mayHaveColons: false)] = value }
        let key = labels.map { Label(name: $0.key, value: $0.value) }.sorted { $0.name < $1.name }
        return metrics.withLock { metrics in
            var metric = metrics[name] ?? Metric(shape: shape)
            // One of another shape under this name would make the whole text unreadable: it is kept, and not told.
            guard metric.shape == shape else { return make() }
            if let found = metric.series[key] as? Found { return found }
            var place = key
            if metric.series.count >= seriesLimit, !key.isEmpty {
                place = key.map { Label(name: $0.name, value: "other") }
                if let found = metric.series[place] as? Found { return found }
            }
            let made = make()
            metric.series[place] = made
            metrics[name] = metric
            return made
        }
    }

    /// What Prometheus takes for a name.
    private static func name(_ text: String, mayHaveColons: Bool) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            let isLetter = "a"..."z" ~= scalar || "A"..."Z" ~= scalar || scalar == "_" || mayHaveColons && scalar == ":"
            let isDigit = "0"..."9" ~= scalar
            if isDigit, name.isEmpty { name = "_" }
            name.unicodeScalars.append(isLetter || isDigit ? scalar : "_")
        }
        return name.isEmpty ? "_" : name
    }

    /// A counter.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter) { CounterSeries() }
    }

    /// A counter of what is not whole.
    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter) { FloatingPointCounterSeries() }
    }

    /// A gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge) { GaugeSeries() }
    }

    /// A histogram if it aggregates, else a gauge.
    public func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return series(label, dimensions, .gauge) { GaugeSeries() } }
        return series(label, dimensions, .histogram) { makeHistogram(label, unit: 1) }
    }

    /// A histogram.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram) {
            makeHistogram(label, unit: label.hasSuffix("_seconds") ? 1e-9 : 1)
        }
    }

    private func makeHistogram(_ label: String, unit: Double) -> HistogramSeries {
        HistogramSeries(buckets[Self.name(label, mayHaveColons: true)] ?? .seconds, unit: unit)
    }

    // A series stays when the one who has measured it goes: Prometheus takes one that begins anew for a restart.

    /// Does nothing.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Does nothing.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    /// Does nothing.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Does nothing.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Does nothing.
    public func destroyTimer(_ handler: any TimerHandler) {}
}
