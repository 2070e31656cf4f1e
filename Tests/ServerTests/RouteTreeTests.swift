// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Testing

@testable import Server

@Suite struct RouteTreeTests {
    private static func tree() -> RouteTree {
        var table = RouteTable()
        for path in ["/sandboxes", "/sandboxes/:id", "/sandboxes/:id/pause", "/sandboxes/special", "/health"] {
            table.add(.get, path) { _, _ in Response(.ok) }
        }
        table.addAny("/sandboxes/:id/proxy/:port/**") { _, _ in Response(.ok) }
        return RouteTree(table)
    }

    @Test(arguments: [
        ("/sandboxes", "/sandboxes", []), ("/v1/sandboxes", "/sandboxes", []), ("/sandboxes/", "/sandboxes", []),
        ("/v1/sandboxes/x", "/sandboxes/{id}", ["x"]), ("/sandboxes/special", "/sandboxes/special", []),
        ("/sandboxes/special/pause", "/sandboxes/{id}/pause", ["special"]),
        ("/sandboxes/a%2Fb", "/sandboxes/{id}", ["a%2Fb"]), ("/sandboxes/..", "/sandboxes/{id}", [".."]),
        ("/sandboxes/v1", "/sandboxes/{id}", ["v1"]),
        ("/sandboxes/x/proxy/80", "/sandboxes/{id}/proxy/{port}/**", ["x", "80"]),
        ("/sandboxes/x/proxy/80/", "/sandboxes/{id}/proxy/{port}/**", ["x", "80"]),
        ("/v1/sandboxes/x/proxy/80/a//b/../c", "/sandboxes/{id}/proxy/{port}/**", ["x", "80"]),
    ])
    func finds(path: String, template: String, values: [String]) throws {
        let tree = Self.tree()
        let match = try #require(tree.match(path[...]))
        #expect(tree.routes[match.place].template == template)
        #expect(match.values.map(String.init) == values)
    }

    @Test(arguments: [
        "", "/", "sandboxes", "//sandboxes", "/sandboxes//", "/sandboxes//pause", "/v1", "/v1/v1/sandboxes",
        "/V1/sandboxes",
        "/sandboxes/x/pause/y", "/sandboxes/x/proxy", "/v1/../health", "/./health", "/%73andboxes", "*",
        "/sandboxes\\x", "http://host/sandboxes",
    ])
    func findsNothing(path: String) {
        #expect(Self.tree().match(path[...]) == nil)
    }
}
