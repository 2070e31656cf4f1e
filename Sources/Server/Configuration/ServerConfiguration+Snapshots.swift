// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Provenance
import SnapshotProvider

extension ServerConfiguration {
    /// Reads `[snapshots]`.
    static func readSnapshots(
        _ table: inout ConfigurationTable,
        of runtime: Runtime?,
        home: String?
    ) -> Snapshots {
        var snapshots = Snapshots()
        switch runtime {
        case .local:
            snapshots.signingKey = table.path("signing_key", home: home)
            snapshots.environment = table.choice("environment", of: EnvironmentDetail.self) ?? snapshots.environment
        case .kubernetes:
            table.ignore(
                ["environment", "signing_key"],
                because:
                    "Snapshots of a cluster are taken by its controller, which is told by --snapshot-signing-secret and "
                    + "--snapshot-environment; the key has no effect."
            )
        case nil:
            table.ignoreAll()
            return snapshots
        }
        snapshots.verification =
            table.choice("verification", of: ProvenancePolicy.Mode.self) ?? snapshots.verification
        for text in table.strings("verification_keys") ?? [] {
            switch absolute(text, home: home) {
            case .success(let path): snapshots.verificationKeys.append(path)
            case .failure(let reason): table.refuse("verification_keys", "has a path that \(reason.text)")
            }
        }
        if snapshots.verification != .off, snapshots.verificationKeys.isEmpty, table.problems.isEmpty {
            table.refuse(
                "verification_keys",
                "is missing; without a public key no snapshot can be believed, and verification is "
                    + "'\(snapshots.verification.rawValue)'."
            )
        }
        return snapshots
    }
}
