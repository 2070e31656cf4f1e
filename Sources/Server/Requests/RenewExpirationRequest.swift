// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

import struct Foundation.Date

/// The body of `POST /sandboxes/{id}/renew-expiration`.
struct RenewExpirationRequest: Equatable {
    /// When the sandbox is to be deleted.
    var expiresAt: Date

    /// Reads the body.
    ///
    /// - Throws: ``ValidationError``.
    init(_ body: RequestObject) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        guard let expiresAt = body["expiresAt"].date(.required, &issues) else { throw ValidationError(issues: issues) }
        self.expiresAt = expiresAt
    }

    /// The date, if a sandbox can expire then. It may be earlier than the present one, and is not bounded by the longest
    /// time to live that a creation may ask for: upstream does both.
    ///
    /// - Throws: ``APIError`` (400, `DOCKER::INVALID_EXPIRATION`).
    func admit(now: Date) throws(APIError) -> Date {
        guard expiresAt > now else {
            throw APIError(
                .badRequest,
                "DOCKER::INVALID_EXPIRATION",
                "\(expiresAt.rfc3339) is not in the future; the server's clock says \(now.rfc3339)."
            )
        }
        guard expiresAt <= .endOfTime else {
            throw APIError(.badRequest, "DOCKER::INVALID_EXPIRATION", "The date is after the year 9999.")
        }
        return expiresAt
    }
}
