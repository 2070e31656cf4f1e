// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What `GET /sandboxes/{id}/diagnostics/events` asks for.
enum DiagnosticEventsRequest: Equatable {
    /// A description with the text in it.
    case content(Scope)
    /// The last events as plain text, upstream's older form.
    case plain(limit: Int)

    /// What events can be about. There is one history here, so all of them mean the same.
    enum Scope: String, CaseIterable {
        /// What the runtime does.
        case runtime
        /// What becomes of the sandbox.
        case lifecycle
        /// Everything.
        case all
    }

    /// Reads the query; `scope` decides which form it is.
    ///
    /// - Throws: ``ValidationError``, or ``APIError`` (400).
    init(_ query: QueryParameters) throws {
        if let scope: Scope = try query.scope(of: "events") {
            self = .content(scope)
            return
        }
        var issues: [ValidationIssue] = []
        let limit = query.field("limit").integer(.optional, in: 1...500, &issues) ?? 50
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
        self = .plain(limit: limit)
    }
}
