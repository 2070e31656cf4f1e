// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// What was found of one thing.
struct DoctorFinding: Sendable, Hashable {
    /// How it is.
    enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// As it has to be.
        case ok
        /// Perhaps not as it is wanted.
        case warning
        /// Something will not work.
        case problem
        /// Nobody knows.
        case unchecked = "not checked"
    }

    var check: DoctorCheck
    var outcome: Outcome
    /// Why it is not in order; nil if it is.
    var reason: DoctorReason?
    /// What it is about.
    var subject: String
    /// What was found: the rest of a sentence that begins with the subject, or a whole one.
    var message: String
    /// What to do about it.
    var remedy: String?

    /// Something is in order.
    static func ok(_ check: DoctorCheck, _ subject: String, _ message: String) -> DoctorFinding {
        DoctorFinding(check: check, outcome: .ok, subject: subject, message: message)
    }

    /// Something is not.
    static func fault(
        _ reason: DoctorReason,
        _ subject: String,
        _ message: String,
        do remedy: String
    ) -> DoctorFinding {
        DoctorFinding(
            check: reason.check ?? .server,
            outcome: reason.outcome,
            reason: reason,
            subject: subject,
            message: message,
            remedy: remedy
        )
    }

    /// It cannot be known.
    static func unchecked(
        _ check: DoctorCheck,
        _ subject: String,
        _ message: String,
        do remedy: String? = nil
    ) -> DoctorFinding {
        DoctorFinding(
            check: check,
            outcome: .unchecked,
            reason: .notChecked,
            subject: subject,
            message: message,
            remedy: remedy
        )
    }

    /// For programs.
    var json: JSONValue {
        var value: JSONValue = [
            "check": .string(check.rawValue), "outcome": .string(outcome.rawValue), "subject": .string(subject),
            "message": .string(message),
        ]
        if let reason { value["reason"] = .string(reason.rawValue) }
        if let remedy { value["remedy"] = .string(remedy) }
        return value
    }
}

extension Collection<String> {
    /// The first of them for people, and how many others there are.
    func told(limit: Int = 10) -> String {
        let first = prefix(limit).joined(separator: ", ")
        return count > limit ? "\(first) and \(count - limit) more" : first
    }
}
