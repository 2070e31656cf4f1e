// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How to speak with registries.
public struct RegistryConfiguration: Sendable {
    /// Which registries are spoken to without TLS.
    public struct PlainHTTP: Sendable, Hashable {
        /// `localhost`, 127.0.0.0/8 and ::1, on any port.
        public var loopback: Bool
        /// Others, as they are written in references: `host` for any port, or `host:port`.
        public var hosts: Set<String>

        /// Creates a choice; by default loopback only.
        public init(loopback: Bool = true, hosts: Set<String> = []) {
            self.loopback = loopback
            self.hosts = hosts
        }

        /// Whether an authority (`host` or `host:port`) is spoken to without TLS.
        public func allows(_ authority: String) -> Bool {
            let host = Self.host(of: authority)
            if hosts.contains(authority) || hosts.contains(host) { return true }
            guard loopback else { return false }
            return host == "localhost" || NetworkAddress(host)?.isLoopback == true
        }

        private static func host(of authority: String) -> String {
            if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
            return String(authority.prefix { $0 != ":" })
        }
    }

    /// Which registries are spoken to without TLS.
    public var plainHTTP: PlainHTTP
    /// A PEM file with the authorities to trust besides those of the system.
    public var authoritiesFile: String?
    /// A folder with the certificates of particular registries, laid out as Docker's `/etc/docker/certs.d`: in
    /// `<host>[:<port>]` there, `*.crt` are authorities to trust, and a `*.cert` and a `*.key` of one name are what a
    /// registry is shown that wants to see a client's certificate. It need not be there.
    public var certificatesFolder: String?
    /// Which registries are reached through a proxy.
    public var proxies: ProxySettings
    /// Where credentials come from.
    public var credentials: CredentialsProvider
    /// What we call ourselves.
    public var userAgent: String
    /// The name of what a request is sent for, asked for by whoever sends one; nil for none. The registry is told it as `X-Request-ID`
    /// and at the end of the user agent, which most of them log. What is no visible ASCII, or could end a comment, stays away.
    public var requestName: (@Sendable () -> String?)?
    /// The longest wait for a connection.
    public var connectTimeout: Duration
    /// The longest silence on a connection while something is awaited. Registries may take minutes to complete a
    /// large upload.
    public var idleTimeout: Duration
    /// The longest time until the answer to a request without a body begins.
    public var requestTimeout: Duration
    /// How failed requests are repeated.
    public var retry: RetryPolicy
    /// How many bytes of a blob are sent in one request. Twice as many are held in memory for each upload.
    public var uploadChunkSize: Int

    /// Creates a configuration.
    public init(
        plainHTTP: PlainHTTP = PlainHTTP(),
        authoritiesFile: String? = nil,
        certificatesFolder: String? = nil,
        proxies: ProxySettings = ProxySettings(),
        credentials: CredentialsProvider = .anonymous,
        userAgent: String = "stasis-oci",
        connectTimeout: Duration = .seconds(10),
        idleTimeout: Duration = .seconds(180),
        requestTimeout: Duration = .seconds(60),
        retry: RetryPolicy = RetryPolicy(),
        uploadChunkSize: Int = 8 << 20
    ) {
        self.plainHTTP = plainHTTP
        self.authoritiesFile = authoritiesFile
        self.certificatesFolder = certificatesFolder
        self.proxies = proxies
        self.credentials = credentials
        self.userAgent = userAgent
        self.connectTimeout = connectTimeout
        self.idleTimeout = idleTimeout
        self.requestTimeout = requestTimeout
        self.retry = retry
        self.uploadChunkSize = uploadChunkSize
    }

    /// The name of what a request that is sent now is for, if it can be told.
    var presentRequestName: String? {
        guard let name = requestName?(), !name.isEmpty, name.utf8.count <= Self.longestRequestName,
            name.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"()\\".utf8.contains($0) })
        else { return nil }
        return name
    }

    private static let longestRequestName = 256
}
