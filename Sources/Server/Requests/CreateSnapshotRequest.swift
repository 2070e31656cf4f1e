// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The body of `POST /sandboxes/{id}/snapshots`, which may be left out.
struct CreateSnapshotRequest: Equatable {
    /// What the owner calls the snapshot.
    var name: String?

    /// Reads the body.
    ///
    /// - Throws: ``ValidationError``.
    init(_ body: RequestObject) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        name = body["name"].string(.nullable, &issues)
        if name?.isEmpty == true {
            issues.append(
                ValidationIssue(
                    "string_too_short",
                    at: body["name"].location,
                    "String should have at least 1 character"
                )
            )
        }
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
    }
}
