// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOHTTP1
import Testing

@testable import Server

@Suite struct ProxyHeadersTests {
    @Test func aRequestLosesWhatIsForThisConnectionAndThisServer() throws {
        var fields = HTTPFields()
        for (name, value) in [
            ("Accept", "a"), ("Accept", "b"), ("Connection", "close, X-Hop"), ("connection", "x-other"), ("X-Hop", "1"),
            ("X-Other", "1"), ("Keep-Alive", "1"), ("TE", "trailers"), ("Trailer", "X"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "h2c"), ("Proxy-Authorization", "p"), ("Authorization", "s"), ("Cookie", "c=1"),
            ("OPEN-SANDBOX-API-KEY", "k"), ("OpenSandbox-Secure-Access", "t"), ("OpenSandbox-Access-Renew", "skip"),
            ("X-Forwarded-For", "6.6.6.6"), ("Forwarded", "for=6.6.6.6"), ("X-Real-IP", "6.6.6.6"), ("Host", "second"),
            ("Content-Length", "7"), ("X-Mine", "m"), ("OPENSANDBOX-EGRESS-AUTH", "e"),
        ] { fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
        let origin = ProxyHeaders.Origin(address: "10.1.2.3", host: "api.example")
        let headers = ProxyHeaders.request(fields, host: "10.0.0.5:80", origin: origin)
        #expect(
            headers.map { "\($0.name)=\($0.value)" } == [
                "Host=10.0.0.5:80", "Accept=a", "Accept=b", "X-Mine=m", "OPENSANDBOX-EGRESS-AUTH=e",
                "X-Forwarded-Proto=http", "X-Forwarded-Host=api.example", "X-Forwarded-For=10.1.2.3",
            ]
        )
    }

    @Test func theEndpointsTokensAreUsedByTheServerOnly() {
        let endpoint = [
            "OPENSANDBOX-EGRESS-AUTH": "real", "OpenSandbox-Secure-Access": "s", "X-Route": "r", "Host": "evil",
            "X-Forwarded-For": "evil",
        ]
        let offered: HTTPFields = [.egressAuthorization: "mine"]
        let outside = ProxyHeaders.request(offered, host: "h", origin: .init(), endpoint: endpoint)
        #expect(outside["OPENSANDBOX-EGRESS-AUTH"] == ["mine"])
        #expect(outside["X-Route"] == ["r"])
        #expect(outside["Host"] == ["h"])
        #expect(outside["OpenSandbox-Secure-Access"].isEmpty)
        #expect(outside["X-Forwarded-For"].isEmpty)
        let inside = ProxyHeaders.request(offered, host: "h", origin: .init(), endpoint: endpoint, isInternal: true)
        #expect(inside["OPENSANDBOX-EGRESS-AUTH"] == ["real"])
    }

    @Test func anAnswerLosesWhatIsForItsConnection() {
        let headers: HTTPHeaders = [
            "Connection": "keep-alive, X-Hop", "Keep-Alive": "timeout=5", "X-Hop": "1", "Transfer-Encoding": "chunked",
            "Content-Type": "a/b", "Content-Length": "3", "Not a name": "x",
            "Service-Worker-Allowed": "/",
        ]
        let fields = ProxyHeaders.response(headers, prefix: "/p")
        #expect(fields.map { "\($0.name)=\($0.value)" } == ["Content-Type=a/b", "Content-Length=3"])
    }

    @Test(arguments: [
        ("/a?b", "/p/a?b"), ("//other.example/a", "//other.example/a"), ("http://x/a", "http://x/a"), ("a", "a"),
        ("", ""),
    ])
    func aRedirectStaysWithTheSandbox(location: String, expected: String) {
        #expect(ProxyHeaders.response(["Location": location], prefix: "/p")[.location] == expected)
    }
}
