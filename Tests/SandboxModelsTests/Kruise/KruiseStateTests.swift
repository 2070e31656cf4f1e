// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@Suite("In which state a Kruise sandbox is")
struct KruiseStateTests {
    private static let now = Date(timeIntervalSince1970: 10_000)

    private static func sandbox(
        _ phase: KruiseSandboxPhase?,
        isReady: Bool = false,
        isInSet: Bool = false,
        _ change: (inout KruiseSandbox) -> Void = { _ in }
    ) -> KruiseSandbox {
        .with {
            $0.metadata.name = "box"
            if let phase { $0.status = .with { $0.phase = phase } }
            if isReady {
                $0.status?.conditions = [.with { ($0.type, $0.status) = ("Ready", "True") }]
            }
            if isInSet {
                let set = KruiseSandboxSet.with { ($0.metadata.name, $0.metadata.uid) = ("set", "set-uid") }
                $0.metadata.ownerReferences = [set.controllerReference()]
            }
            change(&$0)
        }
    }

    @Test("The first that is so counts")
    func order() {
        let deleted = Self.sandbox(.running, isReady: true, isInSet: true) {
            $0.metadata.deletionTimestamp = Timestamp(seconds: 1)
            $0.spec.shutdownTime = SpelledTime(Self.now.addingTimeInterval(-1))
        }
        #expect(deleted.state(at: Self.now) == (.dead, .deleted))
        let over = Self.sandbox(.pending) { $0.spec.shutdownTime = SpelledTime(Self.now.addingTimeInterval(-1)) }
        #expect(over.state(at: Self.now) == (.dead, .shutdownTimeReached))
        #expect(over.state(at: Self.now.addingTimeInterval(-1)) == (.creating, .pending))
        #expect(Self.sandbox(nil).state(at: Self.now) == (.creating, .pending))
        #expect(Self.sandbox(.failed, isInSet: true).state(at: Self.now) == (.dead, .failed))
        #expect(Self.sandbox(.succeeded).state(at: Self.now) == (.dead, .succeeded))
        #expect(Self.sandbox(.terminating).state(at: Self.now) == (.dead, .terminating))
        #expect(Self.sandbox(.running, isReady: true, isInSet: true).state(at: Self.now) == (.available, .readyInSet))
        #expect(Self.sandbox(.running, isInSet: true).state(at: Self.now) == (.creating, .unreadyInSet))
        let pausing = Self.sandbox(.running, isReady: true) { $0.spec.paused = true }
        #expect(pausing.state(at: Self.now) == (.paused, .claimedAndPaused))
        #expect(Self.sandbox(.running, isReady: true).state(at: Self.now) == (.running, .claimedAndReady))
        #expect(Self.sandbox(.running).state(at: Self.now) == (.dead, .claimedButNotReady))
        for phase in [KruiseSandboxPhase.paused, .resuming, .upgrading, .recycling] {
            #expect(Self.sandbox(phase).state(at: Self.now) == (.paused, .notRunning))
        }
    }

    @Test("Only a set of this group makes it a set's")
    func sets() {
        let other = Self.sandbox(.running, isReady: true, isInSet: true) {
            $0.metadata.ownerReferences[0].apiVersion = "example.com/v1"
        }
        #expect(other.state(at: Self.now).state == .running)
        let later = Self.sandbox(.running, isReady: true, isInSet: true) {
            $0.metadata.ownerReferences[0].apiVersion = "agents.kruise.io/v1beta1"
        }
        #expect(later.state(at: Self.now).state == .available)
        #expect(later.isFree(at: Self.now))
        let locked = Self.sandbox(.running, isReady: true, isInSet: true) {
            $0.metadata.annotations[Kruise.Annotation.lock] = "x"
        }
        #expect(!locked.isFree(at: Self.now))
    }

    @Test("What can be paused and what can be brought back")
    func pausing() {
        #expect(Self.sandbox(.paused).isPausable)
        #expect(Self.sandbox(.running, isReady: true).isPausable)
        #expect(!Self.sandbox(.running).isPausable)
        #expect(!Self.sandbox(.running, isReady: true, isInSet: true).isPausable)
        #expect(!Self.sandbox(.failed).isPausable)
        #expect(!Self.sandbox(.paused).isResumable(at: Self.now), "it is still being paused")
        let paused = Self.sandbox(.paused) {
            $0.status?.conditions = [.with { ($0.type, $0.status) = ("SandboxPaused", "True") }]
        }
        #expect(paused.isResumable(at: Self.now))
        #expect(Self.sandbox(.resuming).isResumable(at: Self.now))
        #expect(Self.sandbox(.running).isResumable(at: Self.now))
        let pausing = Self.sandbox(.running) { $0.spec.paused = true }
        #expect(!pausing.isResumable(at: Self.now))
    }

    @Test("Taking one says whose it is, lets it go from its set and gives its pods labels, and nothing else")
    func taking() throws {
        let sandbox = Self.sandbox(.running, isReady: true, isInSet: true) {
            $0.metadata.resourceVersion = "7"
            $0.metadata.ownerReferences.append(.with { ($0.kind, $0.name, $0.uid) = ("Other", "o", "other-uid") })
            $0.metadata.labels = ["a": "b", Kruise.Label.sandboxClaimed: "false"]
            $0.spec.template = RawJSON(
                ["spec": ["containers": [["name": "main", "odd": 1]]], "odd": true] as JSONValue
            )
        }
        var taking = KruiseTaking(owner: "claim-uid", lock: "word", time: Self.now)
        taking.claim = "claim"
        taking.labels = ["team": "red"]
        taking.annotations = ["note": "x", "agents.kruise.io/sandbox-priority": "100"]
        taking.pauseTime = SpelledTime("2030-01-01T00:00:00+02:00")
        let change = try taking.change(of: sandbox).document
        #expect(change["metadata"]?["resourceVersion"] == "7")
        #expect(
            change["metadata"]?["labels"] == [
                "agents.kruise.io/sandbox-claimed": "true", "agents.kruise.io/claim-name": "claim", "team": "red",
            ]
        )
        #expect(
            change["metadata"]?["annotations"] == [
                "agents.kruise.io/owner": "claim-uid", "agents.kruise.io/lock": "word", "note": "x",
                "agents.kruise.io/claim-timestamp": "1970-01-01T02:46:40Z", "agents.kruise.io/sandbox-priority": "100",
            ]
        )
        #expect(change["metadata"]?["ownerReferences"]?.array?.compactMap { $0["uid"]?.string } == ["other-uid"])
        #expect(change["spec"]?["pauseTime"] == "2030-01-01T00:00:00+02:00")
        #expect(change["spec"]?["template"] == ["metadata": ["labels": ["team": "red"], "annotations": ["note": "x"]]])
        #expect(change["status"] == nil)
    }
}
