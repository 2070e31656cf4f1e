// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

@testable import SnapshotEngine

/// A snapshot under engines that know nothing of Stasis. Needs root, Docker and podman: `scripts/setup engines`.
@Suite("A snapshot runs elsewhere")
struct OtherEnginesTests {
    /// What the captured container runs: it tells how it was called, and what is in its files. What engines put into every
    /// container is left out.
    private static let report = #"""
        #!/bin/sh
        echo "$# <$1> <$2> $PWD $(id -u):$(id -g) $GREETING"
        cd /
        find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./etc/hosts \
            -o -path ./etc/hostname -o -path ./etc/resolv.conf -o -path ./etc/mtab -o -name .dockerenv \) -prune -o -print |
            sort | while read -r name; do
            stat -c '%n %F %a %u:%g' "$name"
            if [ -h "$name" ]; then readlink "$name"
            elif [ -f "$name" ] && [ -r "$name" ]; then stat -c '%h links' "$name"; md5sum <"$name"; fi
        done
        """#

    private static let changes = """
        cat >/bin/report
        chmod 755 /bin/report
        mkdir -p /srv/work
        echo hello >/srv/work/file
        ln /srv/work/file /srv/work/linked
        ln -s file /srv/work/soft
        chmod 4755 /srv/work/file
        chown 1000:1000 /srv/work
        rm /www/ping
        sync
        """

    private static let execution: ContainerExecution = {
        var execution = ContainerExecution()
        execution.command = ["/bin/report", "a b"]
        execution.arguments = ["c"]
        execution.workingDirectory = "/srv/work"
        execution.user = "1000:1000"
        execution.environmentNames = ["GREETING"]
        execution.environment = ["GREETING": "good day"]
        return execution
    }()

    /// The command of docs/portability.md, for the image in `$1`.
    private static let documented: String = {
        let page = URL(filePath: #filePath).appending(path: "../../../../docs/portability.md").standardized
        let text = (try? String(contentsOf: page, encoding: .utf8)) ?? ""
        let command = text.split(separator: "\n").first { $0.hasPrefix("docker run ") }
        let words = command?.split(separator: " ").map { $0.hasPrefix("registry.example/") ? "\"$1\"" : String($0) }
        return words?.joined(separator: " ") ?? "echo 'docs/portability.md runs nothing with docker' >&2; exit 1"
    }()

    /// Each takes the registry, the image's repository and tag, and a folder of its own.
    private static let engines: [String: (programs: [String], script: String)] = [
        "runc": (
            ["/usr/bin/umoci", "/usr/sbin/runc"],
            #"""
            skopeo copy -q --src-tls-verify=false "docker://$1" "oci:$2/layout:snap"
            umoci unpack --image "$2/layout:snap" "$2/bundle" >/dev/null 2>&1
            jq '.process.terminal=false' "$2/bundle/config.json" >"$2/config"
            mv "$2/config" "$2/bundle/config.json"
            runc --root "$2/state" run --bundle "$2/bundle" "engine-$$"
            """#
        ),
        "podman": (
            ["/usr/bin/podman"],
            #"""
            printf '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=4096:4096"]\n' >"$2/containers.conf"
            export CONTAINERS_CONF="$2/containers.conf"
            engine() {
                folder=$1; shift
                /usr/bin/podman --root "$folder/root" --runroot "$folder/run" --tmpdir "$folder/tmp" --storage-driver vfs \
                    --cgroup-manager=cgroupfs --events-backend=none "$@"
            }
            engine "$2" pull -q --tls-verify=false "docker://$1" >/dev/null
            engine "$2" run --rm --network none "$1"
            """#
        ),
        "docker": (
            ["/usr/sbin/dockerd", "/usr/bin/docker"],
            #"""
            echo '{}' >"$2/daemon.json"
            export DOCKER_HOST="unix://$2/docker.sock" DOCKER_CONFIG="$2"
            /usr/sbin/dockerd --host "$DOCKER_HOST" --data-root "$2/data" --exec-root "$2/exec" --pidfile "$2/pid" \
                --config-file "$2/daemon.json" --bridge none --iptables=false --ip6tables=false \
                --storage-driver overlay2 >"$2/log" 2>&1 &
            daemon=$!
            trap 'kill $daemon; wait $daemon || true' EXIT
            tries=0
            until /usr/bin/docker version >/dev/null 2>&1; do
                kill -0 $daemon && [ $((tries += 1)) -lt 600 ] || { cat "$2/log" >&2; exit 1; }
                sleep 0.1
            done
            /usr/bin/docker pull -q "$1" >/dev/null
            """# + "\n" + documented
        ),
    ]

    @Test("with the same files and the same entry point", arguments: ["runc", "podman", "docker"])
    func runs(name: String) async throws {
        let engine = try #require(Self.engines[name])
        for program in engine.programs {
            try #require(
                FileManager.default.isExecutableFile(atPath: program),
                "scripts/setup engines installs \(program)"
            )
        }
        try await CaptureFixture.with { fixture in
            try await DockerRegistry.run { registry in
                try await TestContainer.with(fixture.daemon) { container in
                    let script = "\(fixture.folder)/report"
                    try Data(Self.report.utf8).write(to: URL(filePath: script))
                    let text = Data(Self.report.utf8).base64EncodedString()
                    try await fixture.exec(
                        container,
                        "echo \(text) | base64 -d | { \(Self.changes)\n}"
                    )
                    let expected = try await fixture.exec(container, "cd /srv/work; exec /bin/report 'a b' c")
                    let target = "\(registry.authority)/boxes/box:snap"
                    let request = fixture.request(container, to: target, keepRunning: true, execution: Self.execution)
                    let artifact = try await fixture.capture(request).get()
                    await fixture.give(up: request)
                    let digest = try #require(artifact.parts.first?.digest)
                    let image = "\(registry.authority)/boxes/box@\(digest)"
                    let found = try await Self.run(engine.script, image: image)
                    let (told, listing) = (Self.lines(found), Self.lines(expected))
                    #expect(told.first == "2 <a b> <c> /srv/work 1000:1000 good day")
                    #expect(Array(told.dropFirst()) == Array(listing.dropFirst()))
                    #expect(listing.count > 20)
                }
            }
        }
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func run(_ script: String, image: String) async throws -> String {
        // Short, since there are sockets in it.
        let folder = "/tmp/stasis-engine-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await Command.run("timeout", ["120", "sh", "-euc", script, "engine", image, folder])
    }
}
