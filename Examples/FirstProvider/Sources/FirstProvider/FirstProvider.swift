// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation

/// A controller with a provider of its own. It takes the flags of `stasis-controller`.
@main
struct FirstProvider {
    static func main() async {
        let environment = ProcessInfo.processInfo.environment
        let status = await ControllerProgram.run(name: "first-provider") { _, options, _ in
            let provider = FolderProvider(
                folders: environment["FOLDERS"] ?? "/srv/boxes",
                store: environment["STORE"] ?? "/srv/snapshots",
                image: options.commitJob.image
            )
            return SnapshotProviders(provider)
        }
        exit(status)
    }
}
