// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import Synchronization

/// A kube-apiserver with an etcd, both of one test's own, on free loopback ports and with data that is thrown away: to be
/// stopped, killed, started again and compacted as the test likes.
///
/// The programs, certificates and keys are the testbed's, and so is the administrator. It serves `v1`, leases and custom
/// resources without admission, compacts nothing, and writes nothing by itself, so that every revision of etcd is a test's own. Both processes end with the
/// test's process, however that dies: a shell waits beside them for the end of a pipe.
public actor APIServerDaemon {
    /// It did not do what it was told.
    public struct Failure: Error, CustomStringConvertible {
        /// What it printed.
        public let description: String
    }

    /// Where it listens: `127.0.0.1:<port>`. The same after each start.
    public nonisolated let authority: String
    private let input: StandardInputWriter
    private var answers: AsyncStream<String>.Iterator

    private init(authority: String, input: StandardInputWriter, answers: AsyncStream<String>) {
        self.authority = authority
        self.input = input
        self.answers = answers.makeAsyncIterator()
    }

    /// Ends the API server as its operator does: it is asked, and killed if it has not ended after some seconds. It does not
    /// end while somebody watches.
    public func stop() async throws { _ = try await order("stop") }

    /// Kills the API server.
    public func kill() async throws { _ = try await order("kill") }

    /// Starts the API server; returns when it is ready.
    public func start() async throws { _ = try await order("start") }

    /// The revision of etcd: the resourceVersion of the last write.
    public func revision() async throws -> Int {
        let answer = try await order("revision")
        guard let revision = Int(answer) else { throw Failure(description: "'\(answer)' is no revision") }
        return revision
    }

    /// Has etcd forget all states before the last one, as an API server does every five minutes.
    public func compact() async throws { _ = try await order("compact") }

    /// Starts both, runs `body`, and ends them.
    ///
    /// - Parameter hasWatchCache: whether watches are answered from the API server's memory, as they usually are. Without it each
    ///   goes through to etcd.
    /// - Throws: `Failure` if they do not start, and what `body` throws.
    public static func run<Result: Sendable>(
        hasWatchCache: Bool = true,
        _ body: (APIServerDaemon) async throws -> Result
    ) async throws -> Result {
        let testbed = try KubernetesTestbed.find()
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "stasis-apiserver-\(UInt64.random(in: 0 ... .max))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let programs = URL(fileURLWithPath: testbed.kubectlProgram).deletingLastPathComponent().path
        let (etcdPort, apiPort) = (try FreePort.find(), try FreePort.find())
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(5))
        ]
        let arguments = [
            folder, programs, "\(testbed.folder)/pki", "\(etcdPort)", "\(apiPort)", "--watch-cache=\(hasWatchCache)",
        ]
        return try await Subprocess.run(
            .name("bash"),
            arguments: Arguments(["-c", script, "apiserver"] + arguments),
            platformOptions: options,
            input: .inputWriter,
            output: .sequence,
            error: .discarded
        ) { execution in
            let output = execution.standardOutput
            let input = execution.standardInputWriter
            return try await withThrowingTaskGroup(of: Void.self) { group in
                let (answers, found) = AsyncStream.makeStream(of: String.self)
                group.addTask {
                    defer { found.finish() }
                    for try await line in output.strings() { found.yield(line) }
                }
                let daemon = APIServerDaemon(authority: "127.0.0.1:\(apiPort)", input: input, answers: answers)
                do {
                    try await daemon.start()
                    let result = try await body(daemon)
                    try await input.finish()
                    try await group.waitForAll()
                    return result
                } catch {
                    try? await input.finish()
                    throw error
                }
            }
        }.closureResult
    }

    /// One order at a time: tests give them one after the other.
    private func order(_ order: String) async throws -> String {
        _ = try await input.write(order + "\n")
        var answers = answers
        let line = await answers.next(isolation: self)
        self.answers = answers
        let answer = line?.trimmingCharacters(in: .newlines) ?? "it has ended"
        guard answer.hasPrefix("ok ") else {
            throw Failure(description: "the API server did not \(order): \(answer)")
        }
        return String(answer.dropFirst(3))
    }

    /// Takes orders from its input, one a line, and answers each with one line.
    private static let script = #"""
        folder=$1 programs=$2 pki=$3 etcd=http://127.0.0.1:$4 port=$5
        shift 5
        # What the shell itself has to say, such as that a job was killed, is no answer.
        exec 2>>"$folder/log"
        etcd --name test --data-dir "$folder/etcd" --unsafe-no-fsync --log-level warn --listen-client-urls "$etcd" \
            --advertise-client-urls "$etcd" --listen-peer-urls http://127.0.0.1:0 </dev/null >"$folder/log" 2>&1 &
        state=$!
        api=

        # Only what the tests use: with all of its API it takes twice as long to start.
        run() {
            "$programs/kube-apiserver" --etcd-servers="$etcd" --etcd-compaction-interval=0 "$@" \
                --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="$port" --insecure-port=0 \
                --runtime-config="$served" \
                --enable-priority-and-fairness=false --endpoint-reconciler-type=none --cert-dir="$folder/certificates" \
                --disable-admission-plugins="$unused" --client-ca-file="$pki/ca.crt" \
                --tls-cert-file="$pki/kube-apiserver.crt" --tls-private-key-file="$pki/kube-apiserver.key" \
                --service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range=10.92.0.0/16 \
                --service-account-key-file="$pki/service-accounts.pub" \
                --service-account-signing-key-file="$pki/service-accounts.key" </dev/null >>"$folder/log" 2>&1 &
            api=$!
        }
        served=api/all=false,api/v1=true,apiextensions.k8s.io/v1=true,apiregistration.k8s.io/v1=true
        served+=,coordination.k8s.io/v1=true
        unused=NamespaceLifecycle,LimitRanger,ServiceAccount,TaintNodesByCondition,Priority,DefaultTolerationSeconds
        unused+=,DefaultStorageClass,StorageObjectInUseProtection,PersistentVolumeClaimResize,RuntimeClass
        unused+=,CertificateApproval,CertificateSigning,CertificateSubjectRestriction,DefaultIngressClass
        unused+=,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ResourceQuota

        is_ready() {
            curl -fs -m 10 --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" \
                "https://127.0.0.1:$port/readyz" >/dev/null
        }
        end() { # SIGNAL
            kill -s "$1" "$api" 2>/dev/null
            for _ in {1..40}; do
                kill -0 "$api" 2>/dev/null || break
                sleep 0.05
            done
            kill -s KILL "$api" 2>/dev/null
            wait "$api" 2>/dev/null
            echo "ok "
        }
        etcd_says() { # PATH BODY
            curl -fsS -m 30 "$etcd/v3/kv/$1" --data "$2" 2>>"$folder/log"
        }
        revision() { etcd_says range '{"key": "AA=="}' | sed -n 's/.*"revision":"\([0-9]*\)".*/\1/p'; }

        while read -r order; do
            case $order in
            start)
                run "$@"
                until is_ready; do
                    kill -0 "$api" 2>/dev/null && kill -0 "$state" 2>/dev/null || break
                    sleep 0.05
                done
                if is_ready; then echo "ok "; else tail -n 5 "$folder/log" | tr '\n' ' '; echo; fi ;;
            stop) end TERM ;;
            kill) end KILL ;;
            revision) echo "ok $(revision)" ;;
            compact)
                if etcd_says compaction "{\"revision\": \"$(revision)\", \"physical\": true}" >/dev/null; then
                    echo "ok "
                else
                    echo "etcd refused"
                fi ;;
            esac
        done
        kill -s KILL $api "$state" 2>/dev/null
        wait 2>/dev/null
        """#
}
