// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// The body of `PATCH /sandboxes/{id}/metadata`: an RFC 7396 merge patch of a flat object. What it does not name stays.
struct PatchMetadataRequest: Equatable {
    /// What keys become; nil: they are removed.
    var patch: [String: String?]

    /// Reads the body. The rules for labels are those of a creation.
    ///
    /// - Throws: ``ValidationError``, or ``APIError`` (400, `SANDBOX::INVALID_METADATA_LABEL`).
    init(_ body: RequestObject) throws {
        var issues: [ValidationIssue] = []
        patch = [:]
        for key in body.members.keys.sorted() {
            patch.updateValue(body[key].string(.nullable, &issues), forKey: key)
        }
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
        // A key that is removed has to be one that its owner could have set.
        try LabelRules.check(patch.mapValues { $0 ?? "" })
    }
}
