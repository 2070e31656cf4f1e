// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why no image could be made of a program.
public enum ImageBuilderError: Error, Sendable, Hashable {
    /// The program, its loader or one of its libraries cannot be read as such.
    case unreadable(path: String, ELFProblem)
    /// A library is in none of the folders where the loader would search.
    case libraryMissing(name: String, neededBy: String, searched: [String])
    /// The program names a loader that is not on this machine.
    case loaderMissing(path: String, program: String)
    /// A system call failed.
    case system(operation: String, path: String, code: Int32)
}

extension ImageBuilderError: CustomStringConvertible {
    /// What happened, to what, and what to do about it.
    public var description: String {
        switch self {
        case .unreadable(let path, let problem):
            "no image can be made of \(path): \(problem)"
        case .libraryMissing(let name, let user, let searched):
            "the library \(name), which \(user) needs, is not there; searched: \(searched.joined(separator: ", ")); "
                + "install it, or make images on the machine where the program was built"
        case .loaderMissing(let path, let program):
            "\(program) is started by the dynamic loader \(path), which is not there; make images on the machine where the "
                + "program was built"
        case .system(let operation, let path, let code):
            "could not \(operation) \(path): \(String(cString: strerror(code)))"
        }
    }
}
