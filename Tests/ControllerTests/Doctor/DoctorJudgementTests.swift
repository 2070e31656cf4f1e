// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import OCIRegistry
import SandboxModels
import TestSupport
import Testing

@testable import Controller

/// What is said of what was found, without a cluster.
@Suite("The doctor's judgement")
struct DoctorJudgementTests {
    private static let now = Date(timeIntervalSince1970: 1_700_000_000)

    @Test(
        "of an API server's version",
        arguments: [
            ("v1.20.2", nil), ("v1.33.1+k3s1", nil), ("v2.0.0", nil), ("v1.19.16-gke.100", DoctorReason.apiServerOld),
        ]
    )
    func versions(version: String, reason: DoctorReason?) {
        #expect(ServerCheck.judge(version: version, at: "https://api").reason == reason)
    }

    @Test(
        "of clocks: only what is beyond doubt counts",
        arguments: [
            (0.4, 0.5, nil), (-2.4, 0.5, nil), (2.6, 0.5, DoctorReason.clocksDiffer), (-20, 0.5, .clocksDiffer),
            (20, 19, nil), (31, 0.5, .clocksFarApart), (-4000, 0.5, .clocksFarApart),
        ]
    )
    func clocks(ahead: Double, doubt: Double, reason: DoctorReason?) {
        let finding = ClockCheck.judge(ahead: ahead, doubt: doubt)
        #expect(finding.reason == reason)
        if ahead < -3 { #expect(finding.message.contains(" s behind this machine's")) }
    }

    @Test("of nodes' clocks: one that is ahead is named, one that renews late is not")
    func nodeClocks() {
        func lease(_ name: String, _ seconds: Double) -> Lease {
            .with {
                $0.metadata.name = name
                $0.spec.renewTime = MicroTime(Self.now.addingTimeInterval(seconds))
            }
        }
        let leases = [lease("good", 1), lease("late", -50), lease("early", 40)]
        let findings = ClockCheck.judge(leases, now: Timestamp(Self.now), doubt: 1)
        #expect(findings.map(\.reason) == [.nodeClockDiffers])
        #expect(findings.first?.subject == "node early")
        #expect(ClockCheck.judge([leases[0]], now: Timestamp(Self.now), doubt: 1).map(\.outcome) == [.ok])
        #expect(ClockCheck.judge([], now: Timestamp(Self.now), doubt: 1).map(\.reason) == [.notChecked])
    }

    @Test("of definitions: older ones are told, with what they drop")
    func definitions() throws {
        let deployed = try DeployedDefinition("batchsandboxes")
        #expect(DefinitionCheck.judge(BatchSandbox.resourceType, deployed.definition).outcome == .ok)
        let old = DefinitionCheck.judge(BatchSandbox.resourceType, try deployed.baseline().definition)
        #expect(old.reason == .definitionsOld && old.message.contains("status.artifact, status.progress"))
    }

    @Test("of Secrets with logins")
    func secrets() {
        let login = #"{"auths": {"registry.example": {"username": "box", "password": "x"}}}"#
        func secret(_ type: String, _ data: [String: String]) -> Secret {
            .with {
                $0.type = type
                $0.data = data.mapValues { Base64Bytes(Array($0.utf8)) }
            }
        }
        func judge(_ secret: Secret?) -> DoctorFinding {
            SecretCheck.judge(secret, at: "team/push", "--snapshot-push-secret", registry: "registry.example/boxes")
        }
        let (type, key) = (DockerSecret.type, DockerSecret.key)
        #expect(judge(nil).reason == .secretMissing)
        #expect(judge(secret("Opaque", [key: login])).reason == .secretInvalid)
        #expect(judge(secret(type, [:])).reason == .secretInvalid)
        #expect(judge(secret(type, [key: "no JSON"])).reason == .secretInvalid)
        let other = judge(secret(type, [key: login.replacing("registry.example", with: "other.example")]))
        #expect(other.reason == .secretWithoutLogin && other.remedy?.contains("registry.example") == true)
        let good = judge(secret(type, [key: login]))
        #expect(good.outcome == .ok && good.message.contains("user box"))
        #expect(!"\(good)".contains("password"))
        #expect(SecretCheck.judgeKey(nil, at: "team/key").reason == .signingKeyMissing)
        #expect(SecretCheck.judgeKey(secret("Opaque", ["other": "x"]), at: "team/key").reason == .signingKeyMissing)
        #expect(SecretCheck.judgeKey(secret("Opaque", ["key.pem": "x"]), at: "team/key").outcome == .ok)
    }

    @Test("of the lease: held, given back, run out, never there; and of pods that work without it")
    func leases() {
        func lease(_ holder: String?, renewed seconds: Double) -> Lease {
            .with {
                $0.metadata.namespace = "other"
                $0.spec.holderIdentity = holder
                $0.spec.leaseDurationSeconds = 15
                $0.spec.renewTime = MicroTime(Self.now.addingTimeInterval(-seconds))
            }
        }
        func judge(_ lease: Lease?) -> DoctorReason? {
            ControllerCheck.judge(lease, in: "stasis-system", now: Self.now).reason
        }
        #expect(judge(lease("pod_1", renewed: 3)) == nil)
        #expect(judge(lease("", renewed: 3)) == .controllerAbsent)
        #expect(judge(lease("pod_1", renewed: 60)) == .controllerAbsent)
        #expect(judge(nil) == .controllerAbsent)
        let others = [lease("pod_1", renewed: 3), lease("pod_2", renewed: 60), lease("", renewed: 1)]
        #expect(ControllerCheck.judge(others, now: Self.now).map(\.reason) == [.controllersElsewhere])

        func pod(_ name: String, ready: String = "True") -> Pod {
            .with {
                $0.metadata.name = name
                $0.status = .with {
                    $0.conditions = [
                        .with {
                            $0.type = "Ready"
                            $0.status = ready
                        }
                    ]
                }
            }
        }
        func judge(_ pods: [Pod], _ lease: Lease?) -> DoctorReason? {
            ControllerCheck.judge(pods, lease, in: "stasis-system", now: Self.now)?.reason
        }
        #expect(judge([pod("a"), pod("b")], nil) == .controllersWithoutLease)
        #expect(judge([pod("a"), pod("b")], lease("a", renewed: 2)) == nil)
        #expect(judge([pod("a"), pod("b", ready: "False")], nil) == nil)

        func isController(_ image: String, _ labels: [String: String] = [:]) -> Bool {
            ControllerCheck.isController(
                .with {
                    $0.metadata.labels = labels
                    $0.spec.containers = [.with { $0.image = image }]
                }
            )
        }
        #expect(isController("registry.example:5000/team/stasis-controller:0.1.0"))
        #expect(isController("any", ["app.kubernetes.io/name": "stasis-controller"]))
        #expect(!isController("stasis-controller.example/box:1") && !isController("team/stasis-server@sha256:0"))
    }

    @Test("of runtime classes: by their names and by their handlers")
    func runtimeClasses() {
        func judge(_ name: String, _ handler: String?) -> DoctorReason? {
            RuntimeClassCheck.judge(name, handler, usedBy: ["BatchSandbox team/box"]).reason
        }
        #expect(judge("fast", "runc") == nil)
        #expect(judge("fast", nil) == .runtimeClassMissing)
        #expect(judge("gvisor", "runsc") == .runtimeClassOpaque)
        #expect(judge("safe", "kata-qemu") == .runtimeClassOpaque)
    }

    @Test("of nodes: their runtime, its age, and whether they are ready")
    func nodes() {
        func node(_ runtime: String, system: String = "linux", ready: String = "True") -> DoctorReason? {
            NodeCheck.judge(
                .with {
                    $0.metadata.name = "one"
                    $0.status = .with {
                        $0.nodeInfo = .with {
                            $0.containerRuntimeVersion = runtime
                            $0.operatingSystem = system
                        }
                        $0.conditions = [
                            .with {
                                $0.type = "Ready"
                                $0.status = ready
                            }
                        ]
                    }
                }
            ).reason
        }
        #expect(node("containerd://1.6.20~ds1") == nil)
        #expect(node("containerd://2.1.0") == nil)
        #expect(node("containerd://1.4.13") == .nodeRuntimeOld)
        #expect(node("cri-o://1.30.1") == .nodeUnsupported)
        #expect(node("containerd://1.7.0", system: "windows") == .nodeUnsupported)
        #expect(node("containerd://1.7.0", ready: "Unknown") == .nodeNotReady)
        #expect(node("") == .notChecked)
    }

    @Test("of the committer's own checks on a node: those about its own image say nothing")
    func nodeAccess() {
        func judge(_ exitCode: Int, _ message: String) -> DoctorFinding {
            NodeAccessCheck.judge(NodeJobEnd(exitCode: exitCode, message: message), node: "one")
        }
        #expect(judge(0, "").outcome == .ok)
        let own = #"{"check":"base-image","message":"no digest","reason":"X","status":"failed"}"#
        #expect(judge(1, "cut off\"}\n\(own)\nerror: no digest").outcome == .ok)
        let target = #"{"check":"target","message":"could not reach","status":"failed"}"#
        let found = judge(1, "\(own)\n\(target)\n")
        #expect(found.reason == .nodeCheckFailed && found.message.hasSuffix("would fail: target: could not reach"))
        let killed = judge(137, "")
        #expect(killed.reason == .nodeCheckFailed && killed.message.contains("exit code 137"))
    }

    @Test("of the committer's image")
    func committerImage() {
        let found = Descriptor(mediaType: .ociManifest, digest: .sha256(of: []), size: 1)
        #expect(CommitterImageCheck.judge(found, "x").outcome == .ok)
        #expect(CommitterImageCheck.judge(nil, "x").reason == .committerImageMissing)
    }

    @Test(
        "of what a registry answers",
        arguments: [
            (RegistryError.Kind.tls, DoctorReason.registryCertificate), (.unreachable, .registryUnreachable),
            (.timeout, .registryUnreachable), (.unauthorized, .registryLoginRefused),
            (.forbidden, .registryPushRefused),
            (.notFound, .registryPushRefused),
        ]
    )
    func registry(kind: RegistryError.Kind, reason: DoctorReason) {
        let error = RegistryError(kind, operation: "push to", subject: "x", reason: "it is so")
        let finding = RegistryTrial.judge(error, "x", otherwise: .registryPushRefused)
        #expect(finding.reason == reason && finding.remedy != nil)
        #expect(RegistryTrial.judge(OCIRegistry.Deletion.unsupported, "x").reason == .registryKeepsImages)
        #expect(RegistryTrial.judge(OCIRegistry.Deletion.absent, "x").outcome == .ok)
    }

    @Test("of captures and deletions that take too long, and of images that are gone")
    func leftovers() {
        var survey = DoctorSurvey()
        func check() -> [DoctorReason?] {
            LeftoverCheck(options: ControllerOptions(), survey: survey, now: Self.now).findings.map(\.reason)
        }
        func time(_ seconds: Double) -> Timestamp { Timestamp(Self.now.addingTimeInterval(-seconds)) }
        func capture(_ seconds: Double, _ phase: SandboxSnapshotPhase) -> SandboxSnapshot {
            .with {
                $0.metadata.name = "one"
                $0.status = .with {
                    $0.phase = phase
                    $0.startTime = time(seconds)
                }
            }
        }
        survey.snapshots = [capture(500, .committing), capture(5000, .succeed), capture(5000, .pending)]
        #expect(check() == [nil])
        survey.snapshots.append(capture(900, .committing))
        #expect(check() == [.captureOverdue])

        survey.snapshots = []
        func deleted(_ seconds: Double, _ finalizers: [String]) -> DoctorSurvey.Entry {
            var object = DynamicObject(BatchSandbox.resourceType, name: "box", namespace: "team")
            object.metadata.deletionTimestamp = time(seconds)
            object.metadata.finalizers = finalizers
            return DoctorSurvey.Entry(type: BatchSandbox.resourceType, object: object)
        }
        let own = OpenSandbox.Finalizer.sandboxCleanup
        survey.entries = [deleted(60, [own]), deleted(5000, ["others.example/finalizer"])]
        #expect(check() == [nil])
        survey.entries.append(deleted(5000, [own]))
        #expect(check() == [.deletionStuck])

        var lost = capture(1, .succeed)
        lost.status?.conditions = [AuditFinding.missing("gone").condition(generation: 1, now: time(0))]
        #expect(ArtifactCheck(snapshots: [lost, capture(1, .succeed)]).findings.map(\.reason) == [.artifactMissing])
        #expect(ArtifactCheck(snapshots: [capture(1, .succeed)]).findings.map(\.outcome) == [.ok])
    }

    @Test("of rights that are missing: one finding for each kind of object")
    func permissions() {
        func question(_ verb: String, _ resource: String, advisable: Bool = false) -> PermissionCheck.Question {
            PermissionCheck.Question(
                question: AccessQuestion(verb: verb, group: "", resource: resource, namespace: "team"),
                isAdvisable: advisable
            )
        }
        let findings = PermissionCheck.judge(
            [question("patch", "pods"), question("get", "nodes", advisable: true), question("create", "pods")],
            "it"
        )
        #expect(findings.map(\.reason) == [.permissionAdvisable, .permissionMissing])
        #expect(findings.last?.message == "it may not create, patch pods in the namespace team")
    }

    @Test("is in the report in the order of the checks, for people and for programs")
    func report() throws {
        let report = DoctorReport([
            .unchecked(.artifacts, "snapshots", "nobody knows"), .ok(.server, "api", "it answers"),
            .fault(.secretMissing, "Secret a/b", "it is not there", do: "Make it."),
        ])
        #expect(report.hasProblems)
        #expect(
            report.text == """
                api-server
                  ok           api: it answers
                secrets
                  problem      SecretMissing: Secret a/b: it is not there
                               -> Make it.
                artifacts
                  not checked  snapshots: nobody knows

                1 problem, 0 warnings, 1 not checked, 1 in order. docs/doctor.md explains each word.
                """
        )
        let value = try JSONValue(json: report.json)
        #expect(value["problems"]?.integer == 1 && value["unchecked"]?.integer == 1)
        #expect(value["findings"]?[1]?["reason"]?.string == "SecretMissing")
        #expect(value["findings"]?[1]?["remedy"]?.string == "Make it.")
        #expect(!DoctorReport([.fault(.registryPlain, "x", "y", do: "z")]).hasProblems)
    }

    @Test("its own flags are taken out of the controller's")
    func options() throws {
        let (options, rest) = try DoctorOptions.take(from: [
            "--output", "json", "-nodes", "--snapshot-registry=r/x", "--service-account=a/b", "--leader-elect",
        ])
        #expect(options.output == .json && options.looksAtNodes)
        #expect(options.account?.user == "system:serviceaccount:a:b")
        #expect(rest == ["--snapshot-registry=r/x", "--leader-elect"])
        #expect(try DoctorOptions.take(from: ["--nodes=false"]).0.looksAtNodes == false)
        let error = #expect(throws: ControllerOptionsError.self) {
            try DoctorOptions.take(from: ["--output=yaml", "--nodes=perhaps", "--service-account=b"])
        }
        #expect(error?.problems.count == 3)
    }
}
