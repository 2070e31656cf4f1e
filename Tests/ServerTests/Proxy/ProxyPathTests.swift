// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Server

@Suite struct ProxyPathTests {
    @Test(arguments: [
        ("/sandboxes/box/proxy/80", "box", 80, "/", "/sandboxes/box/proxy/80"),
        ("/v1/sandboxes/box/proxy/80/", "box", 80, "/", "/v1/sandboxes/box/proxy/80"),
        ("/sandboxes/box/proxy/65535?q", "box", 65535, "/?q", "/sandboxes/box/proxy/65535"),
        ("/sandboxes/box/proxy/80/a%2Fb//c/?x=%20&y=+&&z", "box", 80, "/a%2Fb//c/?x=%20&y=+&&z", "/sandboxes/box/proxy/80"),
        ("/sandboxes/b%6Fx/proxy/80/...", "box", 80, "/...", "/sandboxes/b%6Fx/proxy/80"),
        ("/sandboxes/box/proxy/80/a..b/..c?..=/../", "box", 80, "/a..b/..c?..=/../", "/sandboxes/box/proxy/80"),
        ("/sandboxes/box/proxy/80//etc", "box", 80, "//etc", "/sandboxes/box/proxy/80"),
        ("/sandboxes/box/proxy/80/ü", "box", 80, "/ü", "/sandboxes/box/proxy/80"),
    ])
    func isRead(text: String, id: String, port: Int, target: String, prefix: String) throws {
        let path = try #require(try ProxyPath(text))
        #expect(path.sandboxID == id)
        #expect(path.port == port)
        #expect(path.target == target)
        #expect(path.prefix == prefix)
    }

    @Test(arguments: [
        "/", "/sandboxes/box", "/sandboxes/box/proxies/80", "/sandboxes/proxy/80", "/v2/sandboxes/box/proxy/80",
        "/sandboxes//box/proxy/80", "//sandboxes/box/proxy/80", "/x?/sandboxes/box/proxy/80", "*", "",
        "/sandboxes?/box/proxy/80",
    ])
    func isNotMeant(text: String) throws {
        #expect(try ProxyPath(text) == nil)
    }

    @Test(arguments: [
        ("/sandboxes/box/proxy", ProxyPath.Refusal.port), ("/sandboxes/box/proxy/", .port),
        ("/sandboxes/box/proxy/0", .port), ("/sandboxes/box/proxy/65536", .port), ("/sandboxes/box/proxy/+80", .port),
        ("/sandboxes/box/proxy/-1", .port), ("/sandboxes/box/proxy/080808", .port), ("/sandboxes/box/proxy/8 0", .bytes),
        ("/sandboxes/box/proxy/٨٠", .port), ("/sandboxes/box/proxy/80%2Fx", .port),
        ("/sandboxes//proxy/80", .identity), ("/sandboxes/../proxy/80", .identity),
        ("/sandboxes/%2e%2E/proxy/80", .identity), ("/sandboxes/a%2Fb/proxy/80", .identity),
        ("/sandboxes/box/proxy/80/..", .dots), ("/sandboxes/box/proxy/80/a/../b", .dots),
        ("/sandboxes/box/proxy/80/%2e%2e/b", .dots), ("/sandboxes/box/proxy/80/.%2E/b", .dots),
        ("/sandboxes/box/proxy/80/a%2f..%2fb", .dots), ("/sandboxes/box/proxy/80/%252e%252e/b", .dots),
        ("/sandboxes/box/proxy/80/..%5Cb", .dots), ("/sandboxes/box/proxy/80/..;a/b", .dots),
        ("/sandboxes/box/proxy/80/a#b", .bytes), ("/sandboxes/box/proxy/80/a\tb", .bytes),
        ("/sandboxes/box/proxy/80/a\r\nHost: x", .bytes), ("/sandboxes/box/proxy/80/\u{7F}", .bytes),
        ("/sandboxes/box/proxy/80/\u{FFFD}", .bytes), ("/sandboxes/box/proxy/80?a b", .bytes),
    ])
    func isRefused(text: String, refusal: ProxyPath.Refusal) {
        #expect(throws: refusal) { try ProxyPath(text) }
    }

    /// Whatever is thrown at it, what it lets through is harmless in the first line of a request.
    @Test func letsNothingHarmfulThrough() {
        var random = SplitMix(seed: 7)
        let pieces = [
            "/", "/", "..", ".", "%2e", "%2E", "%252e", "%2f", "\\", "%5c", ";", "?", "#", " ", "\r\n", "\u{0}", "80", "0",
            "proxy", "sandboxes", "v1", "box", "ü", "\u{FFFD}", "%", "%zz", "a", "@", ":",
        ]
        var accepted = 0
        for round in 0..<20_000 {
            var text = round.isMultiple(of: 2) ? "/sandboxes/box/proxy/80/" : ""
            for _ in 0..<Int.random(in: 0...8, using: &random) { text += pieces.randomElement(using: &random) ?? "" }
            guard let path = try? ProxyPath(text) else { continue }
            accepted += 1
            #expect(path.target.hasPrefix("/"))
            #expect(text.hasSuffix(path.target) || text + "/" == path.prefix + path.target || path.target.hasPrefix("/?"))
            #expect(path.target.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F })
            let segments = path.target.prefix { $0 != "?" }.split(separator: "/")
            #expect(!segments.contains { QueryParameters.percentDecoded($0.utf8) == ".." })
            #expect((1...65_535).contains(path.port))
        }
        #expect(accepted > 1000)
    }
}

/// Random numbers that are the same each time.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
