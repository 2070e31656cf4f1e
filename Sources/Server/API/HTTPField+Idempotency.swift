// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension HTTPField.Name {
    /// What a client calls a request that it may send again without wanting it done twice.
    fileprivate static let idempotencyKey = HTTPField.Name("Idempotency-Key")
}

extension HTTPFields {
    /// What the client calls this request, to be able to send it again; nil unless it is 1 to 255 visible characters.
    var idempotencyKey: String? {
        guard let name = HTTPField.Name.idempotencyKey, let key = self[name]?.trimmed else { return nil }
        return (1...255).contains(key.utf8.count) ? key : nil
    }
}
