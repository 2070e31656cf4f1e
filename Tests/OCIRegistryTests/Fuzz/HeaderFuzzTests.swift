// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import OCIRegistry

/// Headers that registries send: what is read can be written so that it reads as the same.
struct HeaderFuzzTests {
    // MARK: WWW-Authenticate

    private let challenges = Fuzzer(
        seed: 2,
        examples: [
            #"Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull,push repository:c:pull""#,
            #"Basic realm="a \"quoted\" \\ realm", charset=UTF-8"#, "Negotiate YWJj==, Basic realm=x", "Basic",
            #"Digest realm="x", qop="auth,auth-int", algorithm=MD5, Bearer realm=https://a.example/t?x=y,scope="""#,
        ],
        words: [
            ",", "=", "==", "\"", "\\", "\\\"", " ", "\t", "Bearer ", "Basic ", "realm=", "scope=\"", "a", "é", "\u{0}",
        ],
        generate: { generator in
            let schemes = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                let parameters = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                    let name = generator.one(["realm", "Service", "scope", "x-y", "a"])
                    let value = generator.some(["a", "/", ":", ",", " ", "\\\"", "\\\\", "=", "é"], 0...8)
                    return generator.happens(0.7)
                        ? "\(name)=\"\(value)\"" : "\(name) = \(generator.some(["a", "/", ":", "="], 1...5))"
                }
                return generator.one(["Bearer", "basic", "Custom"]) + " "
                    + parameters.joined(separator: generator.one([",", ", "]))
            }
            return schemes.joined(separator: ", ")
        }
    )

    private static func written(_ challenges: [Challenge]) -> String {
        challenges.map { challenge in
            let parameters = challenge.parameters.sorted { $0.key < $1.key }
                .map { "\($0.key)=\"\(quoted($0.value))\"" }
            return "\(challenge.scheme) \(parameters.joined(separator: ", "))"
        }.joined(separator: ", ")
    }

    private static func quoted(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private func checkChallenge(_ text: String) throws {
        let found = Challenge.parse([text])
        try #require(Challenge.parse([Self.written(found)]) == found, "\(text.prefix(300))")
        for challenge in found {
            let scopes = (challenge.parameters["scope"] ?? "").split(separator: " ").compactMap { AccessScope($0) }
            for scope in scopes { try #require(AccessScope(Substring(scope.written)) == scope) }
            _ = challenge.parameters["realm"].flatMap { WebAddress($0) }
        }
    }

    @Test func writesChallengesAsItReadsThem() throws { try challenges.run(checkChallenge) }
    @Test func readsLongChallengesToTheEnd() throws { try challenges.runLong(checkChallenge) }

    // MARK: Link

    private let links = Fuzzer(
        seed: 3,
        examples: [
            #"</v2/app/tags/list?n=2&last=b>; rel="next""#, #"<https://r.example/x>;rel=next;title="a, b; <c>""#,
            #"<a>; rel="prev next", <b>; REL=last ; x, <>"#,
        ],
        words: ["<", ">", ";", ",", "=", "\"", "\\", " ", "rel=next", "rel=\"", "<a>", "é", "\u{0}", "next"],
        generate: { generator in
            (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                let target = generator.some(["/v2", "a", "?n=1", "&", ",", ";", "http://x"], 0...4)
                let parameters = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    let name = generator.one(["rel", "title", "Rel", "x*"])
                    return "; \(name)=" + generator.one(["next", "\"next\"", "\"a b\"", "\"<,;>\"", ""])
                }
                return "<\(target)>" + parameters.joined()
            }.joined(separator: ", ")
        }
    )

    private func checkLink(_ text: String) throws {
        let found = LinkHeader.parse([text])
        let written = found.map { link in
            let parameters = link.parameters.sorted { $0.key < $1.key }
                .map { "; \($0.key)=\"\(Self.quoted($0.value))\"" }
            return "<\(link.target)>" + parameters.joined()
        }.joined(separator: ", ")
        try #require(LinkHeader.parse([written]) == found, "\(text.prefix(300))")
        if let next = LinkHeader.next(in: [text]) { _ = base?.resolving(next) }
    }

    private let base = WebAddress("https://registry.example/v2/app/tags/list")

    @Test func writesLinksAsItReadsThem() throws { try links.run(checkLink) }
    @Test func readsLongLinksToTheEnd() throws { try links.runLong(checkLink) }
}
