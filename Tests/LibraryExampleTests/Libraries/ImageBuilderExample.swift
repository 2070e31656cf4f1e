// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ImageBuilder
import OCIRegistry
import TestSupport
import Testing

@Suite("The example of ImageBuilder")
struct ImageBuilderExample {
    @Test("makes an image of a program")
    func image() async throws {
        try await withTemporaryFolder { folder in
            let program = "/bin/cat"
            let closure = try await LibraryClosure.find(of: program)
            let image = ProgramImage(settings: ProgramSettings(name: "my-program"), program: program, closure: closure)
            let writer = try await ImageWriter(image)
            try await writer.write(to: ImageLayoutRepository(folder: folder), as: .tag("1"))
            let tags = try await ImageLayoutRepository(folder: folder).tags(after: nil, limit: 9)
            #expect(tags == ["1"])
        }
    }
}
