// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OCIRegistry

struct WebAddressTests {
    @Test(arguments: [
        ("https://r.example/v2/", "https", "r.example"),
        ("https://R.Example:443/v2/", "https", "r.example"),
        ("http://r.example:443/", "http", "r.example:443"),
        ("http://127.0.0.1:5000/x?y=z", "http", "127.0.0.1:5000"),
        ("http://[::1]:5000/", "http", "[::1]:5000"),
    ])
    func reads(_ text: String, _ scheme: String, _ authority: String) {
        let address = WebAddress(text)
        #expect(address?.scheme == scheme)
        #expect(address?.authority == authority)
        #expect(address?.text == text)
    }

    @Test(arguments: ["", "/v2/", "ftp://x/", "https:///x", "https://user:pw@r.example/", "file:///etc/passwd"])
    func refuses(_ text: String) { #expect(WebAddress(text) == nil) }

    @Test(arguments: [
        ("/v2/a/blobs/uploads/1?_state=x%3D%3D", "https://r.example/v2/a/blobs/uploads/1?_state=x%3D%3D"),
        ("1?_state=x", "https://r.example/v2/a/blobs/uploads/1?_state=x"),
        ("https://other.example/up?s=1", "https://other.example/up?s=1"),
        ("//other.example/up", "https://other.example/up"),
        ("http://r.example/up", "https://r.example/up"),
        ("http://other.example/up", "http://other.example/up"),
    ])
    func resolvesLocations(_ location: String, _ expected: String) {
        #expect(WebAddress("https://r.example/v2/a/blobs/uploads/")?.resolving(location)?.text == expected)
    }

    @Test func addsParameters() {
        #expect(WebAddress("http://h/x")?.adding("digest", "sha256:1")?.text == "http://h/x?digest=sha256:1")
        #expect(WebAddress("http://h/x?a=b")?.adding("digest", "sha256:1")?.text == "http://h/x?a=b&digest=sha256:1")
    }

    @Test func comparesOrigins() throws {
        let base = try #require(WebAddress("https://r.example/a"))
        for (other, same) in [
            ("https://r.example:443/b", true), ("https://r.example:444/b", false), ("http://r.example/b", false),
            ("https://r.example.evil/b", false),
        ] {
            #expect(base.hasSameOrigin(as: try #require(WebAddress(other))) == same, "\(other)")
        }
    }

    @Test func plainHTTPIsForLoopbackOnly() {
        let plain = RegistryConfiguration.PlainHTTP(hosts: ["lan.example", "lan2.example:5000"])
        for (authority, allowed) in [
            ("localhost", true), ("localhost:5000", true), ("127.0.0.1:1", true), ("127.9.9.9", true),
            ("[::1]:5000", true), ("127.0.0.1.evil.example", false), ("localhost.evil.example", false),
            ("128.0.0.1", false), ("lan.example:80", true), ("lan2.example:5000", true), ("lan2.example", false),
            ("[::2]:5000", false),
        ] {
            #expect(plain.allows(authority) == allowed, "\(authority)")
        }
        #expect(!RegistryConfiguration.PlainHTTP(loopback: false).allows("localhost"))
    }
}
