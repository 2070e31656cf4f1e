// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import class Foundation.JSONEncoder

extension SandboxResource {
    /// The same bytes as an encoder that sorts names would make, in a tenth of the time.
    ///
    /// - Throws: What an encoder throws about the parts that are left to it.
    func json() throws -> [UInt8] {
        var text = JSONText()
        text.raw("{")
        if let artifact {
            text.raw("\"artifact\":")
            text.raw(try JSONEncoder.api.encode(artifact))
            text.raw(",")
        }
        text.raw("\"createdAt\":")
        text.date(createdAt)
        text.raw(",\"entrypoint\":")
        text.list(entrypoint)
        if let expiresAt {
            text.raw(",\"expiresAt\":")
            text.date(expiresAt)
        }
        if let extensions {
            text.raw(",\"extensions\":")
            text.strings(extensions)
        }
        text.raw(",\"id\":")
        text.string(id)
        if let image {
            text.raw(",\"image\":{\"uri\":")
            text.string(image.uri)
            text.raw("}")
        }
        if let metadata {
            text.raw(",\"metadata\":")
            text.strings(metadata)
        }
        if let pausesAt {
            text.raw(",\"pausesAt\":")
            text.date(pausesAt)
        }
        if let platform {
            text.raw(",\"platform\":{\"arch\":")
            text.string(platform.arch)
            text.raw(",\"os\":")
            text.string(platform.os)
            text.raw("}")
        }
        if let snapshotId {
            text.raw(",\"snapshotId\":")
            text.string(snapshotId)
        }
        text.raw(",\"status\":")
        try write(status, to: &text)
        text.raw("}")
        return text.bytes
    }

    private func write(_ status: Status, to text: inout JSONText) throws {
        text.raw("{\"lastTransitionAt\":")
        text.date(status.lastTransitionAt)
        if let message = status.message {
            text.raw(",\"message\":")
            text.string(message)
        }
        if let progress = status.progress {
            text.raw(",\"progress\":")
            text.raw(try JSONEncoder.api.encode(progress))
        }
        if let reason = status.reason {
            text.raw(",\"reason\":")
            text.string(reason)
        }
        text.raw(",\"state\":")
        text.string(status.state)
        text.raw("}")
    }
}
