// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Tells what was used since it was made: wall time, and CPU time of all threads of the process.
struct Stopwatch {
    private let started = ContinuousClock.now
    private let cpu = Self.cpuSeconds()

    /// Prints what was done with the time that it took: `pods=10000 seconds=1.23 cpu=0.98`.
    func report(_ counts: KeyValuePairs<String, Int>) {
        let cpu = Self.cpuSeconds() - cpu
        let seconds = (.now - started) / .seconds(1)
        let words = counts.map { "\($0.key)=\($0.value)" } + ["seconds=\(seconds)", "cpu=\(cpu)"]
        print(words.joined(separator: " "))
    }

    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
