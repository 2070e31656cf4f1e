// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ImageBuilder
import OCIRegistry

/// A small program of the system that needs nothing but the C library.
let smallProgram = "/usr/bin/env"

/// The folder of the programs that were built beside the tests.
let builtPrograms = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path

extension ProgramImage {
    /// The image of a small program under the name of one of ours.
    static func small(
        _ name: String = "stasis-controller",
        program: String = smallProgram,
        compression: Compression = .gzip
    ) async throws -> ProgramImage {
        ProgramImage(
            settings: .of(name),
            program: program,
            closure: try await .find(of: program),
            compression: compression
        )
    }

    /// Writes it into a layout.
    ///
    /// - Returns: The image as it is read back.
    @discardableResult
    func write(to folder: String, as tag: String) async throws -> Image {
        let layout = ImageLayoutRepository(folder: folder)
        let writer = try await ImageWriter(self)
        try await writer.write(to: layout, as: .tag(tag))
        let image = try await layout.image(.tag(tag))
        return image
    }
}
