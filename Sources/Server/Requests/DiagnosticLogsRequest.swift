// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SandboxModels

import struct Foundation.Date

/// What `GET /sandboxes/{id}/diagnostics/logs` asks for.
enum DiagnosticLogsRequest: Equatable {
    /// A description with the text in it.
    case content(Scope)
    /// The last lines as plain text, upstream's older form.
    case plain(tail: Int, since: Double?)

    /// What logs can be about.
    enum Scope: String, CaseIterable {
        /// What the sandbox prints.
        case container
        /// What the runtime does with it.
        case lifecycle
        /// Everything.
        case all
    }

    /// Reads the query; `scope` decides which form it is.
    ///
    /// - Throws: ``ValidationError``, or ``APIError`` (400).
    init(_ query: QueryParameters) throws {
        if let scope: Scope = try query.scope(of: "logs") {
            self = .content(scope)
            return
        }
        var issues: [ValidationIssue] = []
        let tail = query.field("tail").integer(.optional, in: 1...10_000, &issues) ?? 100
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
        var since: Double?
        if let text = query.all("since").last, !text.isEmpty {
            guard let seconds = Self.seconds(text) else {
                throw APIError.invalidParameter("since is '\(text)' but must be a duration such as 30s, 10m, 2h or 1d.")
            }
            since = seconds
        }
        self = .plain(tail: tail, since: since)
    }

    /// The seconds of a whole number with a unit.
    private static func seconds(_ text: String) -> Double? {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = UInt32(text.dropLast()) else { return nil }
        return Double(count) * unit
    }
}

extension SandboxLog {
    /// The last lines, if anything was printed in the last seconds. Lines carry no time of their own, so either all of
    /// them are told or none.
    func lines(_ count: Int, since seconds: Double?, now: Date) -> String {
        if let seconds, let lastWrittenAt, lastWrittenAt < now.addingTimeInterval(-seconds) { return "" }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // The text ends with a line's end, after which there is no line.
        let isEnded = lines.last?.isEmpty == true
        return lines.suffix(isEnded ? count + 1 : count).joined(separator: "\n")
    }
}
