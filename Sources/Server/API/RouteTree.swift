// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Finds the route of a path.
///
/// A path is taken as it came: nothing in it is decoded or resolved, so that nobody sees another path than whoever
/// stands before this server. Only a `/` at its end does not count.
struct RouteTree: Sendable {
    private struct Node {
        var literals: [String: Int] = [:]
        var parameter: Int?
        var route: Int?
        /// The route of everything below.
        var rest: Int?
    }

    /// What was found.
    struct Match: Equatable {
        /// The place in ``RouteTree/routes``.
        var place: Int
        /// The parts that may be anything, in the order of the route's parameters, as they came.
        var values: [Substring]
    }

    let routes: [Route]
    private var nodes = [Node()]
    private let mounts: Set<Substring>

    init(_ table: RouteTable, mounts: [String] = RouteTable.mounts) {
        routes = table.routes
        self.mounts = Set(mounts.map { $0.dropFirst() }.filter { !$0.isEmpty })
        for (place, route) in routes.enumerated() { add(route.path, place) }
    }

    private mutating func add(_ path: String, _ place: Int) {
        var node = 0
        for part in path.split(separator: "/") {
            if part == "**" {
                nodes[node].rest = place
                return
            }
            let known = part.hasPrefix(":") ? nodes[node].parameter : nodes[node].literals[String(part)]
            let next = known ?? nodes.count
            if known == nil { nodes.append(Node()) }
            if part.hasPrefix(":") {
                nodes[node].parameter = next
            } else {
                nodes[node].literals[String(part)] = next
            }
            node = next
        }
        nodes[node].route = place
    }

    /// Finds the route of a path without its query.
    func match(_ path: Substring) -> Match? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        var parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...]
        if let first = parts.first, mounts.contains(first) { parts = parts.dropFirst() }
        if parts.count > 1, parts.last?.isEmpty == true { parts = parts.dropLast() }
        return match(parts, from: 0, [])
    }

    /// What is written in a route goes before what may be anything.
    private func match(_ parts: ArraySlice<Substring>, from node: Int, _ values: [Substring]) -> Match? {
        let here = nodes[node]
        guard let part = parts.first else {
            return (here.route ?? here.rest).map { Match(place: $0, values: values) }
        }
        let rest = parts.dropFirst()
        if !here.literals.isEmpty, let next = here.literals[String(part)], let found = match(rest, from: next, values) {
            return found
        }
        if !part.isEmpty, let next = here.parameter, let found = match(rest, from: next, values + [part]) {
            return found
        }
        return here.rest.map { Match(place: $0, values: values) }
    }
}
