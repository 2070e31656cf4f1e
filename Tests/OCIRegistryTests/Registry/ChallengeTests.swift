// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OCIRegistry

struct ChallengeTests {
    private func parse(_ headers: String...) -> [Challenge] { Challenge.parse(headers) }

    @Test func readsABearerChallenge() {
        let found = parse(#"Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull,push""#)
        #expect(
            found == [
                Challenge(
                    scheme: "bearer",
                    parameters: [
                        "realm": "https://auth.example/token", "service": "r", "scope": "repository:a/b:pull,push",
                    ]
                )
            ]
        )
    }

    @Test func readsSeveralInOneHeader() {
        let found = parse(#"Basic realm="a, b", Bearer realm="https://x", service=y, Negotiate"#)
        #expect(found.map(\.scheme) == ["basic", "bearer", "negotiate"])
        #expect(found.first?.parameters == ["realm": "a, b"])
        #expect(found[1].parameters == ["realm": "https://x", "service": "y"])
    }

    @Test func readsSeveralHeaders() {
        #expect(parse("Basic realm=x", "BEARER Realm=https://x/y?z=1").map(\.scheme) == ["basic", "bearer"])
        #expect(parse("BEARER Realm=https://x/y?z=1").first?.parameters == ["realm": "https://x/y?z=1"])
    }

    @Test func readsEscapesAndSpaces() {
        #expect(
            parse(#"Basic realm = "a\"b\\c" , charset="UTF-8""#).first?.parameters == [
                "realm": #"a"b\c"#, "charset": "UTF-8",
            ]
        )
    }

    @Test func doesWhatItCanWithWhatIsMalformed() {
        #expect(parse("").isEmpty)
        #expect(parse(",,, ").isEmpty)
        #expect(parse(#"Basic realm="not closed"#) == [Challenge(scheme: "basic", parameters: ["realm": "not closed"])])
        #expect(parse(#"Basic realm=""#) == [Challenge(scheme: "basic", parameters: ["realm": ""])])
        #expect(parse("Basic realm=").map(\.scheme) == ["basic"])
        #expect(parse("Negotiate YWJj==, Basic realm=x").map(\.scheme).contains("basic"))
        #expect(parse(#"realm="x""#).isEmpty)
    }

    @Test func joinsScopes() {
        let scopes = ["repository:a:pull", "repository:b:pull", "repository:a:push,pull", "registry:catalog:*"]
        #expect(
            AccessScope.union(scopes.compactMap { AccessScope(Substring($0)) }).map(\.written) == [
                "registry:catalog:*", "repository:a:pull,push", "repository:b:pull",
            ]
        )
        #expect(AccessScope("repository:host:5000/a:pull")?.name == "host:5000/a")
        #expect(AccessScope("repository") == nil)
        #expect(AccessScope("repository:a") == nil)
    }
}
