// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import Logging
import TestSupport
import Testing

@testable import Controller

/// What the controller's account may do, and what is said of a cluster that is not as the controller needs it.
@Suite("The doctor, of rights and definitions")
struct DoctorRightsTests {
    private static let account = "doctor"
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("finds what is missing in a role, asked about an account and asked as it")
    func rights() async throws {
        try await KubernetesTestbed.defineOpenSandbox()
        try await KubernetesTestbed.find().withNamespace { namespace in
            try await namespace.kubectl("create", "serviceaccount", Self.account)
            var options = DoctorTests.options(namespace.name, namespace.testbed)
            options.commitJob.pushSecret = "registry-snapshot-push-secret"
            options.commitJob.pullSecret = "registry-pull-secret"
            options.sandboxes.ownNamespace = namespace.name
            var settings = DoctorOptions()
            settings.account = DoctorOptions.Account(namespace: namespace.name, name: Self.account)

            let (flags, about) = (options, settings)
            let administrator = try KubeClientConfiguration(Kubeconfig.load(files: [namespace.testbed.kubeconfig]))
            var own = administrator
            own.credentials = KubeCredentials(token: .literal(try await namespace.token(of: Self.account)))
            let asAccount = own

            // A Role: it gives nothing that is in no namespace.
            try await Self.bind(namespace) { $0 }
            try await withKubeClient(administrator, logger: Self.logger) { client in
                let sound = try await Self.findings(client, flags, about) { $0 == [.permissionAdvisable] }
                #expect(sound.contains { $0.message.contains("runtimeclasses.node.k8s.io") })
                #expect(sound.contains { $0.message.contains("no image is deleted") })

                // The same as the account itself asks.
                try await withKubeClient(asAccount, logger: Self.logger) { client in
                    let asked = try await Self.findings(client, flags, DoctorOptions()) { $0 == [.permissionAdvisable] }
                    #expect(asked.map(\.message) == sound.map(\.message))
                    // What it may not look at it says, and does not take for sound.
                    let doctor = Doctor(client: client, options: flags, settings: DoctorOptions(), logger: Self.logger)
                    let report = await doctor.report()
                    #expect(report.findings.contains { $0.check == .nodes && $0.outcome == .unchecked })
                    #expect(report.findings.contains { $0.check == .clocks && $0.outcome == .unchecked })
                }

                try await Self.bind(namespace) { rules in
                    rules.compactMap { rule in
                        var rule = rule
                        if rule["resources"] == ["pods/exec"] { return nil }
                        if rule["resources"] == ["jobs"] { rule["verbs"] = ["list", "watch", "delete"] }
                        return rule
                    }
                }
                let faulty = try await Self.findings(client, flags, about) { $0.contains(.permissionMissing) }
                let place = "in the namespace \(namespace.name)"
                #expect(
                    Set(faulty.filter { $0.reason == .permissionMissing }.map(\.message)) == [
                        "it may not create, get pods/exec \(place)", "it may not create jobs.batch \(place)",
                    ]
                )

                // An administrator's own rights say nothing.
                let all = try await Self.findings(client, flags, DoctorOptions()) { _ in true }
                #expect(all.map(\.outcome) == [.unchecked])
            }
        }
    }

    /// Gives the account what deploy/controller gives it, changed.
    private static func bind(_ namespace: TestNamespace, _ change: ([JSONValue]) -> [JSONValue]) async throws {
        let file = try await namespace.testbed.deployed("controller/controller-role.yaml")
        let rules = file.first?["rules"]?.array ?? []
        #expect(rules.count > 10)
        let role: JSONValue = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": ["name": "doctor"],
            "rules": .array(change(rules)),
        ]
        let binding: JSONValue = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": ["name": "doctor"],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "doctor"],
            "subjects": [["kind": "ServiceAccount", "name": .string(account), "namespace": .string(namespace.name)]],
        ]
        try await namespace.apply(role.jsonText)
        try await namespace.apply(binding.jsonText)
    }

    /// What is said of rights, as soon as it is as is wanted: an API server hears of a role a moment after it was written.
    private static func findings(
        _ client: KubeClient,
        _ options: ControllerOptions,
        _ settings: DoctorOptions,
        until isSo: (Set<DoctorReason>) -> Bool
    ) async throws -> [DoctorFinding] {
        let doctor = Doctor(client: client, options: options, settings: settings, logger: logger)
        let context = DoctorContext(doctor: doctor, survey: DoctorSurvey())
        var last: [DoctorFinding] = []
        let end = ContinuousClock.now + .seconds(180)
        while ContinuousClock.now < end {
            last = try await PermissionCheck(context: context).findings()
            if isSo(Set(last.compactMap(\.reason))) { return last }
            try await Task.sleep(for: .milliseconds(200))
        }
        Issue.record("it did not become so: \(last)")
        return last
    }

    @Test("finds that kinds are missing or old, and that the API server has gone", .timeLimit(.minutes(5)))
    func definitions() async throws {
        try await APIServerDaemon.run { server in
            let file = FileManager.default.temporaryDirectory.appending(
                path: "stasis-doctor-\(UInt64.random(in: 0 ... .max)).conf"
            )
            try ControllerProcessTests.kubeconfig(of: server, try KubernetesTestbed.find())
                .write(to: file, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(at: file) }
            var configuration = try KubeClientConfiguration(Kubeconfig.load(files: [file.path]))
            configuration.retry.attempts = 1
            let options = ControllerOptions()
            try await withKubeClient(configuration, logger: Self.logger) { client in
                let doctor = Doctor(client: client, options: options, settings: DoctorOptions(), logger: Self.logger)
                let bare = await doctor.report()
                #expect(bare.reasons(of: [.definitions]) == [.definitionsMissing], "\(bare.text)")
                // This API server knows no reviews.
                #expect(bare.findings.contains { $0.check == .permissions && $0.outcome == .unchecked })

                for plural in DeployedDefinition.openSandbox {
                    _ = try await client.resource().create(DeployedDefinition(plural).baseline().definition)
                }
                var old = await doctor.report()
                let end = ContinuousClock.now + .seconds(180)
                while old.reasons(of: [.definitions]) != [.definitionsOld], ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(200))
                    old = await doctor.report()
                }
                #expect(old.reasons(of: [.definitions]) == [.definitionsOld], "\(old.text)")

                try await server.kill()
                let gone = await doctor.report()
                #expect(gone.reasons(of: [.server]) == [.apiServerUnreachable])
                #expect(gone.hasProblems && gone.findings.count == 2)
            }
        }
    }
}
