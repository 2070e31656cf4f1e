// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotEngine

import struct Foundation.Data
import class Foundation.JSONEncoder

/// What the checks before a commit came to: printed as they are made, and added up.
struct PreflightReport {
    private let print: @Sendable (String) -> Void
    private var passed = 0
    private var warnings = 0
    private var skipped = 0
    private var failures: [CommitterError] = []

    init(print: @escaping @Sendable (String) -> Void) {
        self.print = print
    }

    /// Why a commit would fail, if it would.
    var failure: CommitterError? {
        guard let first = failures.first else { return nil }
        let areAlike = failures.allSatisfy { $0.kind == first.kind }
        return CommitterError(
            areAlike ? first.kind : .failed,
            reason: areAlike ? first.reason : nil,
            failures.map(\.message).joined(separator: "; ")
        )
    }

    /// Prints and counts a finding.
    mutating func add(_ finding: PreflightFinding) {
        var line = Line(check: finding.check.rawValue, status: "", message: "", container: finding.container)
        switch finding.outcome {
        case .passed(let message):
            (line.status, line.message) = ("passed", message)
            passed += 1
        case .warning(let message):
            (line.status, line.message) = ("warning", message)
            warnings += 1
        case .skipped(let message):
            (line.status, line.message) = ("skipped", message)
            skipped += 1
        case .failed(let error):
            let failure = CommitterError(error)
            (line.status, line.message, line.reason) = ("failed", failure.message, failure.reason)
            failures.append(failure)
        }
        print(Self.text(line))
    }

    /// Prints the sum.
    func finish() {
        print(
            Self.text(
                Sum(
                    preflight: failures.isEmpty ? "passed" : "failed",
                    passed: passed,
                    warnings: warnings,
                    failed: failures.count,
                    skipped: skipped
                )
            )
        )
    }

    private struct Line: Encodable {
        var check: String
        var status: String
        var message: String
        var container: String?
        var reason: String?
    }

    private struct Sum: Encodable {
        var preflight: String
        var passed: Int
        var warnings: Int
        var failed: Int
        var skipped: Int
    }

    private static func text(_ line: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and integers can always be encoded.
        return String(decoding: (try? encoder.encode(line)) ?? Data(), as: UTF8.self)
    }
}
