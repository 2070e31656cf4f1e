// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Provenance
import SnapshotEngine
import SnapshotProvider

import struct Foundation.Data
import class Foundation.JSONDecoder

/// What the environment says about what is to be in an image, and beside it.
extension CommitterSettings {
    /// How containers are run, by name: `STASIS_CONTAINERS`, a JSON object.
    static func executions(_ text: String?) throws(CommitterError) -> [String: ContainerExecution] {
        guard let text else { return [:] }
        do {
            return try JSONDecoder().decode([String: ContainerExecution].self, from: Data(text.utf8))
        } catch {
            throw CommitterError(
                .invalidArgument,
                "STASIS_CONTAINERS is no JSON object that says how containers are run: leave it out, or let a controller of "
                    + "this version write it"
            )
        }
    }

    /// Who signs, if `STASIS_SIGNING_KEY` names a key.
    ///
    /// - Throws: `CommitterError` if there is none in that file: what should be signed is not stored unsigned.
    func signer() throws(CommitterError) -> SnapshotSigner? {
        guard let signingKey else { return nil }
        do {
            return SnapshotSigner(try SigningKey(file: signingKey))
        } catch {
            throw CommitterError(
                .invalidArgument,
                reason: "SigningKeyUnusable",
                "\(error.message). In a cluster it is the entry \(Self.signingKeyName) of the Secret, in the sandbox's namespace, "
                    + "that the controller's --snapshot-signing-secret names"
            )
        }
    }

    /// The name of the file with the key in its folder, and of the entry in its Secret.
    public static let signingKeyName = "key.pem"
}
