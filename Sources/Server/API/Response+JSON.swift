// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

import struct Foundation.Date
import class Foundation.JSONEncoder

extension Response {
    /// A response with a JSON body. Values that are nil are left out: official clients stumble over a null.
    init(_ status: HTTPResponse.Status, json value: some Encodable, headers: HTTPFields = [:]) throws {
        self.init(status, jsonBytes: ByteBuffer(bytes: try JSONEncoder.api.encode(value)), headers: headers)
    }

    /// A response whose body is JSON already.
    init(_ status: HTTPResponse.Status, jsonBytes body: ByteBuffer, headers: HTTPFields = [:]) {
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

extension JSONEncoder {
    /// An encoder of what the API answers.
    static var api: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.rfc3339)
        }
        return encoder
    }
}
