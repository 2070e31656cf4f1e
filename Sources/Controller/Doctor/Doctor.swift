// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging

import struct Foundation.Date

/// Looks at a cluster with what the controller would be told, and says of each thing whether it is in order, and what to do if not.
/// Nothing is changed: an upload is begun in the registry and cancelled, and with `--nodes` a Job is made for each node and deleted.
struct Doctor: Sendable {
    /// How long a check may take.
    private static let limit = Duration.seconds(30)

    let client: KubeClient
    let options: ControllerOptions
    let settings: DoctorOptions
    let logger: Logger
    /// Variables of the environment, of which those for proxies count.
    var environment: [String: String] = [:]

    /// Makes all checks, at the same time.
    func report() async -> DoctorReport {
        let server = await attempt(.server) { try await ServerCheck(client: client).findings() }
        // Without it nothing can be known, and each check would wait in vain.
        guard server.allSatisfy({ $0.reason != .apiServerUnreachable && $0.outcome != .unchecked }) else {
            let rest = DoctorFinding.unchecked(
                .definitions,
                "everything else",
                "it is in the cluster, which cannot be asked",
                do: "See to it that the API server answers, then ask again."
            )
            return DoctorReport(server + [rest])
        }
        let survey = await DoctorSurvey.make(client, options)
        let context = DoctorContext(doctor: self, survey: survey)
        let found = await withTaskGroup(of: [DoctorFinding].self) { group in
            for (check, body) in Self.checks {
                group.addTask { await attempt(check) { try await body(context) } }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        let unread = survey.faults.map { fault in
            DoctorFinding.unchecked(
                .leftovers,
                "sandboxes",
                "not all can be listed, so not all are in what is said here: \(fault)"
            )
        }
        return DoctorReport(server + found + unread)
    }

    private static let checks: [(DoctorCheck, @Sendable (DoctorContext) async throws -> [DoctorFinding])] = [
        (.clocks, { try await ClockCheck(client: $0.client).findings() }),
        (.definitions, { try await DefinitionCheck(client: $0.client, options: $0.options).findings() }),
        (.permissions, { try await PermissionCheck(context: $0).findings() }),
        (.controllers, { try await ControllerCheck(context: $0).findings() }),
        (.secrets, { try await SecretCheck(context: $0).findings() }),
        (.registry, { try await RegistryCheck(context: $0).findings() }),
        (.runtimeClasses, { try await RuntimeClassCheck(context: $0).findings() }),
        (.probes, { ProbeCheck(survey: $0.survey).findings }),
        (.nodes, { try await NodeCheck(client: $0.client).findings() }),
        (.nodeAccess, { try await NodeAccessCheck(context: $0).findings() }),
        (.committerImage, { try await CommitterImageCheck(context: $0).findings() }),
        (.leftovers, { LeftoverCheck(options: $0.options, survey: $0.survey, now: Date()).findings }),
        (.artifacts, { ArtifactCheck(snapshots: $0.survey.snapshots).findings }),
    ]

    /// Makes a check. One that cannot be made says so.
    private func attempt(
        _ check: DoctorCheck,
        _ body: @escaping @Sendable () async throws -> [DoctorFinding]
    ) async -> [DoctorFinding] {
        do {
            // The Jobs on nodes have limits of their own, and are to be deleted whatever comes of them.
            return check == .nodeAccess ? try await body() : try await withTimeLimit(Self.limit, body)
        } catch let error as KubeError where error.kind == .forbidden {
            return [
                .unchecked(
                    check,
                    check.rawValue,
                    "who runs this may not look: \(error)",
                    do: "Run it as an administrator of the cluster."
                )
            ]
        } catch {
            return [.unchecked(check, check.rawValue, "\(error)")]
        }
    }
}

/// What all checks know.
struct DoctorContext: Sendable {
    let doctor: Doctor
    let survey: DoctorSurvey

    var client: KubeClient { doctor.client }
    var options: ControllerOptions { doctor.options }
    var settings: DoctorOptions { doctor.settings }

    /// The namespaces whose sandboxes need logins and Jobs: those that are watched by name, and those with sandboxes.
    var sandboxNamespaces: [String] {
        (options.namespaces.isEmpty ? survey.namespaces : Set(options.namespaces)).sorted()
    }

    /// Where the lease is.
    var leaseNamespace: String {
        options.leaderElectionNamespace ?? ownNamespace
    }

    /// Where the controller is, as far as that can be known here.
    var ownNamespace: String {
        options.sandboxes.ownNamespace ?? settings.account?.namespace ?? client.configuration.namespace
    }
}
