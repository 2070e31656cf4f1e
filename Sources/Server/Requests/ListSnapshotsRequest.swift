// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// What `GET /snapshots` asks for: which snapshots, and which page of them.
struct ListSnapshotsRequest: Equatable {
    /// The sandbox that they were taken of; nil: any.
    var sandboxID: String?
    /// Their exact name; nil: any.
    var name: String?
    /// States in lower case, any of which will do; empty: all.
    var states: Set<String>
    var page: PageRequest

    /// Reads the query.
    ///
    /// - Throws: ``ValidationError``.
    init(_ query: QueryParameters) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        page = PageRequest(query, &issues)
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
        sandboxID = query.all("sandboxId").last
        name = query.all("name").last
        states = Set(query.all("state").map { $0.lowercased() })
    }

    /// Whether a snapshot belongs to the list.
    func matches(_ snapshot: Snapshot) -> Bool {
        (sandboxID == nil || snapshot.sandboxID == sandboxID) && (name == nil || snapshot.name == name)
            && (states.isEmpty || states.contains(snapshot.status.state.rawValue.lowercased()))
    }
}
