// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Exploration
import Foundation

/// Explores the state machines within large budgets, one line an exploration, and then their deliberately broken variants.
///
/// It ends with a line that counts, and fails if a law is broken or a mistake is not found. `explore [--report FILE] [TEXT]`
/// runs those whose names contain the text, and writes a JUnit report.
@main
struct Explore {
    static func main() throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        var reportFile: String?
        if arguments.first == "--report", arguments.count > 1 {
            reportFile = arguments[1]
            arguments.removeFirst(2)
        }
        let text = arguments.first ?? ""
        var results: [CheckResult] = []
        for check in ModelCheck.large + ModelCheck.mutations where text.isEmpty || check.name.contains(text) {
            let result = CheckResult(of: check)
            try say(result.line)
            results.append(result)
        }
        let failed = results.count { $0.complaint != nil }
        let states = results.reduce(0) { $0 + $1.report.states }
        let seconds = results.reduce(0) { $0 + $1.seconds }
        try say(
            "explored \(states.grouped) states in \(Int(seconds)) s, at most \(peakMegabytes) MB of memory: "
                + "\(results.count - failed) passed, \(failed) failed"
        )
        if let reportFile {
            try Data(CheckResult.jUnitReport(results).utf8).write(to: URL(filePath: reportFile))
        }
        exit(failed == 0 ? 0 : 1)
    }

    /// Prints a line at once, also into a pipe.
    private static func say(_ line: String) throws {
        try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
    }

    /// The most memory that this process ever had.
    private static var peakMegabytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }
}
