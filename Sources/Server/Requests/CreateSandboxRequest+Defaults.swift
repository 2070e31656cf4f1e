// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotStore

/// What an image says itself, for a request that leaves it out.
extension CreateSandboxRequest {
    /// What upstream's model demands of a request with an image, and what is missing of it, in that order.
    enum Omission: String, Equatable {
        case entrypoint = "Entrypoint is required when image is provided."
        case resourceLimits = "resourceLimits is required when poolRef is not provided."
    }

    /// Fills in what the image of a snapshot says about itself. Of any other image nothing is taken: then the request is
    /// refused for what it leaves out, as upstream refuses it.
    ///
    /// - Throws: ``ValidationError``; `SandboxError` if the image is a snapshot's that says it neither, or cannot be read.
    func filled(by runtime: any SandboxRuntime) async throws -> CreateSandboxRequest {
        guard let omission = omissions.first else { return self }
        guard case .image(let image) = source else { throw refusal(omission) }
        let found: RestoreDefaults?
        do {
            found = try await runtime.restoreDefaults(ofImage: image.uri, credentials: image.credentials)
        } catch let error as SandboxError where [.imageUnavailable, .invalidParameter].contains(error.code) {
            // Whatever it is, the request does not say enough about it.
            throw refusal(omission)
        }
        guard let defaults = found else { throw refusal(omission) }
        var filled = self
        filled.omissions = []
        if omissions.contains(.entrypoint) {
            guard !defaults.entrypoint.isEmpty else { throw refusal(.entrypoint) }
            filled.entrypoint = defaults.entrypoint
        }
        if omissions.contains(.resourceLimits) {
            // A sandbox that had no limits has none again.
            filled.resourceLimits = defaults.limits
            if filled.options.resourceRequests == nil {
                let requests = defaults.requests.filter {
                    defaults.limits[$0.key] != nil && defaults.limits[$0.key] != $0.value
                }
                if !requests.isEmpty { filled.options.resourceRequests = requests }
            }
        }
        return filled
    }

    /// The error that upstream's model gives.
    func refusal(_ omission: Omission) -> ValidationError {
        ValidationError(
            issues: [ValidationIssue("value_error", at: bodyLocation, "Value error, \(omission.rawValue)")]
        )
    }
}
