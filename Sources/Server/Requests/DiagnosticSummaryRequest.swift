// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What `GET /sandboxes/{id}/diagnostics/summary` asks for.
struct DiagnosticSummaryRequest: Equatable {
    /// Lines of the log.
    var tail: Int
    /// Events.
    var eventLimit: Int

    /// Reads the query.
    ///
    /// - Throws: ``ValidationError``.
    init(_ query: QueryParameters) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        tail = query.field("tail").integer(.optional, in: 1...10_000, &issues) ?? 50
        eventLimit = query.field("event_limit").integer(.optional, in: 1...500, &issues) ?? 20
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
    }
}
