// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// What a create of the E2B API asks for, of either version. What nobody knows is ignored.
struct E2BCreateRequest: Equatable {
    /// The name of a template, or a snapshot.
    var templateID: String
    /// Seconds; nil: it never ends.
    var timeout: Int?
    var policy: TimeoutPolicy
    var wakesOnTraffic: Bool
    var metadata: [String: String]
    /// What is neither metadata nor a field of the API; see ``E2BExtension``.
    var extensions: [String: String]
    var environment: [String: String]
    /// What it may connect to, if that is limited.
    var networkPolicy: NetworkPolicy?
    /// Whether the program that runs commands in it is for those alone who know its token.
    var isSecure: Bool
    /// Whether all its other ports are, too.
    var closesAllPorts: Bool

    /// Reads a body.
    ///
    /// - Throws: ``E2BError`` (400), ``ValidationError``.
    init(_ body: RequestObject, _ configuration: ServerConfiguration.E2B) throws {
        var issues: [ValidationIssue] = []
        let template = body["templateID"].string(.nullable, &issues) ?? ""
        let pauses = body["autoPause"].bool(.nullable, &issues) ?? false
        let autoResume = body["autoResume"].object(.nullable, &issues)
        let resumes = autoResume?["enabled"].bool(.nullable, &issues) ?? false
        let metadata = body["metadata"].map(.nullable, &issues) ?? [:]
        let environment = body["envVars"].map(.nullable, &issues) ?? [:]
        isSecure = body["secure"].bool(.nullable, &issues) ?? true
        let hasInternet = body["allow_internet_access"].bool(.nullable, &issues) ?? true
        let network = body["network"].object(.nullable, &issues)
        let policy = try network.map { try E2BNetwork($0, &issues) } ?? E2BNetwork()
        let mounts = body["volumeMounts"].list(.nullable, &issues) ?? []
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
        guard mounts.isEmpty else { throw E2BError.bad("This server has no volumes that could be mounted.") }
        guard body["mcp"].isBlank else { throw E2BError.bad("This server has no MCP gateway.") }

        let longest = configuration.maximumTimeout
        let timeout = try E2BTimeout.read(body["timeout"], "timeout", from: 0, to: longest) ?? 0
        let (rest, extensions) = try E2BExtension.taking(from: metadata)
        let isEndless = extensions[E2BExtension.neverTimeout] == "true"
        // What nobody asks for must not be longer than what may be asked for.
        self.timeout = isEndless ? nil : timeout > 0 ? timeout : min(E2BTimeout.usual, longest)
        let known = configuration.templates[template] != nil
        templateID =
            !known && ["", "base"].contains(template) ? configuration.defaultTemplate ?? template : template
        self.metadata = rest
        self.extensions = extensions
        self.environment = environment
        wakesOnTraffic = resumes
        closesAllPorts = !policy.isPublic
        networkPolicy = E2BNetwork(hasInternet: hasInternet, policy).limits
        self.policy = TimeoutPolicy(
            pauses ? .pause : .delete,
            retention: extensions[E2BExtension.pausedRetention].flatMap(E2BExtension.retention) ?? .forever,
            leastAfterResume: Double(min(configuration.minimumResumeTimeout, longest))
        )
    }

    /// Puts what was asked for into what it is created from.
    func fill(_ spec: inout SandboxSpec) {
        spec.metadata.merge(metadata) { _, mine in mine }
        spec.environment.merge(environment) { _, mine in mine }
        spec.extensions.merge(extensions) { _, mine in mine }
        if wakesOnTraffic { spec.extensions[SandboxExtension.resumeOnAccess] = "true" }
        spec.timeout = policy
        if isSecure || closesAllPorts { spec.access = .random(closesAllPorts: closesAllPorts) }
        if let networkPolicy {
            var options = spec.options ?? SandboxOptions()
            options.networkPolicy = networkPolicy
            spec.options = options
        }
    }
}

/// What a sandbox may connect to, in E2B's words: lists of addresses that are let through and that are not.
struct E2BNetwork: Equatable {
    var allowed: [String] = []
    var denied: [String] = []
    /// Whether its ports are for everybody.
    var isPublic = true

    init() {}

    /// Reads lists.
    init(_ object: RequestObject, _ issues: inout [ValidationIssue]) throws {
        allowed = object["allowOut"].strings(.nullable, &issues) ?? []
        denied = object["denyOut"].strings(.nullable, &issues) ?? []
        isPublic = object["allowPublicTraffic"].bool(.nullable, &issues) ?? true
    }

    /// The same, with or without everything that is not spoken of.
    init(hasInternet: Bool, _ network: E2BNetwork) {
        self = network
        if !hasInternet { denied.append(Self.everything) }
    }

    private static let everything = "0.0.0.0/0"

    /// The limits; nil if there are none.
    var limits: NetworkPolicy? {
        guard !denied.isEmpty else { return nil }
        let rules = allowed.map { NetworkPolicy.Rule(.allow, $0) }
        guard !denied.contains(Self.everything) else { return NetworkPolicy(defaultAction: .deny, egress: rules) }
        return NetworkPolicy(
            defaultAction: .allow,
            egress: rules + denied.map { NetworkPolicy.Rule(.deny, $0) }
        )
    }
}
