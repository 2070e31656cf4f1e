// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

import struct Foundation.Data
import struct Foundation.Date
import class Foundation.JSONEncoder

extension Response {
    /// A response with a JSON body. Values that are nil are left out: official clients stumble over a null.
    init(_ status: HTTPResponse.Status, json value: some Encodable, headers: HTTPFields = [:]) throws {
        self.init(status, jsonBody: ByteBuffer(bytes: try JSONBody.encode(value)), headers: headers)
    }

    /// A response with a body that is JSON already.
    init(_ status: HTTPResponse.Status, jsonBody body: ByteBuffer, headers: HTTPFields = [:]) {
        var headers = headers
        headers[.contentType] = "application/json"
        headers[.contentLength] = String(body.readableBytes)
        self.init(status: status, headers: headers, body: .init(byteBuffer: body))
    }

    /// A response without a body.
    init(_ status: HTTPResponse.Status) {
        self.init(status: status, headers: status == .noContent ? [:] : [.contentLength: "0"])
    }
}

/// How values become the JSON of the API.
enum JSONBody {
    /// A value as JSON; what is nil is left out.
    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.rfc3339)
        }
        return try encoder.encode(value)
    }
}
