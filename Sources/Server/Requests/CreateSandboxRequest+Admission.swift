// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KubeModels
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
    ///   - supported: What the runtime has of that which not all have. What would change a sandbox's isolation or its files is
    ///     refused, never ignored.
    ///   - requestKey: What the client calls the request, to be able to send it again.
    ///   - allowsChosenIDs: Whether clients may choose identities. Otherwise a choice is a wish that is not granted.
    ///   - maximumTimeout: The longest time to live in seconds, if there is a limit. It does not concern sandboxes without
    ///     a time to live, as upstream does it.
    /// - Throws: ``APIError``.
    func admit(
        now: Date,
        supported: Set<SandboxFeature> = [],
        requestKey: String? = nil,
        allowsChosenIDs: Bool = false,
        maximumTimeout: Int?
    ) throws(APIError) -> Admitted {
        let missing = features.subtracting(supported).map(\.rawValue).sorted()
        guard missing.isEmpty else {
            throw .notSupported("This server cannot do what \(missing.joined(separator: ", ")) asks for.")
        }
        try KnownExtensions.check(extensions)
        var image = Image(uri: "")
        var snapshotID: String?
        switch source {
        case .image(let given): image = given
        case .snapshot(let id): snapshotID = id
        case .pool(let given):
            image = given ?? image
            guard volumes.isEmpty else { throw .invalidParameter("volumes cannot be used together with poolRef.") }
            guard platform == nil else { throw .invalidParameter("platform cannot be used together with poolRef.") }
            guard options.networkPolicy == nil, options.lifecycle == nil else {
                throw .invalidParameter("networkPolicy and lifecycle cannot be used together with poolRef.")
            }
        }
        if options.credentialProxy == true, options.networkPolicy == nil {
            throw .invalidParameter("credentialProxy needs a networkPolicy.")
        }
        var options = options
        options.requestKey = requestKey
        var extensions = extensions
        if let chosen = extensions.removeValue(forKey: SandboxExtension.chosenID) {
            guard NameRule.label.problem(with: chosen) == nil else {
                throw .invalidParameter(
                    """
                    extensions["\(SandboxExtension.chosenID)"] must be 1 to 63 lower-case letters, digits and '-', with a letter \
                    or a digit at each end.
                    """
                )
            }
            if allowsChosenIDs { options.chosenID = chosen }
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
            volumes: try VolumeRequest.admit(volumes),
            options: options == SandboxOptions() ? nil : options
        )
        return Admitted(spec: spec, credentials: image.credentials, expiresAt: expiresAt)
    }
}

/// The extension parameters whose values upstream checks.
enum KnownExtensions {
    static func check(_ extensions: [String: String]) throws(APIError) {
        try checkSeconds(SandboxExtension.renewOnAccess, in: 300...86_400, of: extensions)
        try checkSeconds(SandboxExtension.pauseWhenIdle, in: 10...2_592_000, of: extensions)
        if let word = extensions[SandboxExtension.resumeOnAccess], !["true", "false"].contains(word) {
            throw .invalidParameter(
                "extensions[\"\(SandboxExtension.resumeOnAccess)\"] must be \"true\" or \"false\", written as a string."
            )
        }
    }

    private static func checkSeconds(
        _ name: String,
        in range: ClosedRange<Int>,
        of extensions: [String: String]
    ) throws(APIError) {
        guard let text = extensions[name] else { return }
        guard let seconds = Int(text.trimmed), range.contains(seconds) else {
            throw .invalidParameter(
                """
                extensions["\(name)"] must be a number of seconds from \(range.lowerBound) to \(range.upperBound), written as a \
                string.
                """
            )
        }
    }
}
