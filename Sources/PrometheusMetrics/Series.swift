// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Synchronization

/// One line of the text, without the metric's name and labels.
struct Sample {
    var suffix = ""
    /// The upper bound of a bucket.
    var bound: String?
    let value: String
}

/// The values of a metric for one set of labels.
protocol Series: AnyObject, Sendable {
    var samples: [Sample] { get }
}

extension Double {
    /// As Prometheus reads it.
    fileprivate var sample: String {
        if isNaN { return "NaN" }
        if isInfinite { return self > 0 ? "+Inf" : "-Inf" }
        if self == rounded(), magnitude < 1e15 { return String(Int64(self)) }
        return String(describing: self)
    }
}

final class CounterSeries: Series, CounterHandler {
    private let count = Atomic<Int64>(0)

    var samples: [Sample] { [Sample(value: String(count.load(ordering: .relaxed)))] }

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    func reset() { count.store(0, ordering: .relaxed) }
}

final class FloatingPointCounterSeries: Series, FloatingPointCounterHandler {
    private let total = Mutex(0.0)

    var samples: [Sample] { [Sample(value: total.withLock { $0 }.sample)] }

    func increment(by amount: Double) {
        guard amount > 0 else { return }
        total.withLock { $0 += amount }
    }

    func reset() { total.withLock { $0 = 0 } }
}

final class GaugeSeries: Series, MeterHandler, RecorderHandler {
    private let current = Mutex(0.0)

    var samples: [Sample] { [Sample(value: current.withLock { $0 }.sample)] }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { current.withLock { $0 = value } }
    func increment(by amount: Double) { current.withLock { $0 += amount } }
    func decrement(by amount: Double) { current.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }
}

final class HistogramSeries: Series, TimerHandler, RecorderHandler {
    private struct State {
        /// How many values are in each bucket, and not in one before; the last one has no bound.
        var counts: [Int64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let unit: Double
    private let state: Mutex<State>

    /// - Parameter unit: What a timer's nanosecond is.
    init(_ buckets: PrometheusRegistry.Buckets, unit: Double) {
        bounds = buckets.bounds
        self.unit = unit
        state = Mutex(State(counts: Array(repeating: 0, count: buckets.bounds.count + 1)))
    }

    var samples: [Sample] {
        let state = state.withLock { $0 }
        var samples: [Sample] = []
        var total: Int64 = 0
        for (place, count) in state.counts.enumerated() {
            total += count
            let bound = place < bounds.count ? bounds[place].sample : "+Inf"
            samples.append(Sample(suffix: "_bucket", bound: bound, value: String(total)))
        }
        samples.append(Sample(suffix: "_sum", value: state.sum.sample))
        samples.append(Sample(suffix: "_count", value: String(total)))
        return samples
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) * unit) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard !value.isNaN else { return }
        let place = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[place] += 1
            state.sum += value
        }
    }
}
