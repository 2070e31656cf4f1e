// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A file of the page under `/ui`, as it stands in `Assets`.
public struct PageFile: Sendable {
    /// Its name, which is its path below `/ui/`.
    public let name: String
    /// What it is.
    public let mediaType: String
    /// Its content.
    public let bytes: [UInt8]

    /// All of them. The first one is the page itself.
    public static let all = [
        PageFile(name: "index.html", mediaType: html, bytes: PackageResources.index_html),
        PageFile(name: "page.css", mediaType: css, bytes: PackageResources.page_css),
        PageFile(name: "icon.svg", mediaType: svg, bytes: PackageResources.icon_svg),
        PageFile(name: "page.js", mediaType: javascript, bytes: PackageResources.page_js),
        PageFile(name: "actions.js", mediaType: javascript, bytes: PackageResources.actions_js),
        PageFile(name: "api.js", mediaType: javascript, bytes: PackageResources.api_js),
        PageFile(name: "columns.js", mediaType: javascript, bytes: PackageResources.columns_js),
        PageFile(name: "details.js", mediaType: javascript, bytes: PackageResources.details_js),
        PageFile(name: "dialogs.js", mediaType: javascript, bytes: PackageResources.dialogs_js),
        PageFile(name: "dom.js", mediaType: javascript, bytes: PackageResources.dom_js),
        PageFile(name: "grid.js", mediaType: javascript, bytes: PackageResources.grid_js),
        PageFile(name: "store.js", mediaType: javascript, bytes: PackageResources.store_js),
        PageFile(name: "words.js", mediaType: javascript, bytes: PackageResources.words_js),
    ]

    private static let html = "text/html; charset=utf-8"
    private static let css = "text/css; charset=utf-8"
    private static let svg = "image/svg+xml"
    private static let javascript = "text/javascript; charset=utf-8"
}
