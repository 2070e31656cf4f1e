// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Exploration

/// What came of one exploration, and how to tell it.
struct CheckResult {
    let name: String
    let report: Report
    let complaint: String?
    let seconds: Double

    /// Runs an exploration.
    init(of check: ModelCheck) {
        let clock = ContinuousClock()
        let start = clock.now
        name = check.name
        report = check.run()
        complaint = check.complaint(about: report)
        seconds = (clock.now - start) / .seconds(1)
    }

    /// One line, or more if there is something to complain of.
    var line: String {
        let tenths = Int(seconds * 10)
        let counts =
            "\(report.states.grouped) states, \(report.transitions.grouped) transitions, \(report.settled.grouped) settled, "
            + "\(tenths / 10).\(tenths % 10) s"
        switch (complaint, report.violation) {
        case (let complaint?, _): return "FAILED \(name): \(counts): \(complaint)"
        case (nil, let violation?):
            return
                "\(name): found after \(report.trace.count) steps, law \(violation.law): \(violation.text.prefix(80))"
        case (nil, nil): return "\(name): \(counts)"
        }
    }

    /// The results in the format that test runners share.
    static func jUnitReport(_ results: [CheckResult]) -> String {
        let cases = results.map { result in
            let failure = result.complaint.map { "<failure message=\"\($0.escaped)\"/>" } ?? ""
            return "<testcase classname=\"Exploration\" name=\"\(result.name.escaped)\" time=\"\(result.seconds)\">"
                + failure + "</testcase>"
        }
        return "<testsuites><testsuite name=\"Exploration\">\n" + cases.joined(separator: "\n")
            + "\n</testsuite></testsuites>\n"
    }
}

extension Int {
    /// With commas.
    var grouped: String {
        let digits = String(self)
        let lead = digits.count % 3
        let groups = stride(from: lead, to: digits.count, by: 3).map { digits.dropFirst($0).prefix(3) }
        return ((lead > 0 ? [digits.prefix(lead)] : []) + groups).joined(separator: ",")
    }
}

extension String {
    /// Fit for an attribute of XML.
    fileprivate var escaped: String {
        var text = ""
        for character in self {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "\n": text += "&#10;"
            default: text.append(character)
            }
        }
        return text
    }
}
