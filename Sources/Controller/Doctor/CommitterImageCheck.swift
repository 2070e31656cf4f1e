// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Logging
import OCIRegistry
import SnapshotStore

/// The image of commit Jobs, as far as its registry tells.
struct CommitterImageCheck: Sendable {
    let context: DoctorContext

    func findings() async throws -> [DoctorFinding] {
        let image = context.options.commitJob.image
        let reference: ImageReference
        do {
            reference = try ImageReference(parsing: image)
        } catch {
            return [
                .fault(
                    .committerImageMissing,
                    "--image-committer-image",
                    "'\(image)' names no image: \(error)",
                    do: "Name one that has stasis-committer in it, by digest."
                )
            ]
        }
        var findings: [DoctorFinding] = []
        if reference.digest == nil {
            findings.append(
                .fault(
                    .committerImageByTag,
                    image,
                    "it is named by a tag, which whoever may push there can move: commit Jobs have access to nodes' containers",
                    do: "Name it by digest (image-committer-image: NAME@sha256:...)."
                )
            )
        }
        return findings + [await look(for: reference, image)]
    }

    private func look(for reference: ImageReference, _ image: String) async -> DoctorFinding {
        let logger = Logger(label: DoctorOptions.word) { _ in SwiftLogNoOpLogHandler() }
        var configuration = RegistryConfiguration(connectTimeout: .seconds(5), requestTimeout: .seconds(10))
        configuration.retry.attempts = 2
        configuration.certificatesFolder = context.options.commitJob.certificatesFolder
        if InsecureRegistry.isLikely(reference.domain) { configuration.plainHTTP.hosts = [reference.domain] }
        do {
            configuration.proxies = try ProxySettings(environment: context.doctor.environment)
            let found = try await withRegistryClient(configuration, logger: logger) { client in
                try await client.repository(reference).resolve(reference.manifestReference)
            }
            return Self.judge(found, image)
        } catch {
            return .unchecked(
                .committerImage,
                image,
                "whether it is in its registry cannot be seen from here: \(error)",
                do: "Say --nodes to have it pulled by each node."
            )
        }
    }

    static func judge(_ found: Descriptor?, _ image: String) -> DoctorFinding {
        guard let found else {
            return .fault(
                .committerImageMissing,
                image,
                "it is not in its registry: only nodes that have it already can commit",
                do: "Push it there, or name another one (image-committer-image)."
            )
        }
        return .ok(.committerImage, image, "it is in its registry, as \(found.digest)")
    }
}
