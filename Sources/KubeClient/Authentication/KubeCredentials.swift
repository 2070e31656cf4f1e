// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Who we are to an API server. Several ways may be given; the server sees all of them.
public struct KubeCredentials: Sendable {
    /// A bearer token.
    public enum Token: Sendable {
        /// The token itself.
        case literal(String)
        /// A file, which is read again every minute: tokens of service accounts are renewed there. If it cannot be read, the
        /// fallback counts.
        case file(String, fallback: String? = nil)
    }

    /// A client certificate and its key.
    public struct Certificate: Sendable, Hashable {
        /// The certificate and those between it and the authority.
        public var chain: PEMSource
        /// Its key, without a passphrase.
        public var key: PEMSource

        /// Creates a pair.
        public init(chain: PEMSource, key: PEMSource) {
            self.chain = chain
            self.key = key
        }
    }

    /// A bearer token.
    public var token: Token?
    /// A client certificate.
    public var certificate: Certificate?
    /// A program that is asked for a token or a certificate, if neither is given.
    public var plugin: ExecPlugin?

    /// Creates credentials; none if nothing is given.
    public init(token: Token? = nil, certificate: Certificate? = nil, plugin: ExecPlugin? = nil) {
        self.token = token
        self.certificate = certificate
        self.plugin = plugin
    }
}

extension KubeCredentials.Token: CustomStringConvertible {
    /// Where the token is from; never the token.
    public var description: String {
        switch self {
        case .literal: "a token"
        case .file(let path, _): "the token in \(path)"
        }
    }
}
