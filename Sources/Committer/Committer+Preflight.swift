// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SnapshotEngine
import SnapshotProvider
import SnapshotStore

import struct Foundation.Date

/// Finding out whether a commit would succeed.
extension Committer {
    /// Checks everything that can be checked before anything is frozen, prints a line of JSON for each check and a last
    /// one with the sum. Nothing is frozen, thawed or stored.
    ///
    /// - Parameters: Those of `commit`.
    /// - Throws: `CommitterError` if a commit would fail, of the kind that the commit would fail with.
    public func preflight(
        pod: String,
        namespace: String,
        targets: [CommitTarget],
        bases: [String: String] = [:]
    ) async throws(CommitterError) {
        var report = PreflightReport(print: print)
        do {
            try await withContainerd { containerd in
                let found = try await find(targets, pod: pod, namespace: namespace, containerd, &report)
                guard !found.isEmpty else { return }
                try await checkFreezes(of: found.map(\.container), pod: pod, namespace: namespace, containerd, &report)
                try await check(found, bases: bases, containerd, &report)
            }
        } catch let error as CancellationError {
            throw CommitterError(error)
        } catch {
            report.add(PreflightFinding(.containerd, .failed(error)))
        }
        report.finish()
        if let failure = report.failure { throw failure }
    }

    private func find(
        _ targets: [CommitTarget],
        pod: String,
        namespace: String,
        _ containerd: ContainerdClient,
        _ report: inout PreflightReport
    ) async throws -> [(container: PodContainer, target: CommitTarget)] {
        let finder = ContainerFinder(client: containerd)
        var found: [(container: PodContainer, target: CommitTarget)] = []
        for (number, target) in targets.enumerated() {
            do {
                let container = try await finder.container(
                    target.container,
                    pod: pod,
                    namespace: namespace,
                    uid: settings.podUID
                )
                found.append((container, target))
            } catch let error as ContainerFinderError {
                report.add(PreflightFinding(.container, container: target.container, .failed(error)))
            }
            if number == 0 {
                report.add(PreflightFinding(.containerd, .passed("it answers at \(settings.containerdSocket)")))
            }
        }
        return found
    }

    /// A freeze that a killed committer left is no obstacle: a commit ends it first. A sealed one is.
    private func checkFreezes(
        of containers: [PodContainer],
        pod: String,
        namespace: String,
        _ containerd: ContainerdClient,
        _ report: inout PreflightReport
    ) async throws {
        let all = try await ContainerFinder(client: containerd)
            .containers(pod: pod, namespace: namespace, uid: containers.first?.podUID)
        let ids = Set(all.map(\.id))
        let records = try await FreezeRecovery(client: containerd).records()
            .filter { !ids.isDisjoint(with: $0.containers) }
        for record in records {
            let outcome: PreflightFinding.Outcome =
                record.isSealed
                ? .failed(FreezeError.sealed(id: record.id))
                : .warning("\(record.owner) holds it frozen until \(record.deadline.formatted(.iso8601))")
            report.add(PreflightFinding(.freeze, outcome))
        }
        if records.isEmpty {
            report.add(PreflightFinding(.freeze, .passed("\(all.count) containers would be frozen")))
        }
    }

    private func check(
        _ found: [(container: PodContainer, target: CommitTarget)],
        bases: [String: String],
        _ containerd: ContainerdClient,
        _ report: inout PreflightReport
    ) async throws {
        let finder = BaseImageFinder(containerd: containerd)
        var images: [String?] = []
        for (container, _) in found {
            do {
                if let given = bases[container.name] {
                    images.append(given)
                } else {
                    images.append(try await finder.image(of: container))
                }
            } catch let error as CommitterError {
                report.add(PreflightFinding(.baseImage, container: container.name, .failed(error)))
                images.append(nil)
            }
        }
        let requests = zip(found, images).map { found, image in
            (
                container: SnapshotContainer(
                    name: found.container.name,
                    id: found.container.id,
                    image: image ?? "",
                    target: found.target.image
                ),
                imageIsKnown: image != nil
            )
        }
        let configuration = try registryConfiguration(
            for: requests.flatMap { [$0.container.target, $0.container.image] }
        )
        let findings = try await withRegistryClient(configuration, logger: logger) { registries in
            let capture = RootfsCapture(
                containerd: containerd,
                repositories: ImageRepositories(registries: registries),
                compaction: settings.compaction,
                usesDiffService: true,
                logger: logger
            )
            var findings: [PreflightFinding] = []
            for request in requests {
                findings += try await capture.preflight(request.container, imageIsKnown: request.imageIsKnown)
            }
            return findings
        }
        for finding in findings { report.add(finding) }
    }
}
