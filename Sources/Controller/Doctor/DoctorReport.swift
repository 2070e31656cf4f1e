// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// All that was found, for people and for programs.
struct DoctorReport: Sendable {
    /// What was found, in the order of the checks.
    let findings: [DoctorFinding]

    init(_ findings: [DoctorFinding]) {
        let order = Dictionary(uniqueKeysWithValues: DoctorCheck.allCases.enumerated().map { ($1, $0) })
        // What is of one check stays in its order.
        self.findings = findings.enumerated().sorted {
            (order[$0.element.check] ?? 0, $0.offset) < (order[$1.element.check] ?? 0, $1.offset)
        }.map(\.element)
    }

    /// How many there are of an outcome.
    func count(_ outcome: DoctorFinding.Outcome) -> Int { findings.count { $0.outcome == outcome } }

    /// Whether something will not work.
    var hasProblems: Bool { count(.problem) > 0 }

    /// For people.
    var text: String {
        var lines: [String] = []
        var last: DoctorCheck?
        for finding in findings {
            if finding.check != last { lines.append(finding.check.rawValue) }
            last = finding.check
            let word = finding.outcome.rawValue
            let pad = String(repeating: " ", count: max(0, 11 - word.count))
            let name =
                finding.reason == nil || finding.reason == .notChecked ? "" : "\(finding.reason?.rawValue ?? ""): "
            lines.append("  \(word)\(pad)  \(name)\(finding.subject): \(finding.message)")
            if let remedy = finding.remedy { lines.append("               -> \(remedy)") }
        }
        lines += ["", sum]
        return lines.joined(separator: "\n")
    }

    private var sum: String {
        let problems = count(.problem)
        let warnings = count(.warning)
        let parts = [
            problems == 0 ? "no problems" : problems == 1 ? "1 problem" : "\(problems) problems",
            warnings == 1 ? "1 warning" : "\(warnings) warnings", "\(count(.unchecked)) not checked",
            "\(count(.ok)) in order",
        ]
        return parts.joined(separator: ", ") + ". docs/doctor.md explains each word."
    }

    /// For programs.
    var json: String {
        let value: JSONValue = [
            "version": .string(ControllerVersion.current),
            "problems": .number(JSONNumber(count(.problem))), "warnings": .number(JSONNumber(count(.warning))),
            "unchecked": .number(JSONNumber(count(.unchecked))), "ok": .number(JSONNumber(count(.ok))),
            "findings": .array(findings.map(\.json)),
        ]
        return value.jsonText
    }
}
