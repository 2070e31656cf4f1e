// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SandboxModels

import struct Foundation.Date

extension CreateSandboxRequest {
    /// A request that this server can hand on to its runtime.
    struct Admitted {
        var spec: SandboxSpec
        var credentials: ImageCredentials?
        var expiresAt: Date?
    }

    /// What the runtime is asked for.
    ///
    /// - Parameters:
    ///   - now: When the time to live begins.
    ///   - maximumTimeout: The longest time to live in seconds, if there is a limit. It does not concern sandboxes without
    ///     a time to live, as upstream does it.
    /// - Throws: ``APIError``.
    func admit(now: Date, maximumTimeout: Int?) throws(APIError) -> Admitted {
        guard unsupportedFields.isEmpty else {
            throw .notSupported("This server cannot do what \(unsupportedFields.joined(separator: ", ")) asks for.")
        }
        try KnownExtensions.check(extensions)
        var image = Image(uri: "")
        var snapshotID: String?
        switch source {
        case .image(let given): image = given
        case .snapshot(let id): snapshotID = id
        }
        try LabelRules.check(metadata)
        var expiresAt: Date?
        if let timeout {
            if let maximumTimeout, timeout > maximumTimeout {
                throw .invalidParameter(
                    "A timeout of \(timeout) s is longer than this server allows (\(maximumTimeout) s)."
                )
            }
            let date = now.addingTimeInterval(Double(timeout))
            guard date <= .endOfTime else {
                throw .invalidParameter("A timeout of \(timeout) s ends after the year 9999; leave it out for no end.")
            }
            expiresAt = date
        }
        let spec = SandboxSpec(
            image: image.uri,
            snapshotID: snapshotID,
            entrypoint: entrypoint,
            environment: environment,
            resourceLimits: resourceLimits,
            metadata: metadata,
            extensions: extensions,
            platform: platform,
            volumes: try VolumeRequest.admit(volumes)
        )
        return Admitted(spec: spec, credentials: image.credentials, expiresAt: expiresAt)
    }
}

/// The extension parameters whose values upstream checks.
enum KnownExtensions {
    static let renewOnAccess = "access.renew.extend.seconds"

    static func check(_ extensions: [String: String]) throws(APIError) {
        guard let text = extensions[renewOnAccess] else { return }
        guard let seconds = Int(text.trimmed), (300...86_400).contains(seconds) else {
            throw .invalidParameter(
                "extensions[\"\(renewOnAccess)\"] must be a number of seconds from 300 to 86400, written as a string."
            )
        }
    }
}
