// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import NIOCore

extension Request {
    /// The object that this request carries as its JSON body.
    ///
    /// - Parameter maximumBytes: A larger body is refused before it is read.
    /// - Throws: ``ValidationError`` for a body that is missing, not JSON or not an object; ``APIError`` (413) for one that
    ///   is too large.
    func jsonBody(upTo maximumBytes: Int) async throws -> RequestObject {
        let bytes = try await bodyBytes(upTo: maximumBytes)
        return try Self.object(bytes: bytes.readableBytesView, contentType: headers[.contentType])
    }

    /// The object that this request carries as its JSON body, or an empty one if it carries none.
    ///
    /// - Throws: As ``jsonBody(upTo:)``, but not for a body that is missing.
    func optionalJSONBody(upTo maximumBytes: Int) async throws -> RequestObject {
        let bytes = try await bodyBytes(upTo: maximumBytes)
        guard bytes.readableBytes > 0 else { return RequestObject(members: [:], location: ["body"]) }
        return try Self.object(bytes: bytes.readableBytesView, contentType: headers[.contentType])
    }

    func bodyBytes(upTo maximumBytes: Int) async throws -> ByteBuffer {
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > maximumBytes {
            throw APIError.bodyTooLarge(limit: maximumBytes)
        }
        do {
            guard let limit = RequestBodyTime.limit else { return try await body.collect(upTo: maximumBytes) }
            return try await collect(upTo: maximumBytes, within: limit)
        } catch is NIOTooManyBytesError {
            throw APIError.bodyTooLarge(limit: maximumBytes)
        } catch let error as APIError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // What else can go wrong with a body is how it was sent.
            throw APIError.bodyUnreadable
        }
    }

    /// The body, if it comes in within a time.
    ///
    /// - Throws: ``APIError`` (408) if it does not.
    private func collect(upTo maximumBytes: Int, within limit: Duration) async throws -> ByteBuffer {
        let body = body
        return try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
            group.addTask { try await body.collect(upTo: maximumBytes) }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let bytes = first else {
                throw APIError.bodyTooSlow(limit: limit)
            }
            return bytes
        }
    }

    static func object(bytes: some Collection<UInt8>, contentType: String?) throws -> RequestObject {
        guard !bytes.isEmpty else {
            throw ValidationError(issues: [ValidationIssue("missing", at: ["body"], "Field required")])
        }
        guard isJSON(contentType) else {
            let issue = ValidationIssue(
                "model_attributes_type",
                at: ["body"],
                "Input should be a valid dictionary or object, sent with Content-Type: application/json"
            )
            throw ValidationError(issues: [issue])
        }
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes)
        } catch {
            let issue = ValidationIssue(
                "json_invalid",
                at: ["body", .index(error.offset)],
                "JSON decode error",
                context: ["error": error.message]
            )
            throw ValidationError(issues: [issue])
        }
        var issues: [ValidationIssue] = []
        guard let object = RequestField(value: value, location: ["body"]).object(.required, &issues) else {
            throw ValidationError(issues: issues)
        }
        return object
    }

    /// Whether a media type is `application/json` or `application/<something>+json`.
    private static func isJSON(_ contentType: String?) -> Bool {
        guard let mediaType = contentType?.split(separator: ";").first?.trimmed.lowercased() else { return false }
        return mediaType == "application/json" || (mediaType.hasPrefix("application/") && mediaType.hasSuffix("+json"))
    }
}

/// How long the body of the request that the present task answers may take to come in.
enum RequestBodyTime {
    @TaskLocal static var limit: Duration?
}
