// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore

/// The API as OpenAPI 3.1 describes it. It is made from ``APIOperation/all`` and the routes that there are: what has no
/// route is not in it.
enum APIDocument {
    /// The document as it is sent.
    static func bytes(of table: RouteTable) -> ByteBuffer {
        ByteBuffer(string: json(of: table).text)
    }

    /// The document.
    static func json(of table: RouteTable) -> JSONValue {
        let operations = Dictionary(APIOperation.all.map { ("\($0.method) \($0.path)", $0) }) { first, _ in first }
        var paths: [String: JSONValue] = [:]
        for route in table.routes where !route.isStream {
            var methods: [String: JSONValue] = [:]
            for method in route.handlers.keys {
                guard let operation = operations["\(method) \(route.template)"] else { continue }
                methods[method.rawValue.lowercased()] = json(of: operation)
            }
            guard !methods.isEmpty else { continue }
            let parameters = route.parameters.map(pathParameter)
            if !parameters.isEmpty { methods["parameters"] = .array(parameters) }
            paths[route.template] = .object(methods)
        }
        return .object([
            "openapi": .string("3.1.0"),
            "info": .object([
                "title": .string("OpenSandbox Lifecycle API"),
                "description": .string("Sandboxes that can be paused, resumed and taken snapshots of."),
                "version": .string(ServerVersion.current),
            ]),
            // Relative to where this document is: at a mount, the paths are below it.
            "servers": .array([.object(["url": .string("./")])]),
            "paths": .object(paths),
            "components": .object([
                "schemas": .object(APISchemas.all.mapValues(\.json)),
                "securitySchemes": .object([
                    "key": .object([
                        "type": .string("apiKey"), "in": .string("header"),
                        "name": .string(HTTPField.Name.apiKey.rawName),
                    ])
                ]),
            ]),
        ])
    }

    /// Any text may be in a path; that there is no such thing is one of the answers.
    private static func pathParameter(_ name: String) -> JSONValue {
        let schema: APISchema = name == "port" ? .integer(1...65_535) : .text(atLeast: 1)
        return .object([
            "name": .string(name), "in": .string("path"), "required": .bool(true), "schema": schema.json,
        ])
    }

    private static func json(of operation: APIOperation) -> JSONValue {
        var members: [String: JSONValue] = [
            "operationId": .string(operation.id),
            "summary": .string(operation.summary),
            "security": .array(operation.isOpen ? [] : [.object(["key": .array([])])]),
        ]
        if !operation.query.isEmpty {
            members["parameters"] = .array(
                operation.query.map { parameter in
                    .object([
                        "name": .string(parameter.name), "in": .string("query"), "required": .bool(false),
                        "description": .string(parameter.text), "schema": parameter.schema.json,
                    ])
                }
            )
        }
        if let request = operation.request {
            members["requestBody"] = .object([
                "required": .bool(request.isRequired), "content": content(request.schema),
            ])
        }
        var responses = ["\(operation.success.status)": success(of: operation)]
        for status in operation.failures { responses["\(status)"] = failure(status) }
        members["responses"] = .object(responses)
        return .object(members)
    }

    private static func content(_ schema: APISchema) -> JSONValue {
        .object(["application/json": .object(["schema": schema.json])])
    }

    private static func success(of operation: APIOperation) -> JSONValue {
        let text = JSONValue.object(["schema": APISchema.string.json])
        var response: [String: JSONValue] = ["description": .string("What was asked for.")]
        switch operation.success.body {
        case .none: break
        case .json(let schema): response["content"] = content(schema)
        case .text: response["content"] = .object(["text/plain": text])
        case .jsonOrText(let schema):
            response["content"] = .object([
                "application/json": .object(["schema": schema.json]), "text/plain": text,
            ])
        }
        if !operation.headers.isEmpty {
            response["headers"] = .object(
                operation.headers.mapValues { text in
                    .object(["description": .string(text), "schema": APISchema.string.json])
                }
            )
        }
        return .object(response)
    }

    private static func failure(_ status: Int) -> JSONValue {
        let schema = status == 422 ? "ValidationError" : "Error"
        return .object([
            "description": .string(HTTPResponse.Status(code: status).reasonPhrase),
            "content": content(.reference(schema)),
        ])
    }
}
