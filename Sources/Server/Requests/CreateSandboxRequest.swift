// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The body of `POST /sandboxes`, with every field of a right type and the model's own rules kept.
struct CreateSandboxRequest: Equatable {
    /// An image and what it takes to pull it.
    struct Image: Equatable {
        var uri: String
        var credentials: ImageCredentials?
    }

    /// What the sandbox starts from.
    enum Source: Equatable {
        case image(Image)
        case snapshot(id: String)
        /// A sandbox that is ready; an image is only for the record.
        case pool(Image?)
    }

    var source: Source
    /// `os/architecture`.
    var platform: String?
    /// Seconds until the sandbox is deleted; nil: never.
    var timeout: Int?
    var resourceLimits: [String: String]
    var environment: [String: String]
    var metadata: [String: String]
    var entrypoint: [String]
    var extensions: [String: String]
    var volumes: [VolumeRequest]
    /// What it asks for besides.
    var options: SandboxOptions
    /// What of it only some runtimes have.
    var features: Set<SandboxFeature>
    /// What it leaves out that a request with an image has to say, unless the image does.
    var omissions: [Omission] = []
    /// What its own errors are about.
    var bodyLocation: [ValidationIssue.Step] = []
}

extension CreateSandboxRequest {
    /// What a sandbox runs that was restored without saying what it should run; upstream's default.
    static let restoredEntrypoint = ["tail", "-f", "/dev/null"]

    /// Reads the body.
    ///
    /// - Throws: ``ValidationError`` with all that is wrong with it.
    init(_ body: RequestObject) throws(ValidationError) {
        try self.init(readingLeniently: body)
        if let omission = omissions.first { throw refusal(omission) }
    }

    /// Reads the body of which something may be missing that the image may say itself.
    ///
    /// - Throws: ``ValidationError`` with all else that is wrong with it.
    init(readingLeniently body: RequestObject) throws(ValidationError) {
        var issues: [ValidationIssue] = []
        let image = Self.image(body["image"], &issues)
        let snapshotID = body["snapshotId"].string(.nullable, &issues)
        let platform = Self.platform(body["platform"], &issues)
        let timeout = body["timeout"].integer(.nullable, in: 60...Int.max, &issues)
        let resourceLimits = body["resourceLimits"].map(.nullable, &issues)
        let environment = body["env"].map(.nullable, values: .nullable, &issues)
        let metadata = body["metadata"].map(.nullable, &issues)
        let entrypoint = body["entrypoint"].strings(.nullable, atLeast: 1, &issues)
        let extensions = body["extensions"].map(.nullable, &issues)
        let volumes = (body["volumes"].list(.nullable, &issues) ?? []).compactMap { VolumeRequest($0, &issues) }
        var options = Self.options(body, &issues)
        _ = body["templateId"].string(.nullable, &issues)
        guard issues.isEmpty else { throw ValidationError(issues: issues) }

        /// A rule that concerns the body as a whole is told only when every field is right.
        func broken(_ rule: String) -> ValidationError {
            ValidationError(issues: [ValidationIssue("value_error", at: body.location, "Value error, \(rule)")])
        }
        let pool = extensions?["poolRef"]?.trimmed ?? ""
        let snapshot = snapshotID?.trimmed ?? ""
        let usableImage = image.flatMap { $0.uri.trimmed.isEmpty ? nil : $0 }
        switch (usableImage, snapshot.isEmpty) {
        case (_, false) where !pool.isEmpty:
            throw broken("snapshotId cannot be used together with poolRef.")
        case (_, true) where !pool.isEmpty:
            guard options.credentialProxy != true else {
                throw broken("credentialProxy cannot be used together with poolRef.")
            }
            source = .pool(usableImage)
            options.pool = pool
        case (let image?, true):
            source = .image(image)
        case (nil, false):
            source = .snapshot(id: snapshot)
        case (_?, false), (nil, true):
            throw broken("Exactly one of image or snapshotId must be provided.")
        }
        bodyLocation = body.location
        if usableImage != nil, entrypoint == nil, pool.isEmpty { omissions.append(.entrypoint) }
        if resourceLimits == nil, pool.isEmpty { omissions.append(.resourceLimits) }
        self.platform = platform
        self.timeout = timeout
        self.resourceLimits = resourceLimits ?? [:]
        self.environment = environment ?? [:]
        self.metadata = metadata ?? [:]
        self.entrypoint = entrypoint ?? Self.restoredEntrypoint
        self.extensions = extensions ?? [:]
        self.volumes = volumes
        features = Self.features(options, body)
        self.options = options
    }

    private static func image(_ field: RequestField, _ issues: inout [ValidationIssue]) -> Image? {
        guard let image = field.object(.nullable, &issues) else { return nil }
        let uri = image["uri"].string(.required, &issues)
        var credentials: ImageCredentials?
        if let auth = image["auth"].object(.nullable, &issues) {
            let username = auth["username"].string(.required, &issues)
            let password = auth["password"].string(.required, &issues)
            if let username, let password {
                credentials = ImageCredentials(username: username, password: password)
            }
        }
        return uri.map { Image(uri: $0.trimmed, credentials: credentials) }
    }

    private static func platform(_ field: RequestField, _ issues: inout [ValidationIssue]) -> String? {
        guard let platform = field.object(.nullable, &issues) else { return nil }
        let system = platform["os"].string(.required, &issues)
        let architecture = platform["arch"].string(.required, &issues)
        guard let system, let architecture else { return nil }
        return "\(system)/\(architecture)"
    }
}
