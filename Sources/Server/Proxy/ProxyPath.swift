// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// A request's target that leads to a port of a sandbox: `[/v1]/sandboxes/<id>/proxy/<port>[/path][?query]`. Pure.
struct ProxyPath: Equatable {
    /// Where the API was mounted: empty or `/v1`.
    var mount: String
    var sandboxID: String
    var port: Int
    /// What the sandbox is asked for, byte for byte as it came: a path, and the query if there is one.
    var target: String
    /// The path of the sandbox's root at this server, as it came.
    var prefix: String

    /// Why a target is refused that is meant for a sandbox.
    enum Refusal: Error, Equatable {
        case port
        case dots
        case bytes
        case identity
    }

    /// Whether a path is meant for a sandbox, well formed or not.
    static func isMeant(by target: String) -> Bool {
        let path = target.prefix { $0 != "?" }
        return RouteTable.mounts.contains { mount in
            guard path.hasPrefix(mount + "/sandboxes/") else { return false }
            let parts = path.dropFirst(mount.count + "/sandboxes/".count)
                .split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
            return parts.count > 1 && parts[1] == "proxy"
        }
    }

    /// Reads a target as it stands in the request's first line.
    ///
    /// - Returns: Nil if it is not meant for a sandbox.
    init?(_ target: String) throws(Refusal) {
        guard Self.isMeant(by: target) else { return nil }
        let mount = RouteTable.mounts.first { target.hasPrefix($0 + "/sandboxes/") } ?? ""
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        // id, "proxy", port, path
        let parts = halves[0].dropFirst(mount.count + "/sandboxes/".count)
            .split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard target.utf8.allSatisfy(Self.isSendable), !target.contains("\u{FFFD}") else { throw .bytes }
        guard parts.count >= 3, let port = Self.port(parts[2]) else { throw .port }
        let identity = QueryParameters.percentDecoded(parts[0].utf8)
        guard !identity.isEmpty, identity != ".", identity != "..", !identity.contains("/") else { throw .identity }
        let path = parts.count > 3 ? parts[3] : ""
        guard !Self.climbs(path) else { throw .dots }
        self.mount = mount
        prefix = "\(mount)/sandboxes/\(parts[0])/proxy/\(parts[2])"
        sandboxID = identity
        self.port = port
        self.target = "/" + path + (halves.count > 1 ? "?" + halves[1] : "")
    }

    /// Digits only, without a sign and in the range of ports.
    private static func port(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
            let port = Int(text), (1...65_535).contains(port)
        else { return nil }
        return port
    }

    /// What may stand in the first line of a request: no controls, no blanks, and no fragment, which clients keep.
    private static func isSendable(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte != 0x7F && byte != UInt8(ascii: "#")
    }

    /// Whether a path has a segment `..`, however often its dots and slashes are encoded; `\` counts as a slash, because
    /// some servers take it for one.
    static func climbs(_ path: some StringProtocol) -> Bool {
        var path = String(path)
        // Each round takes one layer of encoding off, so the path shrinks until there is none left.
        while true {
            let segments = path.utf8.split(omittingEmptySubsequences: true) {
                $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\")
            }
            // `..;x` is `..` to servers that know path parameters.
            if segments.contains(where: { $0.prefix { $0 != UInt8(ascii: ";") }.elementsEqual("..".utf8) }) { return true }
            let decoded = QueryParameters.percentDecoded(path.utf8)
            if decoded == path { return false }
            path = decoded
        }
    }
}

extension APIError {
    /// What a client hears whose target is refused.
    init(_ refusal: ProxyPath.Refusal) {
        switch refusal {
        case .port:
            self.init(.badRequest, "DOCKER::INVALID_PORT", "The path names no port; ports are 1 to 65535.")
        case .dots: self = .invalidParameter("The path has a segment '..'; ask for the path that is meant.")
        case .bytes:
            self = .invalidParameter("The path has characters that have to be percent-encoded.")
        case .identity: self = .invalidParameter("The path names no sandbox.")
        }
    }
}
