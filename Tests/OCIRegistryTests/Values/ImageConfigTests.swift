// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Testing

struct ImageConfigTests {
    static let diffID = "sha256:" + String(repeating: "1f", count: 32)

    /// A config as Docker writes it: nulls, an empty map as a set, members that the specification does not have.
    static let docker = """
        {"architecture":"amd64","os":"linux","created":"2024-02-13T00:40:25.123456789Z","docker_version":"20.10.23",
         "container_config":{"Hostname":"abc","Cmd":["x"]},"os.features":["a"],
         "config":{"Hostname":"","User":"1000:1000","Env":["PATH=/bin","A=b=c"],"Cmd":["sh"],"Entrypoint":null,
           "ExposedPorts":{"80/tcp":{},"53/udp":{}},"Volumes":{"/data":{}},"WorkingDir":"/w","Labels":{"a":"b"},
           "Healthcheck":{"Test":["CMD","true"],"Interval":30000000000,"Ratio":0.25,"Big":18446744073709551615},
           "OnBuild":null,"ArgsEscaped":true,"StopSignal":"SIGINT"},
         "rootfs":{"type":"layers","diff_ids":["\(diffID)"],"extra":[1,-2]},
         "history":[{"created":"2024-02-13T00:40:25Z","created_by":"ADD x","empty_layer":true,"more":{"x":null}}]}
        """

    @Test func readsWhatItKnows() throws {
        let config: ImageConfig = try ImageDocument.decode(from: Array(Self.docker.utf8), subject: "test")
        #expect(config.platform == Platform(os: "linux", architecture: "amd64"))
        #expect(config.config.user == "1000:1000")
        #expect(config.config.env == ["PATH=/bin", "A=b=c"])
        #expect(config.config.cmd == ["sh"])
        #expect(config.config.entrypoint == nil)
        #expect(config.config.exposedPorts == ["80/tcp", "53/udp"])
        #expect(config.config.volumes == ["/data"])
        #expect(config.config.workingDir == "/w")
        #expect(config.config.labels == ["a": "b"])
        #expect(config.config.stopSignal == "SIGINT")
        #expect(config.rootfs.diffIDs.map(\.description) == [Self.diffID])
        #expect(config.history.first?.emptyLayer == true)
        #expect(config.created == "2024-02-13T00:40:25.123456789Z")
    }

    @Test func keepsWhatItDoesNotKnow() throws {
        var config: ImageConfig = try ImageDocument.decode(from: Array(Self.docker.utf8), subject: "test")
        config.config.user = "0"
        let bytes = try ImageDocument.encode(config)
        let text = String(decoding: bytes, as: UTF8.self)
        let expected = [
            #""docker_version":"20.10.23""#, #""container_config":{"Cmd":["x"],"Hostname":"abc"}"#,
            #""os.features":["a"]"#, #""Hostname":"""#, #""Big":18446744073709551615"#, #""Interval":30000000000"#,
            #""Ratio":0.25"#, #""OnBuild":null"#, #""ArgsEscaped":true"#, #""extra":[1,-2]"#, #""more":{"x":null}"#,
            #""User":"0""#, #""ExposedPorts":{"53/udp":{},"80/tcp":{}}"#, #""Volumes":{"/data":{}}"#,
        ]
        for part in expected { #expect(text.contains(part), "\(part)") }
        #expect(!text.contains("Entrypoint"))
        #expect(try ImageDocument.decode(ImageConfig.self, from: bytes, subject: "test") == config)
        #expect(try ImageDocument.encode(config) == bytes, "equal values have equal bytes")
    }

    @Test func refusesWhatIsNotAConfig() {
        for text in ["", "[]", "{}", #"{"os":"linux","architecture":"amd64"}"#, "{\"os\":1}"] {
            #expect(throws: RegistryError.self) {
                try ImageDocument.decode(ImageConfig.self, from: Array(text.utf8), subject: "test")
            }
        }
    }

    /// The specification's definition, computed by hand for two layers.
    @Test func computesChainIDs() throws {
        let first = Digest.sha256(of: [1])
        let second = Digest.sha256(of: [2])
        let chained = Digest.sha256(of: Array("\(first) \(second)".utf8))
        #expect(ChainID.of([]) == nil)
        #expect(ChainID.of([first]) == first)
        #expect(ChainID.of([first, second]) == chained)
        #expect(ChainID.each([first, second]) == [first, chained])
    }

    @Test func choosesTheManifestOfAPlatform() {
        func entry(_ number: UInt8, _ platform: Platform?) -> Descriptor {
            Descriptor(mediaType: .ociManifest, digest: .sha256(of: [number]), size: 1, platform: platform)
        }
        let index = ImageIndex(manifests: [
            entry(0, nil),
            entry(1, Platform(os: "unknown", architecture: "unknown")),
            entry(2, Platform(os: "linux", architecture: "arm", variant: "v6")),
            entry(3, Platform(os: "linux", architecture: "arm", variant: "v7")),
            entry(4, Platform(os: "linux", architecture: "arm64")),
            entry(5, Platform(os: "linux", architecture: "amd64")),
        ])
        func chosen(_ architecture: String, _ variant: String? = nil) -> Digest? {
            index.manifest(for: Platform(os: "linux", architecture: architecture, variant: variant))?.digest
        }
        #expect(chosen("arm", "v7") == .sha256(of: [3]))
        #expect(chosen("arm64", "v8") == .sha256(of: [4]))
        #expect(chosen("amd64") == .sha256(of: [5]))
        #expect(chosen("s390x") == nil)
    }
}
