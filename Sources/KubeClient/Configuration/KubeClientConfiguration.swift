// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Which API server a client speaks with, as whom, and how patiently.
public struct KubeClientConfiguration: Sendable {
    /// The server.
    public var server: ServerEndpoint
    /// Who we are.
    public var credentials: KubeCredentials
    /// Whom to act as, if that is somebody else.
    public var impersonation: Impersonation?
    /// The namespace to use where none is named.
    public var namespace: String
    /// What we call ourselves.
    public var userAgent: String
    /// How often requests may be sent.
    public var rateLimit: RateLimit
    /// How failed requests are repeated.
    public var retry: RetryPolicy
    /// The longest wait for a connection.
    public var connectTimeout: Duration
    /// The longest time until an answer begins, and the longest silence within one.
    public var requestTimeout: Duration
    /// After what time a watch asks the server to end it, to begin anew; up to as much again is added by chance, so that
    /// watches do not all end together. A dead connection is noticed sooner, by TCP's own probes.
    public var watchDuration: Duration
    /// How much longer than it may last a watch may be silent before it is taken for broken.
    public var watchGrace: Duration
    /// How many bytes an answer may have.
    public var answerLimit: Int
    /// How many bytes a single event of a watch, or a line of a log, may have.
    public var lineLimit: Int

    /// Creates a configuration.
    public init(
        server: ServerEndpoint,
        credentials: KubeCredentials = KubeCredentials(),
        impersonation: Impersonation? = nil,
        namespace: String = "default",
        userAgent: String = "stasis-kube",
        rateLimit: RateLimit = RateLimit(),
        retry: RetryPolicy = RetryPolicy(),
        connectTimeout: Duration = .seconds(10),
        requestTimeout: Duration = .seconds(60),
        watchDuration: Duration = .seconds(290),
        watchGrace: Duration = .seconds(30),
        answerLimit: Int = 64 << 20,
        lineLimit: Int = 8 << 20
    ) {
        self.server = server
        self.credentials = credentials
        self.impersonation = impersonation
        self.namespace = namespace
        self.userAgent = userAgent
        self.rateLimit = rateLimit
        self.retry = retry
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.watchDuration = watchDuration
        self.watchGrace = watchGrace
        self.answerLimit = answerLimit
        self.lineLimit = lineLimit
    }
}

/// How often requests may be sent: a bucket of tokens, one a request, that fills up again.
public struct RateLimit: Sendable, Hashable {
    /// How many requests a second it comes to; infinite for no limit.
    public var requestsPerSecond: Double
    /// How many requests may be sent at once after a rest.
    public var burst: Int

    /// Creates a limit. The server has its own fairness; this one is a guard against our own mistakes.
    public init(requestsPerSecond: Double = 50, burst: Int = 100) {
        self.requestsPerSecond = requestsPerSecond
        self.burst = burst
    }

    /// No limit.
    public static let unlimited = RateLimit(requestsPerSecond: .infinity, burst: 1)
}

/// Whom to act as (`kubectl --as`). The credentials must be allowed to.
public struct Impersonation: Sendable, Hashable {
    /// The user.
    public var user: String
    /// The user's groups.
    public var groups: [String]
    /// The user's UID.
    public var uid: String?
    /// What else is known of the user.
    public var extra: [String: [String]]

    /// Creates it.
    public init(user: String, groups: [String] = [], uid: String? = nil, extra: [String: [String]] = [:]) {
        self.user = user
        self.groups = groups
        self.uid = uid
        self.extra = extra
    }
}
