// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// The program that upstream's SDKs speak with inside a sandbox, and how it gets there: an init container copies it out of
/// its own image, and a script starts it before what the sandbox is to run.
enum Execd {
    /// The container that the sandbox is.
    static let container = "sandbox"
    /// The volume that it is in.
    static let volume = "opensandbox-bin"
    /// Where that is mounted.
    static let folder = "/opt/opensandbox"
    /// What starts it, and then the sandbox's own command.
    static let bootstrap = "\(folder)/bootstrap.sh"
    /// What says whether a pod has IPv6.
    private static let ipv6Switch = "/proc/sys/net/ipv6/conf/all/disable_ipv6"

    /// The container that puts it there.
    ///
    /// - Parameter disablesIPv6: Whether it also turns IPv6 off in the pod, for which it has to be privileged.
    static func installer(_ configuration: ClusterRuntimeConfiguration, disablesIPv6: Bool) -> Container {
        var script = """
            cp ./execd \(folder)/execd && cp ./bootstrap.sh \(bootstrap) && chmod +x \(folder)/execd \(bootstrap)
            """
        if disablesIPv6 { script = "if [ -e \(ipv6Switch) ]; then echo 1 > \(ipv6Switch) || exit 1; fi; " + script }
        return .with {
            $0.name = "execd-installer"
            $0.image = configuration.execdImage
            $0.imagePullPolicy = configuration.imagePullPolicy
            $0.command = ["/bin/sh", "-c", script]
            $0.volumeMounts = [VolumeMount(volume, at: folder)]
            $0.resources = configuration.execdResources
            if disablesIPv6 { $0.securityContext = .with { $0.privileged = true } }
        }
    }
}
