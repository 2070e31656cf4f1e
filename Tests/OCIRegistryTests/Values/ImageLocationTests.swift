// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Testing

struct ImageLocationTests {
    static let digest = "sha256:" + String(repeating: "0a", count: 32)

    @Test(arguments: [
        ("oci:/var/images", "/var/images", nil, nil),
        ("oci:/var/images:1", "/var/images", "1", nil),
        ("oci:images", "images", nil, nil),
        ("oci:./a.b/c:tag", "./a.b/c", "tag", nil),
        ("oci:/a:b/c", "/a:b/c", nil, nil),
        ("oci:/a:b/c:d", "/a:b/c", "d", nil),
        ("oci:/a@b/c:d", "/a@b/c", "d", nil),
        ("oci:/a b/c", "/a b/c", nil, nil),
        ("oci:/images@\(digest)", "/images", nil, digest),
    ])
    func readsLayouts(_ text: String, _ folder: String, _ tag: String?, _ digest: String?) throws {
        let location = try ImageLocation(parsing: text)
        #expect(location == .layout(folder: folder, tag: tag, digest: try digest.map { try Digest(parsing: $0) }))
        #expect(location.description == text)
    }

    @Test func readsReferences() throws {
        #expect(try ImageLocation(parsing: "a/b:c") == .registry(try ImageReference(parsing: "a/b:c")))
    }

    @Test(arguments: [
        ("oci:", "no folder"),
        ("oci::tag", "no folder"),
        ("oci:/a:", "tag after ':' is empty"),
        ("oci:/a:b c", "' '"),
        ("oci:/a@sha256:12", "2 digits"),
    ])
    func saysWhatIsWrong(_ text: String, _ reason: String) {
        let error = #expect(throws: RegistryError.self) { try ImageLocation(parsing: text) }
        #expect(error?.reason.contains(reason) == true, "\(error.map { "\($0)" } ?? "")")
    }
}
