// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension ServerConfiguration {
    /// How requests reach the ports of sandboxes through this server: `[proxy]`.
    public struct Proxy: Sendable, Equatable {
        /// Seconds that a request waits at most for its sandbox to wake, at least 1: `wake_timeout_seconds`.
        public var wakeTimeout = 60
        /// How many requests wait at most for one sandbox to wake: `wake_waiters_per_sandbox`.
        public var wakeWaitersPerSandbox = 100
        /// How many requests wait at most for any sandbox to wake: `wake_waiters`.
        public var wakeWaiters = 1000
        /// Seconds in which a sandbox has to begin its answer, counted from when the request last moved:
        /// `response_timeout_seconds`.
        public var responseTimeout = 180
        /// Seconds in which a port of a sandbox has to take a connection: `connect_timeout_seconds`.
        public var connectTimeout = 10
        /// Seconds after a wake in which a port that still refuses connections is tried again: `port_grace_seconds`.
        public var portGrace = 10
        /// The host, with a port if need be, that clients reach this server by; nil: the one that they asked:
        /// `server.eip`.
        public var publishedHost: String?

        /// Creates the defaults.
        public init() {}
    }

    /// How clients reach the ports of sandboxes without this server: `[ingress]`.
    public struct Ingress: Sendable, Equatable {
        /// The way.
        public var mode = Mode.direct

        /// A way to the ports of sandboxes.
        public enum Mode: Sendable, Equatable {
            /// At the addresses of the sandboxes themselves: `mode = "direct"`.
            case direct
            /// Through a gateway: `mode = "gateway"`.
            ///
            /// - Parameters:
            ///   - address: The gateway's `host[:port]`, or for `wildcard` its domain, with or without `*.`:
            ///     `gateway.address`.
            ///   - route: How the gateway is told the sandbox and the port: `gateway.route.mode`.
            ///   - signing: What signs routes that expire, if anything does: `secure_access`.
            case gateway(address: String, route: Route, signing: Signing? = nil)
        }

        /// How a gateway is told which sandbox and port is meant.
        public enum Route: String, Sendable, Equatable, CaseIterable {
            /// By the host's name.
            case wildcard
            /// By a header.
            case header
            /// By the path.
            case uri
        }

        /// The secrets that routes are signed with.
        public struct Signing: Sendable, Equatable, CustomStringConvertible {
            /// The key that signs, one character of `0-9a-z`: `secure_access.active_key`.
            public var activeKey: String
            /// The secrets by the names of the keys: `secure_access.keys`.
            public var keys: [String: [UInt8]]

            /// Creates them.
            public init(activeKey: String, keys: [String: [UInt8]]) {
                self.activeKey = activeKey
                self.keys = keys
            }

            /// The names of the keys; their secrets do not print themselves.
            public var description: String {
                "Signing(activeKey: \(activeKey), keys: \(keys.keys.sorted().joined(separator: ", ")))"
            }
        }

        /// Creates the default: directly.
        public init() {}
    }
}
