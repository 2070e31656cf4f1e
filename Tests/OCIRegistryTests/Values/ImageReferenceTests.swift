// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import TestSupport
import Testing

struct ImageReferenceTests {
    static let digest = "sha256:" + String(repeating: "0a", count: 32)

    @Test(arguments: [
        ("debian", "docker.io", "library/debian", nil, nil),
        ("debian:12", "docker.io", "library/debian", "12", nil),
        ("docker.io/debian", "docker.io", "library/debian", nil, nil),
        ("index.docker.io/team/app", "docker.io", "team/app", nil, nil),
        ("team/app:v1.2_3-x", "docker.io", "team/app", "v1.2_3-x", nil),
        ("localhost/app", "localhost", "app", nil, nil),
        ("localhost:5000/app", "localhost:5000", "app", nil, nil),
        ("localhost:5000", "docker.io", "library/localhost", "5000", nil),
        ("127.0.0.1:5000/a/b/c:t", "127.0.0.1:5000", "a/b/c", "t", nil),
        ("[::1]:5000/app", "[::1]:5000", "app", nil, nil),
        ("[2001:db8::1]/app", "[2001:db8::1]", "app", nil, nil),
        ("registry.example/team/app@\(digest)", "registry.example", "team/app", nil, digest),
        ("registry.example/app:1@\(digest)", "registry.example", "app", "1", digest),
        ("Registry/app", "Registry", "app", nil, nil),
        ("a/b", "docker.io", "a/b", nil, nil),
        ("a--b/c__d.e_f", "docker.io", "a--b/c__d.e_f", nil, nil),
        ("registry.example:443/app:Tag", "registry.example:443", "app", "Tag", nil),
        (
            "app:" + String(repeating: "t", count: 128), "docker.io", "library/app", String(repeating: "t", count: 128),
            nil
        ),
    ])
    func reads(_ text: String, _ domain: String, _ repository: String, _ tag: String?, _ digest: String?) throws {
        let reference = try ImageReference(parsing: text)
        #expect(reference.domain == domain)
        #expect(reference.repository == repository)
        #expect(reference.tag == tag)
        #expect(reference.digest?.description == digest)
        #expect(try ImageReference(parsing: reference.description) == reference)
    }

    @Test(arguments: [
        ("", "empty"),
        (" ", "space"),
        ("app name", "space"),
        ("app\n", "space"),
        ("äpp", "outside ASCII"),
        (":tag", "no repository"),
        ("@" + digest, "no repository"),
        ("app:", "tag after ':' is empty"),
        ("app:.tag", "tag begins with '.'"),
        ("app:-tag", "tag begins with '-'"),
        ("app:a$b", "'$'"),
        ("app:" + String(repeating: "t", count: 129), "longer than 128"),
        ("app@", "digest after '@'"),
        ("app@sha256:abc", "3 digits"),
        ("app@md5:abc", "neither sha256"),
        ("app:tag@tag", "digest after '@'"),
        ("App", "capitals in 'App'"),
        ("registry.example/Team/app", "capitals in 'Team'"),
        ("registry.example/", "no repository"),
        ("registry.example//app", "empty part"),
        ("registry.example/app/", "empty part"),
        ("/app", "begins with '/'"),
        ("a..b", "'a..b'"),
        ("a___b", "'a___b'"),
        ("_a", "'_a'"),
        ("a-", "'a-'"),
        ("a._b", "'a._b'"),
        ("registry.example/../app", "'..'"),
        ("registry.example:port/app", "'port' is not a port"),
        ("registry.example:/app", "'' is not a port"),
        ("registry.example:70000/app", "'70000' is not a port"),
        ("registry.example:0/app", "'0' is not a port"),
        ("-registry.example/app", "not a host name"),
        ("registry..example/app", "not a host name"),
        ("[::1/app", "no ']'"),
        ("[zz::1]/app", "not an IPv6 address"),
        ("[::1]x/app", "only a port"),
        ("https://registry.example/app", "leave out the scheme"),
        ("registry.example/" + String(repeating: "a", count: 250), "longer than 255"),
    ])
    func saysWhatIsWrong(_ text: String, _ reason: String) {
        let error = #expect(throws: RegistryError.self) { try ImageReference(parsing: text) }
        #expect(error?.kind == .invalidReference)
        #expect(error?.reason.contains(reason) == true, "\(error.map { "\($0)" } ?? "")")
    }

    @Test func asksForTheDigestBeforeTheTag() throws {
        #expect(try ImageReference(parsing: "app").manifestReference == .tag("latest"))
        #expect(try ImageReference(parsing: "app:1").manifestReference == .tag("1"))
        let both = try ImageReference(parsing: "app:1@\(Self.digest)")
        #expect(both.manifestReference == .digest(try Digest(parsing: Self.digest)))
    }

    @Test func knowsWhereDockerHubIs() throws {
        #expect(try ImageReference(parsing: "debian").endpoint == "registry-1.docker.io")
        #expect(try ImageReference(parsing: "localhost:5000/a").endpoint == "localhost:5000")
    }

    @Test func tagsAndUntags() throws {
        let reference = try ImageReference(parsing: "registry.example/app:1")
        #expect(try reference.tagged("2").description == "registry.example/app:2")
        #expect(reference.at(try Digest(parsing: Self.digest)).description == "registry.example/app@\(Self.digest)")
        #expect(throws: RegistryError.self) { try reference.tagged("../x") }
    }

    /// Whatever is accepted is a fixed point of reading and writing, and safe as a part of a URL's path.
    @Test func neverAcceptsWhatAPathCannotHold() {
        var generator = SeededGenerator(seed: 42)
        let alphabet = Array("ab0.-_:/@A[]~%? ")
        var accepted = 0
        for _ in 0..<200_000 {
            let text = String(
                (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                }
            )
            guard let reference = try? ImageReference(parsing: text) else { continue }
            accepted += 1
            #expect((try? ImageReference(parsing: reference.description)) == reference, "\(text)")
            let safe = reference.repository.utf8.allSatisfy { byte in
                "abcdefghijklmnopqrstuvwxyz0123456789.-_/".utf8.contains(byte)
            }
            #expect(safe && !reference.repository.contains(".."), "\(text)")
        }
        #expect(accepted > 1000)
    }
}
