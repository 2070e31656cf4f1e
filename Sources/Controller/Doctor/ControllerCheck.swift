// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels

import struct Foundation.Date

/// Who works on the sandboxes, and that it is one at a time.
struct ControllerCheck: Sendable {
    private static let name = "stasis-controller"

    let context: DoctorContext

    func findings() async throws -> [DoctorFinding] {
        let client = context.client
        guard context.options.isLeaderElected else {
            return [
                .unchecked(
                    .controllers,
                    "controllers",
                    "without --leader-elect nothing tells who works, nor keeps two from working at a time",
                    do: "Set leader-elect, unless there is one controller for certain."
                )
            ]
        }
        let now = try await client.serverTime().date
        let place = context.leaseNamespace
        let leases: ResourceClient<Lease> = client.resource(in: .named(place))
        let own = try await leases.find(ControllerManager.leaseName)
        var findings = [Self.judge(own, in: place, now: now)]
        let held = context.survey.entries.filter {
            $0.object.metadata.finalizers.contains(where: Uninstallation.isOurs)
        }
        if own?.isHeld(at: now) != true, !held.isEmpty {
            findings.append(
                .fault(
                    .finalizersLeft,
                    "\(held.count) objects",
                    "they have finalizers that only a controller takes away, and none works: \(held.map(\.name).told())",
                    do:
                        "Start a controller; or, to be rid of it for good, run stasis-controller uninstall with the same flags."
                )
            )
        }
        findings += try await others(now: now, own: place)
        let pods = try await client.resource(Pod.self, in: .named(place)).pages().collect().items
        if let two = Self.judge(pods.filter(Self.isController), own, in: place, now: now) { findings.append(two) }
        return findings
    }

    /// Whether a pod is one of a controller: by its label, or, as charts name theirs as they like, by its image.
    static func isController(_ pod: Pod) -> Bool {
        if pod.metadata.labels["app.kubernetes.io/name"] == name { return true }
        return pod.spec.containers.contains { container in
            let last = container.image?.split(separator: "/").last ?? ""
            return last.prefix { $0 != ":" && $0 != "@" } == name
        }
    }

    static func judge(_ lease: Lease?, in namespace: String, now: Date) -> DoctorFinding {
        let subject = "lease \(namespace)/\(ControllerManager.leaseName)"
        let remedy =
            "Start a controller. If one runs: it may look elsewhere (--leader-election-namespace), or it cannot reach the "
            + "API server: see its log."
        guard let lease, let holder = lease.spec.holderIdentity, !holder.isEmpty else {
            return .fault(.controllerAbsent, subject, "nobody holds it: no controller works", do: remedy)
        }
        let renewed = lease.spec.renewTime?.date ?? .distantPast
        let age = Int(now.timeIntervalSince(renewed).rounded())
        guard lease.isHeld(at: now) else {
            return .fault(
                .controllerAbsent,
                subject,
                "\(holder) held it, and renewed it \(age) s ago for the last time: no controller works",
                do: remedy
            )
        }
        let since = lease.spec.acquireTime.map { " since \(Timestamp($0.date))" } ?? ""
        return .ok(.controllers, subject, "\(holder) works\(since), and renewed it \(max(0, age)) s ago")
    }

    /// Leases of that name in other namespaces.
    private func others(now: Date, own: String) async throws -> [DoctorFinding] {
        do {
            let query = ListOptions(fields: .name(ControllerManager.leaseName))
            let all = try await context.client.resource(Lease.self, in: .all).list(query).items
            return Self.judge(all.filter { $0.metadata.namespace != own }, now: now)
        } catch let error as KubeError where error.kind == .forbidden {
            return [
                .unchecked(
                    .controllers,
                    "other namespaces",
                    "whether controllers work that have their lease there cannot be seen: \(error)",
                    do: "Run it as an administrator of the cluster."
                )
            ]
        }
    }

    static func judge(_ others: [Lease], now: Date) -> [DoctorFinding] {
        others.filter { $0.isHeld(at: now) }.map { lease in
            .fault(
                .controllersElsewhere,
                "namespace \(lease.metadata.namespace ?? "")",
                "\(lease.spec.holderIdentity ?? "") works with a lease there: of two that see to the same sandboxes, each undoes what "
                    + "the other does",
                do:
                    "Give all controllers the same --leader-election-namespace, or see that their --watch-namespaces have none in common."
            )
        }
    }

    /// Several pods of the controller, of which none holds the lease: each works for itself.
    static func judge(_ pods: [Pod], _ lease: Lease?, in namespace: String, now: Date) -> DoctorFinding? {
        let running = pods.filter { pod in
            pod.metadata.deletionTimestamp == nil && pod.status?.conditions.isTrue("Ready") == true
        }
        guard running.count > 1, lease?.isHeld(at: now) != true else { return nil }
        return .fault(
            .controllersWithoutLease,
            "namespace \(namespace)",
            "\(running.count) controllers are ready there and none holds the lease: \(running.map(\.metadata.name).told())",
            do: "Give all of them leader-elect: two that work at a time undo what the other does."
        )
    }
}

extension Lease {
    /// Whether its holder still has it. A clock that differs a little makes no difference.
    func isHeld(at now: Date) -> Bool {
        guard let holder = spec.holderIdentity, !holder.isEmpty, let renewed = spec.renewTime else { return false }
        return now.timeIntervalSince(renewed.date) <= Double(spec.leaseDurationSeconds ?? 15) + 5
    }
}
