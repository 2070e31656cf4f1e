// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import NIOCore
import NIOHTTP1

extension ResourceClient {
    /// Creates an object.
    ///
    /// - Returns: the object as the server keeps it.
    /// - Throws: `KubeError`, of kind `alreadyExists` if there is one of its name. It is not repeated when the connection breaks:
    ///   then nobody knows whether it is there.
    public func create(_ object: Object, _ options: WriteOptions = WriteOptions()) async throws -> Object {
        var request = try creation(of: object)
        options.apply(to: &request)
        return try await transport.answer(to: request)
    }

    /// Replaces an object by another one of its name.
    ///
    /// With a resourceVersion in its metadata it replaces that state only. When the connection breaks it is repeated, and then
    /// the server may call its own success a conflict.
    ///
    /// - Throws: `KubeError`, of kind `conflict` if the object has changed since.
    public func replace(
        _ object: Object,
        subresource: Subresource? = nil,
        _ options: WriteOptions = WriteOptions()
    ) async throws -> Object {
        var request = try request(
            "replace",
            .PUT,
            name: object.metadata.name,
            subresource: subresource,
            namespace: namespace(of: object)
        )
        request.body = body(object)
        options.apply(to: &request)
        return try await transport.answer(to: request)
    }

    /// Replaces an object by what `change` makes of it, again with its new state if somebody else was faster.
    ///
    /// - Parameter attempts: how often that is tried.
    /// - Returns: the object as the server keeps it. If `change` changes nothing, nothing is written.
    /// - Throws: what `change` throws; `KubeError`, of kind `conflict` if others were faster each time.
    public func update(
        _ name: String,
        subresource: Subresource? = nil,
        attempts: Int = 5,
        _ options: WriteOptions = WriteOptions(),
        _ change: (inout Object) throws -> Void
    ) async throws -> Object {
        var attempt = 1
        while true {
            let start = ContinuousClock.now
            let old = try await get(name)
            var new = old
            try change(&new)
            if new == old { return old }
            do {
                return try await replace(new, subresource: subresource, options)
            } catch let error as KubeError where error.isConflict && attempt < attempts {
                // By chance and ever longer, or of many writers each would meet the others again; but not much longer than all
                // of them would need one after the other. How long that is, the time of an attempt tells.
                let unit = max(.now - start, .milliseconds(5))
                let full = min(unit * (1 << min(attempt, 6)), .seconds(10))
                try await transport.configuration.retry.sleep(full * Double.random(in: 0...1))
                attempt += 1
            }
        }
    }

    /// How many replicas of an object there are and shall be.
    public func scale(of name: String) async throws -> Scale {
        try await transport.answer(to: request("get the scale of", name: name, subresource: .scale))
    }

    /// Sets how many replicas of an object there shall be.
    public func setScale(
        of name: String,
        replicas: Int,
        _ options: WriteOptions = WriteOptions()
    ) async throws -> Scale {
        var request = try request("scale", .PATCH, name: name, subresource: .scale)
        request.contentType = "application/merge-patch+json"
        let document: JSONValue = ["spec": ["replicas": .number(JSONNumber(replicas))]]
        request.body = ByteBuffer(bytes: document.json())
        request.isRepeatable = true
        options.apply(to: &request)
        return try await transport.answer(to: request)
    }
}
