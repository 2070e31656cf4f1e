// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How long it took an SDK to create a sandbox, as the SDK tells it after the fact.
struct MetricsEvent: Equatable {
    var sandboxID: String?
    var image: String?
    /// Milliseconds.
    var createDuration: Int
    var success: Bool

    /// Reads the body of `POST /metrics/events`.
    ///
    /// - Throws: ``ValidationError``.
    init(_ body: RequestObject) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        let type = body["eventType"].string(.required, &issues)
        if let type, type != "sandbox.create" {
            issues.append(
                ValidationIssue("literal_error", at: body["eventType"].location, "Input should be 'sandbox.create'")
            )
        }
        sandboxID = body["sandboxId"].string(.nullable, &issues)
        image = body["image"].string(.nullable, &issues)
        let duration = body["createDurationMs"].integer(.required, in: 0...Int.max, &issues)
        let success = body["success"].bool(.required, &issues)
        guard issues.isEmpty, let duration, let success else { throw ValidationError(issues: issues) }
        self.createDuration = duration
        self.success = success
    }
}
