// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

extension RegistryRepository {
    /// The most bytes of one page that are accepted. Some registries send all they have as one.
    private static let pageSizeLimit = 16 << 20
    /// The most bytes of all pages of one list together.
    private static let listSizeLimit = 64 << 20
    /// The most pages of one list that are asked for.
    private static let pageLimit = 1000

    /// The repository's tags in the order of the alphabet, which registries have to keep as well, page by page.
    public func tags(after last: String?, limit: Int) async throws -> [String] {
        struct Page: Decodable { var tags: [String]? }
        var query = "?n=\(min(max(limit, 1), 1000))"
        if let last { query += "&last=\(try reference.tagged(last).tag ?? "")" }
        let request = try listRequest("list the tags of", "", "tags/list\(query)")
        var tags: [String] = []
        guard limit > 0 else { return [] }
        try await forEachPage(of: request) { (bytes, _) throws(RegistryError) in
            let page: Page = try ImageDocument.decode(from: bytes, subject: "the list of tags of \(name)")
            // What cannot be a tag cannot be asked for either.
            tags += (page.tags ?? []).filter { (try? reference.tagged($0)) != nil }
            return tags.count < limit
        }
        // Older registries know neither pages nor an order, and send all there is.
        tags.sort()
        if let last, tags.contains(last) { tags.removeAll { $0 <= last } }
        return Array(tags.prefix(limit))
    }

    /// Manifests that say to be about another one, by the referrers API; by the tag that stands in for it where the
    /// registry does not have the API.
    public func referrers(of digest: Digest, artifactType: String?) async throws -> [Descriptor] {
        let query = artifactType.map { "?artifactType=\($0.escapedForQuery)" } ?? ""
        let request = try listRequest("list what refers to", "@\(digest)", "referrers/\(digest)\(query)")
        var found: [Descriptor] = []
        let isKnown = try await forEachPage(of: request) { (bytes, _) throws(RegistryError) in
            let index: ImageIndex = try ImageDocument.decode(
                from: bytes,
                subject: "the list of what refers to \(name)@\(digest)"
            )
            found += index.manifests
            return true
        }
        if !isKnown { found = try await fallbackReferrers(of: digest)?.manifests ?? [] }
        // The registry may or may not have filtered; to filter what is filtered changes nothing.
        return artifactType.map { type in found.filter { $0.artifactType == type } } ?? found
    }

    private func listRequest(
        _ operation: String,
        _ suffix: String,
        _ path: String
    ) throws(RegistryError) -> RegistryRequest {
        var request = try request(operation, suffix, .GET, path, scopes: [.pull(reference.repository)])
        request.accepts = [200, 404]
        return request
    }

    /// Reads a list's pages, one after the other, as their `Link` headers name the next.
    ///
    /// - Parameter take: gets a page; returns whether more are wanted.
    /// - Returns: false if there is no such list.
    @discardableResult
    private func forEachPage(
        of first: RegistryRequest,
        _ take: ([UInt8], HTTPHeaders) throws(RegistryError) -> Bool
    ) async throws -> Bool {
        var request = first
        var seen: Set<WebAddress> = []
        var size = 0
        while seen.insert(request.url).inserted, seen.count <= Self.pageLimit {
            let response = try await transport.send(request)
            guard response.status == .ok else {
                await transport.drain(response)
                if seen.count == 1 { return false }
                throw request.fault(.notFound, "its next page is not there", status: Int(response.status.code))
            }
            let body = try await transport.body(of: response, to: request, limit: Self.pageSizeLimit)
            size += body.readableBytes
            guard size <= Self.listSizeLimit else {
                throw request.fault(.tooLarge, "it has more than \(Self.listSizeLimit) bytes")
            }
            guard try take(Array(body.readableBytesView), response.headers),
                let link = LinkHeader.next(in: response.headers["Link"])
            else { return true }
            // The next page is the registry's own, with the login; anything else is not followed.
            guard let next = request.url.resolving(link), next.hasSameOrigin(as: first.origin) else {
                throw request.fault(.unexpectedAnswer, "its next page is not at \(reference.domain)")
            }
            request.url = next
        }
        throw first.fault(.unexpectedAnswer, "its pages do not come to an end")
    }
}

extension String {
    /// As a value in a query.
    var escapedForQuery: String { TokenFetch.form([("", self)]).dropFirst().description }
}
