// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OCIRegistry

struct ProxySettingsTests {
    private func proxy(_ environment: [String: String], _ url: String) throws -> String? {
        try ProxySettings(environment: environment).server(for: try #require(WebAddress(url))).map { "\($0.authority)" }
    }

    private static let environments: [([String: String], String, String?)] = [
        (["HTTPS_PROXY": "http://p.example:3128"], "https://r.example/v2/", "p.example:3128"),
        (["https_proxy": "p.example:3128"], "https://r.example/v2/", "p.example:3128"),
        (["HTTPS_PROXY": "p.example:1", "https_proxy": "q.example:2"], "https://r.example/", "p.example:1"),
        (["HTTPS_PROXY": "", "https_proxy": "q.example:2"], "https://r.example/", "q.example:2"),
        (["HTTPS_PROXY": "p.example:1"], "http://r.example/", nil),
        (["HTTP_PROXY": "http://p.example/"], "http://r.example:5000/", "p.example:80"),
        (["HTTP_PROXY": "http://[2001:db8::1]:3128"], "http://r.example/", "[2001:db8::1]:3128"),
        (["HTTP_PROXY": "http://[2001:db8::1]"], "http://r.example/", "[2001:db8::1]:80"),
        (["HTTPS_PROXY": "socks5://p.example"], "https://r.example/", "p.example:1080"),
        ([:], "https://r.example/", nil),
    ]

    @Test(arguments: environments)
    func readsTheEnvironment(_ environment: [String: String], _ url: String, _ expected: String?) throws {
        #expect(try proxy(environment, url) == expected)
    }

    private static let exceptions: [(String, String, Bool)] = [
        ("r.example", "https://r.example/", true), ("r.example", "https://a.r.example/", true),
        ("r.example", "https://ar.example/", false), (".r.example", "https://r.example/", false),
        (".r.example", "https://a.r.example/", true), ("*.r.example", "https://a.r.example/", true),
        ("a.example, R.example ,", "https://r.EXAMPLE/", true), ("r.example:5000", "https://r.example:5000/", true),
        ("r.example:5000", "https://r.example/", false), ("r.example:443", "https://r.example/", true),
        ("*", "https://r.example/", true), ("10.0.0.0/8", "https://10.20.30.40:5000/", true),
        ("10.0.0.0/8", "https://11.0.0.1/", false), ("10.0.0.0/9", "https://10.128.0.1/", false),
        ("192.168.1.1", "https://192.168.1.1/", true), ("192.168.1.1:80", "https://192.168.1.1/", false),
        ("2001:db8::/32", "https://[2001:db8:1::5]/", true),
        ("[2001:db8::5]:5000", "https://[2001:db8::5]:5000/", true),
        ("10.0.0.0/99,/8,:,a:b", "https://10.0.0.1/", false), ("", "https://r.example/", false),
        ("", "https://localhost:5000/", true), ("", "https://127.0.0.9/", true), ("", "https://[::1]:5000/", true),
        ("", "https://127.0.0.1.example/", false),
    ]

    @Test(arguments: exceptions)
    func goesStraightWhereItShould(_ exceptions: String, _ url: String, _ isStraight: Bool) throws {
        let environment = ["HTTPS_PROXY": "http://p.example:3128", "NO_PROXY": exceptions]
        let found = try proxy(environment, url)
        #expect((found == nil) == isStraight)
    }

    @Test(arguments: [
        "https://p.example:3128", "ftp://p.example", "http://", "http://:80", "p.example:99999",
        "http://a%zz:x@p.example",
        "socks5://u:hush@p.example",
    ])
    func refusesWhatIsNoProxy(_ text: String) throws {
        let error = #expect(throws: RegistryError.self) { try ProxySettings(environment: ["HTTP_PROXY": text]) }
        #expect(error?.subject == "HTTP_PROXY")
        #expect(!"\(try #require(error))".contains("hush"))
    }

    @Test func readsALogin() throws {
        let settings = try ProxySettings(environment: ["HTTPS_PROXY": "http://us%40er:p%3Aw:x@p.example:3128"])
        #expect(settings.https?.login == .basic(username: "us@er", password: "p:w:x"))
        #expect(settings.https?.authority == "p.example:3128")
    }
}
