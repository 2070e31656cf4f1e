// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import SandboxModels
import SnapshotProvider
import Testing

@testable import Controller

/// A request for one container, and what belongs to it.
enum CommitJobExample {
    static let deadline = Date(timeIntervalSince1970: 1_800_000_600)

    static func request(_ afterwards: Afterwards, containers: [String] = ["main"]) -> SnapshotRequest {
        SnapshotRequest(
            uid: "4f0c-2",
            source: SnapshotSource(
                sandbox: "box",
                namespace: "boxes",
                pod: "box-0",
                podUID: "6a1b",
                node: "node-a",
                containers: containers.map {
                    SnapshotContainer(
                        name: $0,
                        id: "c-\($0)",
                        image: "registry.example/base@sha256:\(String(repeating: "a", count: 64))",
                        target: "registry.example/boxes/box-\($0):snap-gen2"
                    )
                }
            ),
            afterwards: afterwards
        )
    }

    static func job(_ request: SnapshotRequest, _ configure: (inout CommitJobSettings) -> Void = { _ in }) -> CommitJob
    {
        var settings = CommitJobSettings(image: "registry.example/stasis-committer@sha256:1")
        configure(&settings)
        let snapshot = SandboxSnapshot.with {
            $0.metadata.name = "box-pause"
            $0.metadata.uid = "77"
        }
        return CommitJob(request: request, snapshot: snapshot, settings: settings)
    }
}

@Suite("The manifest of a commit Job")
struct CommitJobTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func container(_ name: String, of job: Job) throws -> Container {
        try #require(job.spec.template.spec.containers.first { $0.name == name })
    }

    @Test("It has the documented name, labels, owner and limits")
    func metadata() {
        let job = CommitJobExample.job(CommitJobExample.request(.keepRunning)).job(now: now).manifest
        #expect(job.metadata.name == "box-pause-commit")
        #expect(job.metadata.namespace == "boxes")
        #expect(job.metadata.labels["sandbox.opensandbox.io/snapshot"] == "box-pause")
        #expect(job.metadata.labels["sandbox.opensandbox.io/sandbox-snapshot-name"] == "box-pause")
        #expect(job.metadata.labels["sandbox.opensandbox.io/privileged-node-access"] == "true")
        #expect(job.metadata.ownerReferences.map(\.name) == ["box-pause"])
        #expect(job.spec.ttlSecondsAfterFinished == 300)
        #expect(job.spec.activeDeadlineSeconds == 600)
        #expect(job.spec.backoffLimit == 0)
        #expect(job.spec.template.spec.nodeName == "node-a")
        #expect(job.spec.template.spec.restartPolicy == "Never")
    }

    @Test("It is known by the name of what asked for it, in each container, also when it is done anew")
    func requestID() throws {
        var request = CommitJobExample.request(.holdFrozen(until: CommitJobExample.deadline))
        #expect(
            CommitJobExample.job(request).job(now: now).manifest.metadata.annotations.keys.sorted() == [
                "stasis.dev/snapshot-request"
            ]
        )
        request.requestID = "9f1c"
        var again = CommitJobExample.job(request).job(now: now)
        again.annotations["stasis.dev/tried-since"] = "2026-11-30T12:00:00Z"
        let job = again.manifest
        #expect(job.metadata.annotations["stasis.dev/request-id"] == "9f1c")
        #expect(job.metadata.annotations["stasis.dev/tried-since"] == "2026-11-30T12:00:00Z")
        #expect(job.spec.template.metadata?.annotations["stasis.dev/request-id"] == "9f1c")
        for name in ["commit", "hold"] {
            #expect(try container(name, of: job).env.contains(EnvVar("STASIS_REQUEST_ID", "9f1c")))
        }
        #expect(job.request == request)
    }

    @Test("A restarted controller finds the request in it")
    func request() {
        let request = CommitJobExample.request(.holdFrozen(until: CommitJobExample.deadline))
        #expect(CommitJobExample.job(request).job(now: now).manifest.request == request)
        #expect(Job().request == nil)
    }

    @Test("The committer is called as upstream calls it, with what it has to check")
    func arguments() throws {
        let job = CommitJobExample.job(CommitJobExample.request(.keepRunning, containers: ["main", "side"]))
            .job(now: now).manifest
        let commit = try container("commit", of: job)
        let base = "registry.example/base@sha256:\(String(repeating: "a", count: 64))"
        #expect(
            commit.args == [
                "box-0", "boxes", "--base", "main=\(base)", "--base", "side=\(base)",
                "main:registry.example/boxes/box-main:snap-gen2", "side:registry.example/boxes/box-side:snap-gen2",
            ]
        )
        let environment = Dictionary(uniqueKeysWithValues: commit.env.map { ($0.name, $0.value) })
        #expect(environment["STASIS_POD_UID"] == "6a1b")
        #expect(environment["STASIS_SNAPSHOT_UID"] == "4f0c-2")
        #expect(environment["STASIS_HOLD_SOCKET"] == nil)
        #expect(environment["SNAPSHOT_REGISTRY_INSECURE"] == nil)
        #expect(job.spec.template.spec.containers.count == 1)
    }

    @Test("For a pause another container holds the freeze, and the Job lives longer than it")
    func held() throws {
        let request = CommitJobExample.request(.holdFrozen(until: CommitJobExample.deadline))
        let job = CommitJobExample.job(request).job(now: now).manifest
        let hold = try container("hold", of: job)
        #expect(hold.args == ["hold", "--listen", "/run/stasis/hold.sock"])
        let environment = try Dictionary(
            uniqueKeysWithValues: container("commit", of: job).env.map { ($0.name, $0.value) }
        )
        #expect(environment["STASIS_HOLD_SOCKET"] == "/run/stasis/hold.sock")
        #expect(environment["STASIS_FREEZE_UNTIL"] == "2027-01-15T08:10:00Z")
        #expect((job.spec.activeDeadlineSeconds ?? 0) > 600)
        let hasSocket = job.spec.template.spec.containers.allSatisfy { container in
            container.volumeMounts.contains { $0.mountPath == "/run/stasis" }
        }
        #expect(hasSocket)
    }

    @Test("It may do what it has to, and nothing else")
    func rights() throws {
        let job = CommitJobExample.job(CommitJobExample.request(.holdFrozen(until: CommitJobExample.deadline))) {
            $0.pushSecret = "push"
            $0.isRegistryInsecure = true
        }.job(now: now).manifest
        let pod = job.spec.template.spec
        #expect(pod.automountServiceAccountToken == false)
        for container in pod.containers {
            let context = try #require(container.securityContext)
            #expect(context.runAsUser == 0)
            #expect(context.allowPrivilegeEscalation == false)
            #expect(context.readOnlyRootFilesystem == true)
            #expect(context.capabilities?.drop == ["ALL"])
            #expect(context.unknownFields["seccompProfile"]?.text == #"{"type":"RuntimeDefault"}"#)
            #expect(context.unknownFields["seLinuxOptions"]?.text == #"{"type":"spc_t"}"#)
        }
        let snapshots = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs"
        #expect(pod.volumes.compactMap(\.hostPath?.path) == ["/var/run/containerd/containerd.sock", snapshots])
        #expect(pod.hostPID == true)
        let commit = try container("commit", of: job)
        #expect(commit.securityContext?.capabilities?.add == ["SYS_ADMIN", "DAC_READ_SEARCH", "SYS_PTRACE"])
        let readOnly = commit.volumeMounts.filter { $0.readOnly == true }
        #expect(readOnly.map(\.mountPath) == [snapshots, "/var/run/opensandbox/registry"])
        // Who holds a freeze reads nothing, and knows no login.
        let hold = try container("hold", of: job)
        #expect(hold.securityContext?.capabilities?.add == [])
        #expect(hold.volumeMounts.map(\.name) == ["containerd-sock", "hold"])
        let secret = try #require(pod.volumes.first { $0.name == "registry-creds" }?.secret)
        #expect(secret.secretName == "push")
        #expect(secret.unknownFields["items"]?.text == #"[{"key":".dockerconfigjson","path":"config.json"}]"#)
        #expect(try container("commit", of: job).env.contains { $0.name == "SNAPSHOT_REGISTRY_INSECURE" })
    }

    @Test("It is told how containers are run, and gets the key to sign with; who holds a freeze does not")
    func image() throws {
        var request = CommitJobExample.request(.holdFrozen(until: CommitJobExample.deadline))
        var execution = ContainerExecution()
        execution.command = ["/bin/run"]
        request.source.containers[0].execution = execution
        let job = CommitJobExample.job(request) { $0.signingSecret = "signing" }.job(now: now).manifest
        let commit = try container("commit", of: job)
        let environment = Dictionary(uniqueKeysWithValues: commit.env.map { ($0.name, $0.value) })
        let told = try JSONDecoder().decode(
            [String: ContainerExecution].self,
            from: Data(try #require(commit.env.first { $0.name == "STASIS_CONTAINERS" }?.value).utf8)
        )
        #expect(told == ["main": execution])
        #expect(environment["STASIS_SIGNING_KEY"] == "/var/run/stasis/signing/key.pem")
        let mount = try #require(commit.volumeMounts.first { $0.name == "signing-key" })
        #expect(mount.mountPath == "/var/run/stasis/signing" && mount.readOnly == true)
        let volume = try #require(job.spec.template.spec.volumes.first { $0.name == "signing-key" })
        #expect(volume.secret?.secretName == "signing" && volume.secret?.optional == true)
        #expect(try container("hold", of: job).volumeMounts.map(\.name) == ["containerd-sock", "hold"])
        #expect(job.request == request)
    }

    @Test("Without containerd's folder it has the socket alone")
    func socketAlone() {
        let pod = CommitJobExample.job(CommitJobExample.request(.keepRunning)) { $0.containerdRoot = nil }
            .job(now: now).manifest.spec.template.spec
        #expect(pod.volumes.map(\.name) == ["containerd-sock"])
        #expect(pod.hostPID == nil)
        #expect(pod.containers.map(\.securityContext?.capabilities?.add) == [[]])
    }
}
