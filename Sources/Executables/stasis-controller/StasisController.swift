// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Glibc
import KubeClient

/// `stasis-controller`: runs, pauses and resumes the sandboxes of a cluster.
@main
struct StasisController {
    static func main() async {
        let status = await ControllerProgram.run { client, options, logger in
            let only = options.namespaces.count == 1 ? options.namespaces.first : nil
            let provider = JobSnapshotProvider(
                client,
                in: only.map { .named($0) } ?? .all,
                settings: options.commitJob,
                logger: logger
            )
            return SnapshotProviders(provider, work: provider.follow, takeOver: provider.artifact)
        }
        exit(status)
    }
}
