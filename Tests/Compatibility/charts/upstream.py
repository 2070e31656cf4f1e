"""Files of values for OpenSandbox's charts (controller 0.2.0, server 0.1.0, all-in-one 0.2.0), with every key that these have."""

import textwrap


def indented(text: str) -> str:
    """A block of YAML one level deeper."""
    return textwrap.indent(text, "  ")


CONTROLLER = """\
nameOverride: ""
fullnameOverride: ""
namespaceOverride: opensandbox-system
controller:
  replicaCount: 1
  resources:
    limits: {cpu: 500m, memory: 128Mi}
    requests: {cpu: 10m, memory: 64Mi}
  logLevel: info
  kubeClient: {qps: 100, burst: 200}
  snapshot:
    imageCommitterImage: "image-committer:dev"
    containerdSocketPath: /var/run/containerd/containerd.sock
    commitJobTimeout: "10m"
    registry: registry.example.com/sandboxes
    registryInsecure: false
    snapshotPushSecret: registry-snapshot-push-secret
    resumePullSecret: registry-pull-secret
  leaderElection: {enabled: true}
  livenessProbe:
    enabled: true
    httpGet: {path: /healthz, port: 8081}
    initialDelaySeconds: 15
    periodSeconds: 20
    timeoutSeconds: 1
    successThreshold: 1
    failureThreshold: 3
  readinessProbe:
    enabled: true
    httpGet: {path: /readyz, port: 8081}
    initialDelaySeconds: 5
    periodSeconds: 10
    timeoutSeconds: 1
    successThreshold: 1
    failureThreshold: 3
  nodeSelector: {}
  tolerations: [{operator: Exists}]
  affinity: {}
  podSecurityContext:
    runAsNonRoot: true
    seccompProfile: {type: RuntimeDefault}
  containerSecurityContext:
    allowPrivilegeEscalation: false
    capabilities: {drop: ["ALL"]}
    readOnlyRootFilesystem: false
  podLabels: {}
  podAnnotations: {}
  priorityClassName: ""
imagePullSecrets: [{name: myregistrykey}]
serviceAccount: {create: true, annotations: {}, name: ""}
rbac: {create: true}
crds: {install: true, keep: true, annotations: {}}
networkPolicy: {enabled: false, ingress: [], egress: []}
extraEnv: [{name: CUSTOM_VAR, value: custom-value}]
extraVolumes: [{name: custom-volume, emptyDir: {}}]
extraVolumeMounts: [{name: custom-volume, mountPath: /custom-path}]
extraInitContainers: []
extraContainers: []
"""

SERVER = """\
nameOverride: ""
namespaceOverride: ""
imagePullSecrets: []
server:
  env:
    - name: OPENSANDBOX_SERVER_API_KEY
      valueFrom:
        secretKeyRef: {name: opensandbox-api-key, key: api-key}
  replicaCount: 2
  resources:
    limits: {cpu: "2", memory: 8Gi}
    requests: {cpu: "1", memory: 4Gi}
  tolerations: []
  affinity: {}
  volumeMounts: []
  volumes: []
  gateway:
    enabled: false
    host: opensandbox.example.com
    gatewayRouteMode: header
    image: {repository: registry.example/opensandbox/ingress, tag: v1.0.7}
    replicaCount: 2
    port: 28888
    dataplaneNamespace: opensandbox
    providerType: batchsandbox
    logLevel: info
    resources: {}
    secureAccess: {activeKey: "", keys: []}
configToml: |
  [server]
  host = "0.0.0.0"
  port = 80
  api_key = ""

  [log]
  level = "INFO"

  [runtime]
  type = "kubernetes"
  execd_image = "registry.example/opensandbox/execd:v1.0.18"

  [kubernetes]
  kubeconfig_path = ""
  namespace = "opensandbox"
  informer_enabled = true
  informer_resync_seconds = 300
  informer_watch_timeout_seconds = 60
  snapshot_create_timeout_seconds = 900
  workload_provider = "batchsandbox"
  batchsandbox_template_file = "/etc/opensandbox/example.batchsandbox-template.yaml"

  [egress]
  image = "registry.example/opensandbox/egress:v1.0.12"
  mode = "dns+nft"
tenantsToml: ""
"""

ALL_IN_ONE = """\
opensandbox-controller:
  controller:
    logLevel: info
    replicaCount: 1
    snapshot:
      imageCommitterImage: image-committer:dev
      commitJobTimeout: 10m
      registry: registry.example.com/sandboxes
      snapshotPushSecret: registry-snapshot-push-secret
      resumePullSecret: registry-pull-secret
opensandbox-server:
  server:
    replicaCount: 2
    env: [{name: OPENSANDBOX_SERVER_API_KEY, value: a-key}]
global:
"""
