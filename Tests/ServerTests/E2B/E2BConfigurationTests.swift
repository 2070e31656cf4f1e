// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Server

@Suite struct E2BConfigurationTests {
    private func load(_ text: String, insecure: Bool = false) throws -> (ServerConfiguration.E2B?, [String]) {
        var environment = ["HOME": "/h", "OPENSANDBOX_SERVER_API_KEY": "k"]
        if insecure { environment["OPENSANDBOX_INSECURE_SERVER"] = "YES" }
        let (configuration, warnings) = try ServerConfiguration.load(text: text, environment: environment)
        return (configuration.e2b, warnings.map(\.path))
    }

    @Test func everything() throws {
        let (read, warnings) = try load(
            """
            [e2b]
            domain = "boxes.example:8443"
            max_timeout_seconds = 86400
            min_resume_timeout_seconds = 60
            default_template = "py.3"
            [[e2b.keys]]
            key = "e2b_0a"
            owner = "me"
            team = "red"
            name = "laptop"
            [[e2b.keys]]
            key = "e2b_0b"
            [e2b.templates."py.3"]
            image = "python:3"
            entrypoint = ["sleep", "inf"]
            cpu = "2"
            memory = "1Gi"
            disk = "10Gi"
            envd_version = "0.6.4"
            environment = { A = "b" }
            """
        )
        #expect(warnings.isEmpty)
        let e2b = try #require(read)
        #expect(e2b.domain == "boxes.example:8443" && e2b.defaultTemplate == "py.3")
        #expect(e2b.maximumTimeout == 86_400 && e2b.minimumResumeTimeout == 60)
        #expect(e2b.keys.map(\.team) == ["red", "default"] && e2b.keys.map(\.name) == ["laptop", "default"])
        #expect(e2b.keys[0].owner == "me")
        // An owner of its own, always the same one, in the form of a UUID.
        #expect(e2b.keys[1].owner == ServerConfiguration.E2B.Key.owner(of: "e2b_0b"))
        #expect(e2b.keys[1].owner != ServerConfiguration.E2B.Key.owner(of: "e2b_0a"))
        #expect(e2b.keys[1].owner.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
        let template = try #require(e2b.templates["py.3"])
        #expect(template.image == "python:3" && template.entrypoint == ["sleep", "inf"])
        #expect(template.resourceLimits == ["cpu": "2", "memory": "1Gi", "ephemeral-storage": "10Gi"])
        #expect(template.envdVersion == "0.6.4" && template.environment == ["A": "b"])
    }

    @Test func itIsNotThereUnlessItIsWanted() throws {
        #expect(try load("").0 == nil)
        #expect(try load("[e2b]\nenabled = false\ndomain = \"x\"").0 == nil)
        #expect(try load("[e2b]\nenabled = true", insecure: true).0 == ServerConfiguration.E2B())
    }

    @Test(
        arguments: [
            ("[e2b]\nenabled = true", "e2b.keys"), ("[e2b]\nkeys = []", "e2b.keys"),
            ("[[e2b.keys]]\nteam = \"red\"", "e2b.keys[0].key"), ("[[e2b.keys]]\nkey = \" \"", "e2b.keys[0].key"),
            ("[[e2b.keys]]\nkey = \"a\"\nteam = \"Red\"", "e2b.keys[0].team"),
            ("[[e2b.keys]]\nkey = \"a\"\n[[e2b.keys]]\nkey = \"a\"", "e2b.keys[1].key"),
            ("[[e2b.keys]]\nkey = \"a\"\n[e2b.templates.x]\ncpu = \"1\"", "e2b.templates.x.image"),
            ("[[e2b.keys]]\nkey = \"a\"\n[e2b.templates.x]\nimage = \"i\"\ncpu = \"-1\"", "e2b.templates.x.cpu"),
            (
                "[[e2b.keys]]\nkey = \"a\"\n[e2b.templates.x]\nimage = \"i\"\nenvd_version = \"1\"",
                "e2b.templates.x.envd_version"
            ),
            ("[e2b]\nkeys = [{ key = \"a\" }]\ndomain = \"http://x\"", "e2b.domain"),
            ("[e2b]\nkeys = [{ key = \"a\" }]\nmax_timeout_seconds = 0", "e2b.max_timeout_seconds"),
            (
                "[e2b]\nkeys = [{ key = \"a\" }]\ndefault_template = \"y\"\n[e2b.templates.x]\nimage = \"i\"",
                "e2b.default_template"
            ),
        ]
    )
    func whatCannotBeUsed(text: String, key: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try load(text) }
        #expect(error.problems.contains { $0.hasPrefix("\(key): ") }, "\(error)")
    }

    @Test func aWordThatIsNoneIsToldWithTheOneThatWasMeant() throws {
        let (_, warnings) = try load("[[e2b.keys]]\nkey = \"a\"\nowners = \"x\"")
        #expect(warnings == ["e2b.keys[0].owners"])
    }
}
