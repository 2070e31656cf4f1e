// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

extension ResourceClient {
    /// The object of a name.
    ///
    /// - Throws: `KubeError`, of kind `notFound` if there is none.
    public func get(_ name: String, subresource: Subresource? = nil) async throws -> Object {
        try await transport.answer(to: request("get", name: name, subresource: subresource))
    }

    /// The object of a name; `nil` if there is none.
    ///
    /// - Throws: `KubeError`, also if the type is not served at all.
    public func find(_ name: String) async throws -> Object? {
        do {
            return try await get(name)
        } catch let error as KubeError where error.isNotFound {
            return nil
        }
    }

    /// Objects, at most as many as the options say. Without a limit it is all of them, in one answer.
    ///
    /// - Throws: `KubeError`, of kind `expired` if the state or the page that was asked for is gone.
    public func list(_ options: ListOptions = ListOptions()) async throws -> KubeList<Object> {
        var request = try request("list")
        options.apply(to: &request)
        var list: KubeList<Object> = try await transport.answer(to: request)
        if Object.self == DynamicObject.self { list.items = list.items.map(completed) }
        return list
    }

    /// Objects, page by page.
    ///
    /// - Parameter pageSize: how many objects a page has at most.
    public func pages(_ options: ListOptions = ListOptions(), pageSize: Int = 500) -> ListPages<Object> {
        var options = options
        options.limit = pageSize
        return ListPages(client: self, options: options)
    }
}
