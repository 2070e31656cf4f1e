// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// Names, tags and annotations as upstream's clients know them.
struct OpenSandboxNamesTests {
    private func snapshot(_ name: String, ofPause: Bool = false) -> SandboxSnapshot {
        .with {
            $0.metadata.name = name
            $0.spec.sandboxName = "my-sandbox"
            if ofPause {
                let sandbox = BatchSandbox.with {
                    $0.metadata.name = "my-sandbox"
                    $0.metadata.uid = "u"
                }
                $0.metadata.ownerReferences = [sandbox.controllerReference()]
            }
        }
    }

    @Test func imagesOfPausesAreNumberedByGeneration() {
        let snapshot = snapshot("my-sandbox-pause", ofPause: true)
        #expect(snapshot.isOfPause)
        #expect(
            snapshot.imageReference(of: "sandbox", in: "registry.example.com/sandboxes", sandboxGeneration: 1)
                == "registry.example.com/sandboxes/my-sandbox-sandbox:snap-gen1"
        )
    }

    @Test func imagesThatWereAskedForAreNamedByTheirID() {
        let hex = "0123456789abcdef0123456789abcdef"
        #expect(snapshot("osb-snap-\(hex)").imageTag(sandboxGeneration: 7) == "snap-\(hex)")
        // printf my-snapshot | sha256sum
        #expect(snapshot("my-snapshot").imageTag(sandboxGeneration: 7) == "snap-0a674f4b6754d23bc25d2d04ca6ea20e")
        #expect(snapshot("osb-snap-\(hex.uppercased())").imageTag(sandboxGeneration: 7) != "snap-\(hex)")
        #expect(snapshot("osb-snap-\(hex)0").imageTag(sandboxGeneration: 7) != "snap-\(hex)0")
    }

    @Test func anOwnerThatIsNoBatchSandboxMakesNoPause() {
        for change: (inout OwnerReference) -> Void in [
            { $0.controller = false }, { $0.controller = nil }, { $0.kind = "Pool" }, { $0.apiVersion = "v1" },
            { $0.apiVersion = "sandbox.opensandbox.io.example.com/v1" },
        ] {
            var snapshot = snapshot("s", ofPause: true)
            change(&snapshot.metadata.ownerReferences[0])
            #expect(!snapshot.isOfPause)
        }
    }

    @Test func aRegistryThatCannotBeMeantIsNone() {
        let snapshot = snapshot("s")
        #expect(snapshot.imageReference(of: "c", in: "", sandboxGeneration: 1) == nil)
        #expect(snapshot.imageReference(of: "c", in: "//", sandboxGeneration: 1) == nil)
        let long = String(repeating: "r", count: 250)
        #expect(snapshot.imageReference(of: "c", in: long, sandboxGeneration: 1) == nil)
        #expect(
            snapshot.imageReference(of: "c", in: "127.0.0.1:5000/a/", sandboxGeneration: 1)?
                .hasPrefix("127.0.0.1:5000/a/my-sandbox-c:snap-") == true
        )
    }

    @Test func namesThatFitAreUpstreams() {
        #expect(SandboxSnapshot.pauseName(of: "my-sandbox") == "my-sandbox-pause")
        #expect(snapshot("s").commitJobName == "s-commit")
        #expect(snapshot("s").unpauseJobName == "s-unpause")
        #expect(snapshot("s").labelValue == "s")
        let sandbox = BatchSandbox.with { $0.metadata.name = "web" }
        #expect(sandbox.podName(0) == "web-0")
    }

    @Test func replicasHaveNamesOfTheirOwn() throws {
        #expect(SandboxSnapshot.pauseName(of: "web", replica: 0) == "web-pause")
        #expect(SandboxSnapshot.pauseName(of: "web", replica: 2) == "web-pause-2")
        let sandboxes = ["web", "web-1", "web-pause", "web-pause-1", "web-pause-1-pause"]
        let names = sandboxes.flatMap { sandbox in (0...2).map { SandboxSnapshot.pauseName(of: sandbox, replica: $0) } }
        #expect(Set(names).count == names.count)
        let jobs = names.map { snapshot($0) }.flatMap { [$0.commitJobName, $0.unpauseJobName, $0.releaseJobName] }
        #expect(Set(jobs).count == jobs.count)
        let long = String(repeating: "a", count: 253)
        let cut = (0...2).map { SandboxSnapshot.pauseName(of: long, replica: $0) }
        #expect(Set(cut).count == 3 && cut.allSatisfy { NameRule.subdomain.allows($0) })

        var pause = snapshot("web-pause-2")
        pause.spec.sandboxName = "web"
        pause.metadata.ownerReferences = [BatchSandbox.with { $0.metadata.name = "web" }.controllerReference()]
        #expect(pause.imageTag(sandboxGeneration: 7) == "snap-gen7")
        #expect(
            pause.imageReference(of: "c", in: "r", sandboxGeneration: 7, replica: 2) == "r/web-c:snap-gen7-2"
        )
    }

    @Test func longNamesAreCutAndStayApart() {
        let base = String(repeating: "a.", count: 126)
        let names = ["b", "c"].map { base + $0 }
        #expect(names.allSatisfy { $0.utf8.count == 253 && NameRule.subdomain.allows($0) })
        for cut in [
            names.map { SandboxSnapshot.pauseName(of: $0) }, names.map { snapshot($0).commitJobName },
            names.map { snapshot($0).unpauseJobName },
        ] {
            #expect(Set(cut).count == 2)
            #expect(cut.allSatisfy { NameRule.subdomain.allows($0) })
        }
        #expect(names.map { SandboxSnapshot.pauseName(of: $0).hasSuffix("-pause") } == [true, true])
        let jobs = names.flatMap { [snapshot($0).commitJobName, snapshot($0).unpauseJobName, snapshot($0).labelValue] }
        #expect(jobs.allSatisfy { NameRule.labelValue.allows($0) && !$0.isEmpty })
        let exact = String(repeating: "n", count: 63 - 7)
        #expect(snapshot(exact).commitJobName == exact + "-commit")
        #expect(snapshot(exact + "n").commitJobName.utf8.count == 63)
    }

    @Test func podsAreFoundByLabelOrName() {
        func pod(_ name: String, _ label: String? = nil) -> Pod {
            .with {
                $0.metadata.name = name
                $0.metadata.labels[OpenSandbox.Label.podIndex] = label
            }
        }
        #expect(BatchSandbox.podIndex(of: pod("web-0")) == 0)
        #expect(BatchSandbox.podIndex(of: pod("web-12")) == 12)
        #expect(BatchSandbox.podIndex(of: pod("web-12", "3")) == 3)
        for broken in ["web", "web-", "web-x", "web--", "web-+1", "web-99999999999999999999"] {
            #expect(BatchSandbox.podIndex(of: pod(broken)) == nil)
        }
        #expect(BatchSandbox.podIndex(of: pod("web-1", "x")) == nil)
    }

    @Test func allocationsAreWrittenAsUpstreamDoes() throws {
        #expect(PodAllocation(pods: ["pod-a", "pod-b"]).jsonText == #"{"pods":["pod-a","pod-b"]}"#)
        #expect(PodAllocation(pods: []).jsonText == #"{"pods":[]}"#)
        let later = #"{"pods":["a"],"poolRef":"p","generation":3,"future":1}"#
        #expect(try PodAllocation(json: later).jsonText == later)
        var sandbox = BatchSandbox()
        #expect(try sandbox.allocation(OpenSandbox.Annotation.allocStatus).pods == [])
        for (text, pods) in [(#"{"pods":["a"]}"#, ["a"]), (#"{"pods":null}"#, []), ("{}", []), ("", [])] {
            sandbox.metadata.annotations[OpenSandbox.Annotation.allocStatus] = text
            #expect(try sandbox.allocation(OpenSandbox.Annotation.allocStatus).pods == pods)
        }
        for broken in ["[]", "null", "{", #"{"pods":"a"}"#, #"{"pods":[1]}"#, #"{"pods":[]} x"#] {
            sandbox.metadata.annotations[OpenSandbox.Annotation.allocStatus] = broken
            #expect(throws: JSONError.self) { try sandbox.allocation(OpenSandbox.Annotation.allocStatus) }
        }
    }

    @Test func endpointsAreWrittenAsUpstreamDoes() throws {
        #expect(EndpointsAnnotation(addresses: ["10.244.1.5"]).text == #"["10.244.1.5"]"#)
        #expect(try EndpointsAnnotation(#"["10.244.1.5",""]"#).addresses == ["10.244.1.5", ""])
        for broken in ["", "{}", "[1]", "[null]", "10.0.0.1"] {
            #expect(throws: JSONError.self) { try EndpointsAnnotation(broken) }
        }
        #expect(EndpointsAnnotation.updated(from: nil, addresses: []) == nil)
        #expect(EndpointsAnnotation.updated(from: nil, addresses: [""]) == nil)
        #expect(EndpointsAnnotation.updated(from: nil, addresses: ["", "fd00::1"]) == #"["","fd00::1"]"#)
        #expect(EndpointsAnnotation.updated(from: #"["a"]"#, addresses: []) == "[]")
    }
}
