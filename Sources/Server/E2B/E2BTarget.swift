// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// Where a request leads that is the E2B API's. Pure.
enum E2BTarget: Equatable {
    /// To a route of the API, by its path below the mount.
    case api(path: Substring)
    /// To a port of a sandbox.
    case sandbox(E2BSandboxAddress)

    /// Where the API is found: at our own place, and at the one where OpenKruise Agents has it.
    static let mounts = ["/e2b", "/kruise/api"]
    /// Below this OpenKruise Agents has sandboxes by their paths.
    private static let sandboxMount = "/kruise/"

    /// Finds out where a request leads.
    ///
    /// The API's own paths go first: some clients send the headers that name a sandbox along with everything.
    ///
    /// - Parameter domain: What the hosts of sandboxes end with, if that is known.
    /// - Returns: Nil if it is none of the E2B API's.
    init?(_ request: Request, domain: String?) {
        let path = request.pathAsSent
        for mount in Self.mounts where path.hasPrefix(mount) {
            let rest = path.dropFirst(mount.count)
            guard rest.isEmpty || rest.hasPrefix("/") else { continue }
            self = .api(path: rest.isEmpty ? "/" : rest)
            return
        }
        let target = request.head.path ?? "/"
        if let id = request.headers[.e2bSandboxID], let text = request.headers[.e2bSandboxPort] {
            self = .sandbox(E2BSandboxAddress(sandboxID: id, port: Self.port(text[...]), target: target, prefix: ""))
        } else if let domain, let address = Self.address(host: request.head.authority, below: domain, target) {
            self = .sandbox(address)
        } else if path.hasPrefix(Self.sandboxMount), let address = Self.address(target) {
            self = .sandbox(address)
        } else {
            return nil
        }
    }

    /// `<port>-<sandbox>.<domain>`.
    private static func address(host: String?, below domain: String, _ target: String) -> E2BSandboxAddress? {
        guard let host = host.map(withoutPort), host.hasSuffix("." + withoutPort(domain)) else { return nil }
        let label = host.dropLast(withoutPort(domain).count + 1)
        guard let dash = label.firstIndex(of: "-"), let port = port(label[..<dash]) else { return nil }
        let id = label[label.index(after: dash)...]
        guard !id.isEmpty, !id.contains(".") else { return nil }
        return E2BSandboxAddress(sandboxID: String(id), port: port, target: target, prefix: "")
    }

    /// `/kruise/<sandbox>/<port>/<path>`.
    private static func address(_ target: String) -> E2BSandboxAddress? {
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[0].dropFirst(sandboxMount.count)
            .split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count > 1, !parts[0].isEmpty, let port = port(parts[1]) else { return nil }
        let rest = "/" + (parts.count > 2 ? parts[2] : "") + (halves.count > 1 ? "?" + halves[1] : "")
        return E2BSandboxAddress(
            sandboxID: QueryParameters.percentDecoded(parts[0].utf8),
            port: port,
            target: rest,
            prefix: "\(sandboxMount)\(parts[0])/\(parts[1])"
        )
    }

    private static func withoutPort(_ host: String) -> String {
        let host = host.lowercased()
        guard let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") else { return host }
        return String(host[..<colon])
    }

    private static func port(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains), let port = Int(text),
            (1...65_535).contains(port)
        else { return nil }
        return port
    }
}

/// A port of a sandbox that a request is meant for.
struct E2BSandboxAddress: Equatable {
    var sandboxID: String
    /// Nil if what was said is no port.
    var port: Int?
    /// Path and query as the sandbox gets them.
    var target: String
    /// The path of the sandbox's root at this server.
    var prefix: String
}
