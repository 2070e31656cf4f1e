// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// What the system knows of this process, under the names that Prometheus' own clients have.
public enum ProcessMetrics {
    /// Tells it in Prometheus' text format, as far as `/proc` tells it. Reads a few small files.
    public static func text() -> String {
        var lines: [String] = []
        func tell(_ name: String, _ type: String, _ value: Double?) {
            guard let value else { return }
            lines += ["# TYPE \(name) \(type)", "\(name) \(value)"]
        }
        // The second word is the program's name, in parentheses, and may have anything in it.
        let stat = (try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)) ?? ""
        let words = stat.lastIndex(of: ")").map { stat[stat.index(after: $0)...].split(separator: " ") } ?? []
        func number(_ place: Int) -> Double? { place < words.count ? Double(words[place]) : nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        if let user = number(11), let system = number(12) {
            tell("process_cpu_seconds_total", "counter", (user + system) / ticks)
        }
        if let start = number(19), let boot = bootTime {
            tell("process_start_time_seconds", "gauge", boot + start / ticks)
        }
        tell("process_virtual_memory_bytes", "gauge", number(20))
        tell("process_resident_memory_bytes", "gauge", number(21).map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) })
        let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        tell("process_open_fds", "gauge", files.map(Double.init))
        return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
    }

    /// When the machine was started.
    private static var bootTime: Double? {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst("btime ".count)) }
    }
}
