// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

@Suite("References to artifacts")
struct ArtifactReferencesTests {
    @Test("what a sandbox refers to: its image, the kept artifact, and the one that is about to be kept")
    func sandbox() {
        var recorded = Recorded(identity: "s", now: Story.start)
        recorded.artifact = artifact("a", "b")
        recorded.phase = .sealing(CaptureAttempt(uid: "s-2", number: 2, deadline: Story.start), artifact: artifact("c"))
        #expect(recorded.neededDigests == ["sha256:a", "sha256:b", "sha256:c"])

        var references = ArtifactReferences()
        references.add(recorded, createdFrom: "registry.example:5000/app@sha256:base")
        for name in ["a", "b", "c", "base"] {
            #expect(references.verdict(on: artifact(name)) == .init(delete: nil, retain: artifact(name)))
        }
        #expect(references.verdict(on: artifact("app")) == .init(delete: artifact("app"), retain: nil))
    }

    @Test("parts that others refer to are retained, the others deleted; the owner's own references do not count")
    func verdicts() {
        var references = ArtifactReferences()
        references.add(artifact("a", "b"), of: "owner", .ready)
        references.add(["sha256:b"], by: .compute("pod"))
        let verdict = references.verdict(on: artifact("a", "b"), givenUpBy: .snapshot("owner"))
        #expect(verdict == .init(delete: artifact("a"), retain: artifact("b")))
        #expect(references.verdict(on: artifact("a", "b")).delete == nil)
        #expect(
            references.verdict(on: artifact("a"), givenUpBy: .sandbox("owner")).delete == nil,
            "that is another one"
        )
    }

    @Test("every kind of holder counts, but no snapshot that is being deleted")
    func holders() {
        let holders: [ArtifactReferences.Holder] = [
            .sandbox("x"), .snapshot("x"), .pool("x"), .compute("x"), .creation("x"),
        ]
        for holder in holders {
            var references = ArtifactReferences()
            references.add(["sha256:a"], by: holder)
            #expect(references.verdict(on: artifact("a")).delete == nil)
        }
        var references = ArtifactReferences()
        references.add(artifact("a"), of: "x", .deleting)
        #expect(references.verdict(on: artifact("a")).retain == nil)
    }
}
