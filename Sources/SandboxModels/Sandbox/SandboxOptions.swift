// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a sandbox is asked to have besides what every runtime gives. A runtime must not ignore what it does not have; see
/// ``SandboxFeature``.
public struct SandboxOptions: Sendable, Hashable, Codable {
    /// The pool that it is taken out of; `*` for any that fits.
    public var pool: String?
    /// What a scheduler sets aside for it, by resource name, where that is less than its limits.
    public var resourceRequests: [String: String]?
    /// What it may connect to.
    public var networkPolicy: NetworkPolicy?
    /// Whether credentials are put into its requests on the way.
    public var credentialProxy: Bool?
    /// Whether whoever connects to it has to know a token.
    public var secureAccess: Bool?
    /// Commands to run before it starts and again and again, as a JSON object that the program in it understands.
    public var lifecycle: String?
    /// What its creator calls the request, to get the same sandbox if it is sent once more.
    public var requestKey: String?
    /// What tells one request from another one under the same key, such as a digest of its body; nil if nobody compares.
    public var requestDigest: String?
    /// The identity that it is to have, if its creator chooses that.
    public var chosenID: String?

    /// Creates options that ask for nothing.
    public init() {}
}

/// What a sandbox may connect to.
public struct NetworkPolicy: Sendable, Hashable, Codable {
    /// What happens to a connection.
    public enum Action: String, Sendable, Hashable, Codable, CaseIterable {
        /// It is let through.
        case allow
        /// It is not.
        case deny
    }

    /// What happens to connections to a target.
    public struct Rule: Sendable, Hashable, Codable {
        /// What happens to them.
        public var action: Action
        /// A host name, which may begin with `*.`.
        public var target: String

        /// Creates a rule.
        public init(_ action: Action, _ target: String) {
            self.action = action
            self.target = target
        }
    }

    /// What happens to connections that no rule speaks of.
    public var defaultAction: Action?
    /// The rules; the first that fits counts.
    public var egress: [Rule]?

    /// Creates a policy.
    public init(defaultAction: Action? = nil, egress: [Rule]? = nil) {
        self.defaultAction = defaultAction
        self.egress = egress
    }
}
