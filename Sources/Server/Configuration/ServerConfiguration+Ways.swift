// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Data

/// How the ports of sandboxes are reached: `[proxy]` and `[ingress]`.
extension ServerConfiguration {
    /// Reads `[proxy]`.
    static func readProxy(_ table: inout ConfigurationTable, publishedHost: String?) -> Proxy {
        var proxy = Proxy()
        proxy.publishedHost = publishedHost
        proxy.wakeTimeout = table.integer("wake_timeout_seconds", in: 1...86_400) ?? proxy.wakeTimeout
        proxy.wakeWaitersPerSandbox =
            table.integer("wake_waiters_per_sandbox", in: 1...1_000_000) ?? proxy.wakeWaitersPerSandbox
        proxy.wakeWaiters = table.integer("wake_waiters", in: 1...1_000_000) ?? proxy.wakeWaiters
        proxy.responseTimeout = table.integer("response_timeout_seconds", in: 1...86_400) ?? proxy.responseTimeout
        proxy.connectTimeout = table.integer("connect_timeout_seconds", in: 1...3600) ?? proxy.connectTimeout
        proxy.portGrace = table.integer("port_grace_seconds", in: 0...3600) ?? proxy.portGrace
        table.ignore(["resolve_internal"], because: "Sandboxes are reached at their own addresses; it has no effect.")
        return proxy
    }

    /// Reads `[ingress]` of the Kubernetes runtime.
    static func readIngress(_ table: inout ConfigurationTable, environment: [String: String]) -> Ingress {
        var ingress = Ingress()
        let mode = table.choice("mode", of: IngressMode.self) ?? .direct
        let hasGateway = table.contains("gateway")
        let gateway = table.table("gateway") { readGateway(&$0, isNeeded: mode == .gateway) }
        let hasSigning = table.contains("secure_access")
        let written = table.table("secure_access") { hasSigning ? readSigning(&$0) : nil }
        let signing = readSigning(environment, &table) ?? written
        switch mode {
        case .direct:
            if hasGateway { table.refuse("gateway", "is there, but ingress.mode is 'direct'; set it to 'gateway'.") }
            if hasSigning || signing != nil {
                table.refuse("secure_access", "needs ingress.mode = 'gateway'; addresses of sandboxes are not signed.")
            }
        case .gateway:
            if let gateway {
                ingress.mode = .gateway(address: gateway.address, route: gateway.route, signing: signing)
            }
        }
        return ingress
    }

    private enum IngressMode: String, CaseIterable {
        case direct, gateway
    }

    private static func readGateway(
        _ table: inout ConfigurationTable,
        isNeeded: Bool
    ) -> (address: String, route: Ingress.Route)? {
        let address = table.text("address")
        let route = table.table("route") { table in
            let route = table.choice("mode", of: Ingress.Route.self)
            if isNeeded, route == nil, table.problems.isEmpty {
                table.refuse("mode", "is missing; it must be 'wildcard', 'header' or 'uri'.")
            }
            return route
        }
        guard isNeeded, let route else { return nil }
        guard let address else {
            if table.problems.isEmpty { table.refuse("address", "is missing; it is where clients reach the gateway.") }
            return nil
        }
        let host = address.prefix { $0 != "/" && $0 != ":" }
        let isWildcard = address.hasPrefix("*.")
        if address.contains("://") {
            table.refuse("address", "is '\(address)' but must have no scheme; clients choose it.")
        } else if address.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) || host.isEmpty {
            table.refuse("address", "is '\(address)', which is no host.")
        } else if route == .wildcard, !isWildcard || !host.dropFirst(2).contains(".") {
            table.refuse(
                "address",
                "is '\(address)' but must be a domain such as *.sandboxes.example for wildcard routes."
            )
        } else if route != .wildcard, address.contains("*") {
            table.refuse("address", "is '\(address)', and only wildcard routes have a '*'.")
        } else {
            return (address, route)
        }
        return nil
    }

    private static func readSigning(_ table: inout ConfigurationTable) -> Ingress.Signing? {
        let active = table.text("active_key")
        var keys: [String: [UInt8]] = [:]
        let pairs = table.tables("keys") { ($0.text("key_id"), $0.text("key")) }
        for (id, secret) in pairs { add(id ?? "", secret ?? "", to: &keys, &table, "keys") }
        return signing(active ?? "", keys, &table, "active_key")
    }

    /// Secrets that come from the environment: `id=base64`, with commas between them.
    private static func readSigning(
        _ environment: [String: String],
        _ table: inout ConfigurationTable
    ) -> Ingress.Signing? {
        let variables = ["OPENSANDBOX_SECURE_ACCESS_ACTIVE_KEY", "OPENSANDBOX_SECURE_ACCESS_KEYS"]
        guard variables.contains(where: { environment[$0] != nil }) else { return nil }
        guard let active = environment[variables[0]], let list = environment[variables[1]],
            !active.isEmpty, !list.isEmpty
        else {
            table.refuse("secure_access", "needs both \(variables.joined(separator: " and ")) if one of them is set.")
            return nil
        }
        var keys: [String: [UInt8]] = [:]
        for pair in list.split(separator: ",") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            add(halves[0], halves.count == 2 ? halves[1] : "", to: &keys, &table, "secure_access")
        }
        return signing(active, keys, &table, "secure_access")
    }

    /// No message has a secret in it.
    private static func add(
        _ id: String,
        _ secret: String,
        to keys: inout [String: [UInt8]],
        _ table: inout ConfigurationTable,
        _ place: String
    ) {
        let padding = String(repeating: "=", count: (4 - secret.utf8.count % 4) % 4)
        if !isKeyName(id) {
            table.refuse(place, "has a key_id that is not one character of 0-9a-z.")
        } else if keys[id] != nil {
            table.refuse(place, "has two keys '\(id)'.")
        } else if let bytes = Data(base64Encoded: secret + padding), !bytes.isEmpty {
            keys[id] = Array(bytes)
        } else {
            table.refuse(place, "has a key '\(id)' that is no base64.")
        }
    }

    private static func signing(
        _ active: String,
        _ keys: [String: [UInt8]],
        _ table: inout ConfigurationTable,
        _ place: String
    ) -> Ingress.Signing? {
        guard table.problems.isEmpty else { return nil }
        guard keys[active] != nil else {
            table.refuse(place, "has the active key '\(active)', which is none of the keys.")
            return nil
        }
        return Ingress.Signing(activeKey: active, keys: keys)
    }

    private static func isKeyName(_ id: String) -> Bool {
        id.utf8.count == 1 && id.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
    }
}
