// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension ControllerOptions {
    /// The flags, for people.
    public static var help: String {
        var lines = [
            "Runs, pauses and resumes the sandboxes of a cluster.", "", "Usage: stasis-controller [--flag=value ...]",
            "       stasis-controller uninstall [--flag=value ...]",
            "               when it is gone: take its finalizers out of all objects, so that they can be deleted",
            "       stasis-controller doctor [--output=text|json] [--nodes] [--service-account=NAMESPACE/NAME] [--flag=value ...]",
            "               look whether the cluster has what the controller needs, and say what to do", "",
        ]
        for flag in ControllerFlag.all {
            let value = flag.placeholder.map { "=\($0)" } ?? ""
            let isOff = flag.standard.isEmpty || flag.isToggle && flag.standard == "false"
            lines.append("  --\(flag.name)\(value)\(isOff ? "" : " (\(flag.standard))")")
            lines.append("        \(flag.name == ControllerFlag.configName ? configHelp : flag.help)")
        }
        lines += [
            "  --version", "        Print the version and exit.", "  --help", "        Print this and exit.", "",
            "The environment says the same with \(ControllerFlag.variablePrefix) and a name in capitals, such as",
            "\(ControllerFlag.named["snapshot-registry"]?.variable ?? ""); the command line goes before it, and it before the file.",
            "Exit status: 0 told to end; 1 could not start or go on, lost the lease, or doctor found a problem; 64 the flags make no sense.",
        ]
        return lines.joined(separator: "\n")
    }

    private static let configHelp = "A file of YAML with these names and their values."
}
