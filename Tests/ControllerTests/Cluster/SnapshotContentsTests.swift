// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import Logging
import OCIRegistry
import Provenance
import SandboxModels
import TestSupport
import Testing

/// What of a pod gets into the registry, and who is believed that it does: by real Jobs, on the tests' cluster.
@Suite("What a snapshot of a pod has in it")
struct SnapshotContentsTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Words that must not be found, by where they are planted.
    private static let planted = [
        "literal", "secret", "file", "projected", "configmap", "scratch", "envfrom",
    ]

    private static func word(_ place: String) -> String { "Pl4nt3d-\(place)-Pl4nt3d" }

    /// A program that reads every byte of a repository: all that tags and indexes lead to, blobs decompressed, too. It prints
    /// the words that it finds, and how many documents and blobs it has seen.
    private static let search = #"""
        import gzip, json, re, sys, urllib.request
        registry, repository, words = sys.argv[1], sys.argv[2], sys.argv[3:]
        accept = ", ".join(["application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"])
        def fetch(path):
            request = urllib.request.Request(f"http://{registry}/v2/{repository}/{path}", headers={"Accept": accept})
            with urllib.request.urlopen(request) as answer: return answer.read()
        found, seen = set(), set()
        def look(data):
            texts = [data]
            if data[:2] == b"\x1f\x8b": texts.append(gzip.decompress(data))
            import base64
            for text in list(texts):
                for match in re.findall(rb'"payload":"([A-Za-z0-9+/=]+)"', text): texts.append(base64.b64decode(match))
            for word in words:
                if any(word.encode() in text for text in texts): found.add(word)
        def visit(reference):
            if reference in seen: return
            seen.add(reference)
            data = fetch(f"manifests/{reference}")
            look(data)
            document = json.loads(data)
            for entry in document.get("manifests", []): visit(entry["digest"])
            for blob in [document["config"]] + document["layers"] if "config" in document else []:
                if blob["digest"] in seen: continue
                seen.add(blob["digest"])
                look(fetch(f"blobs/{blob['digest']}"))
        tags = json.loads(fetch("tags/list"))["tags"]
        for tag in tags: visit(tag)
        print(json.dumps({"found": sorted(found), "seen": len(seen), "tags": sorted(tags)}))
        """#

    private struct Findings: Decodable {
        var found: [String]
        var seen: Int
        var tags: [String]
    }

    private func find(_ words: [String], in cluster: SandboxCluster) async throws -> Findings {
        let parts = cluster.registry.split(separator: "/", maxSplits: 1).map(String.init)
        let text = try await Command.run(
            "python3",
            ["-c", Self.search, parts[0], "\(parts[1])/box-main"] + words
        )
        return try JSONDecoder().decode(Findings.self, from: Data(text.utf8))
    }

    private static func plantSecrets(_ template: inout PodTemplateSpec) {
        template.spec.containers[0].env = [
            EnvVar("LITERAL", word("literal")),
            .with {
                $0.name = "SECRET"
                $0.unknownFields["valueFrom"] = RawJSON(["secretKeyRef": ["name": "hidden", "key": "secret"]])
            },
            .with {
                $0.name = "SETTING"
                $0.unknownFields["valueFrom"] = RawJSON(["configMapKeyRef": ["name": "settings", "key": "configmap"]])
            },
        ]
        template.spec.containers[0].unknownFields["envFrom"] = RawJSON([["secretRef": ["name": "more"]]])
        template.spec.containers[0].args = ["sh", "$(SECRET)"]
        template.spec.containers[0].resources = .with { $0.limits = ["memory": 64_000_000] }
        template.spec.containers[0].volumeMounts += [
            VolumeMount("hidden", at: "/secrets", isReadOnly: true),
            VolumeMount("projected", at: "/projected", isReadOnly: true), VolumeMount("scratch", at: "/scratch"),
        ]
        template.spec.volumes += [
            .with {
                $0.name = "hidden"
                $0.secret = .with { $0.secretName = "hidden" }
            },
            .with {
                $0.name = "projected"
                $0.unknownFields["projected"] = RawJSON(["sources": [["secret": ["name": "hidden"]]]])
            },
            .with {
                $0.name = "scratch"
                $0.emptyDir = EmptyDirVolumeSource()
            },
        ]
    }

    private func prepare(_ cluster: SandboxCluster, key: SigningKey) async throws {
        for (name, entries) in [
            "hidden": ["secret": Self.word("secret"), "file": Self.word("file"), "projected": Self.word("projected")],
            "more": ["MORE": Self.word("envfrom")],
        ] {
            _ = try await cluster.secrets.create(
                .with {
                    $0.metadata.name = name
                    $0.stringData = entries
                }
            )
        }
        _ = try await cluster.client.resource(ConfigMap.self, in: .named(cluster.namespace))
            .create(
                .with {
                    $0.metadata.name = "settings"
                    $0.data = ["configmap": Self.word("configmap")]
                }
            )
    }

    @Test("is none of its secrets; it is signed, and believed only as long as that is there", .timeLimit(.minutes(10)))
    func secrets() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(component: "stasis-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Command.run(
            "openssl",
            ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(folder)/key.pem"]
        )
        let key = try SigningKey(file: "\(folder)/key.pem")
        let pem = try String(contentsOfFile: "\(folder)/key.pem", encoding: .utf8)
        try key.publicPEM.write(toFile: "\(folder)/key.pub", atomically: true, encoding: .utf8)
        let configure: @Sendable (inout CommitJobSettings) -> Void = {
            $0.signingSecret = "signing"
            $0.verification = .require
            $0.verificationKeys = ["\(folder)/key.pub"]
        }
        try await SandboxCluster.run(capturing: configure) { cluster in
            try await prepare(cluster, key: key)
            try await cluster.create("box", Self.plantSecrets)
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            let plant = """
                test "$LITERAL$SECRET$SETTING$MORE" && cat /secrets/file /projected/projected >/dev/null
                echo \(Self.word("scratch")) >/scratch/file; echo kept-in-sight >/root/marker
                """
            try await cluster.shell(plant, in: "box-0")

            // Without the key nothing is stored that nobody would believe.
            try await cluster.setPause(true, of: "box")
            let unsigned = try await cluster.waitForPause(of: "box")
            #expect(unsigned.status?.conditions["PauseFailed"]?.reason == "SigningKeyUnusable")
            _ = try await cluster.secrets.create(
                .with {
                    $0.metadata.name = "signing"
                    $0.stringData = ["key.pem": pem]
                }
            )
            try await cluster.pauseAgain("box")
            let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            let image = try #require(paused.status?.artifact)

            let secret = pem.split(separator: "\n")[1]
            let findings = try await find(
                Self.planted.map(Self.word) + [String(secret), "kept-in-sight", "box-0"],
                in: cluster
            )
            #expect(findings.found == ["box-0", "kept-in-sight"], "what is to be found is found, and nothing else")
            #expect(findings.tags.contains { $0.hasSuffix(".att") } && findings.tags.contains { $0.hasSuffix(".sig") })
            #expect(findings.seen > 10)
            try await checkImage(image, in: cluster)

            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            #expect(try await cluster.shell("cat /root/marker", in: "box-0") == "kept-in-sight\n")
            try await checkRefusal(cluster)
        }
    }

    private func checkImage(_ artifact: ArtifactSummary, in cluster: SandboxCluster) async throws {
        try await withRegistry { client in
            let reference = try ImageReference(parsing: "\(cluster.registry)/box-main@\(artifact.imageDigest)")
            let image = try await client.repository(reference).image(reference.manifestReference)
            let labels = image.config.config.labels ?? [:]
            #expect(labels["dev.stasis.snapshot.limits"] == #"{"memory":"64M"}"#)
            #expect(labels["dev.stasis.snapshot.environment"] == #"["LITERAL","SECRET","SETTING"]"#)
            #expect(image.config.config.cmd == ["sh", "$(SECRET)"])
            #expect(image.config.config.env?.contains { $0.hasPrefix("LITERAL=") } != true)
        }
    }

    /// Pauses again, takes the statements away, and is refused until they are there again.
    private func checkRefusal(_ cluster: SandboxCluster) async throws {
        try await cluster.setPause(true, of: "box")
        let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
        let artifact = try #require(paused.status?.artifact)
        try await withRegistry { client in
            let reference = try ImageReference(parsing: "\(cluster.registry)/box-main@\(artifact.imageDigest)")
            let repository = client.repository(reference)
            let manifest = try await repository.manifest(reference.manifestReference)
            try await ImageAttachments(to: manifest.descriptor, in: repository).remove()
        }
        try await cluster.setPause(false, of: "box")
        let refused = try await cluster.wait(for: "box") { $0.status?.conditions.isTrue("ResumeFailed") == true }
        #expect(refused.status?.phase == .paused)
        let failure = try #require(refused.status?.conditions["ResumeFailed"])
        #expect(failure.reason == "ProvenanceNotVerified")
        #expect(failure.message?.contains("Take the snapshot again with a signing key") == true)
    }

    private func withRegistry(_ body: (RegistryClient) async throws -> Void) async throws {
        let testbed = try KubernetesTestbed.find()
        var configuration = RegistryConfiguration()
        configuration.plainHTTP.hosts = [testbed.registry]
        try await withRegistryClient(configuration, logger: Self.logger, body)
    }
}
