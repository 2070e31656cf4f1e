// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// Clusters, users, and which belong together, as `kubectl` keeps them in a file.
public struct Kubeconfig: JSONFields {
    /// The clusters.
    public var clusters: [NamedCluster] = []
    /// The users.
    public var users: [NamedUser] = []
    /// Which user to be in which cluster.
    public var contexts: [NamedContext] = []
    /// The context to use if none is named.
    public var currentContext: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("clusters", &clusters)
        try fields.field("users", &users)
        try fields.field("contexts", &contexts)
        try fields.field("current-context", &currentContext)
    }
}

extension Kubeconfig {
    /// A cluster with its name.
    public struct NamedCluster: JSONFields {
        /// The name.
        public var name = ""
        /// The cluster.
        public var cluster = Cluster()
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("name", &name)
            try fields.field("cluster", &cluster)
        }
    }

    /// A user with its name.
    public struct NamedUser: JSONFields {
        /// The name.
        public var name = ""
        /// The user.
        public var user = User()
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("name", &name)
            try fields.field("user", &user)
        }
    }

    /// A context with its name.
    public struct NamedContext: JSONFields {
        /// The name.
        public var name = ""
        /// The context.
        public var context = Context()
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("name", &name)
            try fields.field("context", &context)
        }
    }

    /// A cluster: its API server.
    public struct Cluster: JSONFields {
        /// Its address.
        public var server = ""
        /// The name that its certificate must have, if not the address's host.
        public var tlsServerName: String?
        /// Whether it need not prove who it is.
        public var insecureSkipTLSVerify: Bool?
        /// A file with the authorities to trust.
        public var certificateAuthority: String?
        /// The authorities to trust. Counts before the file.
        public var certificateAuthorityData: Base64Bytes?
        /// The proxy on the way.
        public var proxyURL: String?
        /// What other programs keep here. A plugin gets the one that is named for it.
        public var extensions: [RawJSON] = []
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("server", &server)
            try fields.field("tls-server-name", &tlsServerName)
            try fields.field("insecure-skip-tls-verify", &insecureSkipTLSVerify)
            try fields.field("certificate-authority", &certificateAuthority)
            try fields.field("certificate-authority-data", &certificateAuthorityData)
            try fields.field("proxy-url", &proxyURL)
            try fields.field("extensions", &extensions)
        }
    }

    /// A user: how to prove who we are.
    public struct User: JSONFields {
        /// A file with a client certificate.
        public var clientCertificate: String?
        /// A client certificate. Counts before the file.
        public var clientCertificateData: Base64Bytes?
        /// A file with its key.
        public var clientKey: String?
        /// Its key. Counts before the file.
        public var clientKeyData: Base64Bytes?
        /// A bearer token.
        public var token: String?
        /// A file with a bearer token. Counts before the token.
        public var tokenFile: String?
        /// Whom to act as.
        public var impersonate: String?
        /// That user's UID.
        public var impersonateUID: String?
        /// That user's groups.
        public var impersonateGroups: [String] = []
        /// What else is known of that user.
        public var impersonateUserExtra: [String: [String]] = [:]
        /// A name for basic authentication, which no API server since 1.19 takes.
        public var username: String?
        /// A plugin of a kind that is no more.
        public var authProvider: RawJSON?
        /// A program that gives credentials.
        public var exec: Exec?
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("client-certificate", &clientCertificate)
            try fields.field("client-certificate-data", &clientCertificateData)
            try fields.field("client-key", &clientKey)
            try fields.field("client-key-data", &clientKeyData)
            try fields.field("token", &token)
            try fields.field("tokenFile", &tokenFile)
            try fields.field("as", &impersonate)
            try fields.field("as-uid", &impersonateUID)
            try fields.field("as-groups", &impersonateGroups)
            try fields.field("as-user-extra", &impersonateUserExtra)
            try fields.field("username", &username)
            try fields.field("auth-provider", &authProvider)
            try fields.field("exec", &exec)
        }
    }

    /// A program that gives credentials.
    public struct Exec: JSONFields {
        /// The version that it speaks.
        public var apiVersion = ""
        /// The program: a name in `PATH`, or a path.
        public var command = ""
        /// Its arguments.
        public var args: [String] = []
        /// Variables that it gets.
        public var env: [ExecVariable] = []
        /// What to tell people who do not have it.
        public var installHint: String?
        /// Whether it is told of the cluster.
        public var provideClusterInfo: Bool?
        /// Whether it may ask a person: `Never`, `IfAvailable` or `Always`.
        public var interactiveMode: String?
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("apiVersion", &apiVersion)
            try fields.field("command", &command)
            try fields.field("args", &args)
            try fields.field("env", &env)
            try fields.field("installHint", &installHint)
            try fields.field("provideClusterInfo", &provideClusterInfo)
            try fields.field("interactiveMode", &interactiveMode)
        }
    }

    /// A variable that a program gets.
    public struct ExecVariable: JSONFields {
        /// Its name.
        public var name = ""
        /// Its value.
        public var value = ""
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("name", &name)
            try fields.field("value", &value)
        }
    }

    /// Which user to be in which cluster.
    public struct Context: JSONFields {
        /// The cluster's name.
        public var cluster = ""
        /// The user's name.
        public var user = ""
        /// The namespace to use where none is named.
        public var namespace: String?
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("cluster", &cluster)
            try fields.field("user", &user)
            try fields.field("namespace", &namespace)
        }
    }
}
