// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// An argument as Go's programs take it: a flag begins with one - or two, and one that is true or false may stand alone.
enum GoArgument {
    /// The same as this program's parser takes it.
    static func normalized(_ argument: String) -> String {
        guard argument.hasPrefix("-"), argument.count > 2 else { return argument }
        let flag = argument.hasPrefix("--") ? argument : "-" + argument
        return flag == "--enable-sidecar-mode" ? flag + "=true" : flag
    }
}
