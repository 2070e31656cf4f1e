// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation

/// A controller with a provider of its own. It takes the flags of `stasis-controller`.
@main
struct CustomSnapshotProvider {
    static func main() async {
        let store = ProcessInfo.processInfo.environment["TREE_STORE"] ?? "/var/lib/trees"
        let status = await ControllerProgram.run(name: "custom-snapshot-provider") { client, options, logger in
            let jobs = NodeJobs(client, logger: logger)
            // Its Jobs need an image with busybox where those of the built-in one need the committer's.
            let trees = TreeProvider(jobs: jobs, image: options.commitJob.image, store: store)
            return SnapshotProviders(trees, work: jobs.follow)
        }
        exit(status)
    }
}
