// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import AsyncHTTPClient
import NIOCore
import NIOSSL

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
            return host == "localhost" || host == "[::1]" || Self.isIPv4Loopback(host)
        }

        private static func host(of authority: String) -> String {
            if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
            return String(authority.prefix { $0 != ":" })
        }

        /// An address, not a name that begins like one (`127.0.0.1.example.org`).
        private static func isIPv4Loopback(_ host: String) -> Bool {
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        }
    }

    /// Which registries are spoken to without TLS.
    public var plainHTTP: PlainHTTP
    /// A PEM file with the authorities to trust besides those of the system.
    public var authoritiesFile: String?
    /// Where credentials come from.
    public var credentials: CredentialsProvider
    /// What we call ourselves.
    public var userAgent: String
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
        self.credentials = credentials
        self.userAgent = userAgent
        self.connectTimeout = connectTimeout
        self.idleTimeout = idleTimeout
        self.requestTimeout = requestTimeout
        self.retry = retry
        self.uploadChunkSize = uploadChunkSize
    }

    /// How the `HTTPClient` of a `RegistryClient` has to be configured: HTTP/1.1, so that uploads have connections of
    /// their own; no redirects, which the registry client follows itself to keep credentials where they belong; no
    /// repeated connecting, which it does by its own policy.
    ///
    /// Reads `authoritiesFile` and blocks while it does.
    ///
    /// - Throws: `RegistryError` if the file cannot be read or has no certificate.
    public func httpClientConfiguration() throws(RegistryError) -> HTTPClient.Configuration {
        var http = HTTPClient.Configuration()
        http.httpVersion = .http1Only
        http.redirectConfiguration = .disallow
        http.connectionPool.retryConnectionEstablishment = false
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        http.timeout.connect = TimeAmount(connectTimeout)
        http.timeout.read = TimeAmount(idleTimeout)
        http.timeout.write = TimeAmount(idleTimeout)
        if let authoritiesFile {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.certificates(try Self.certificates(in: authoritiesFile))]
            http.tlsConfiguration = tls
        }
        return http
    }

    private static func certificates(in path: String) throws(RegistryError) -> [NIOSSLCertificate] {
        func fault(_ reason: String, _ cause: (any Error)? = nil) -> RegistryError {
            RegistryError(
                .malformedDocument,
                operation: "read the authorities in",
                subject: path,
                reason: reason,
                advice: "name a file with certificates in PEM form",
                cause: cause
            )
        }
        guard let file = try OpenFile.reading(path) else { throw fault("there is no such file") }
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMBytes(try file.readAll(limit: 16 << 20))
        } catch {
            throw fault("it has no certificates that can be read", error)
        }
        if certificates.isEmpty { throw fault("it has no certificates") }
        return certificates
    }
}
