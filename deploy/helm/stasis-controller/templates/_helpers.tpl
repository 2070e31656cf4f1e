{{/* Nothing here goes by .Chart.Name: a chart with an alias for this one has another one. */}}
{{- define "stasis-controller.fullname" -}}
{{- default (default "stasis-controller" .Values.nameOverride) .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "stasis-controller.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "stasis-controller.selectorLabels" -}}
app.kubernetes.io/name: {{ include "stasis-controller.fullname" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "stasis-controller.labels" -}}
{{ include "stasis-controller.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: stasis
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: stasis-controller-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "stasis-controller.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "stasis-controller.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: with serviceAccount.create false, name the account that there is" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* What the images of ours begin with, with a slash at the end if there is anything. */}}
{{- define "stasis-controller.imagePrefix" -}}
{{- with (default (dict) .Values.global).imageRegistry }}{{ . | trimSuffix "/" }}/{{ end }}
{{- end }}

{{- define "stasis-controller.image" -}}
{{- with .Values.controller.image }}
{{- if hasSuffix "opensandbox/controller" .repository }}
{{- fail (printf "controller.image.repository: %s is OpenSandbox's controller. Leave controller.image out, or name a stasis-controller." .repository) }}
{{- end }}
{{- if .digest }}
{{- printf "%s%s@%s" (include "stasis-controller.imagePrefix" $) .repository .digest }}
{{- else }}
{{- printf "%s%s:%s" (include "stasis-controller.imagePrefix" $) .repository (toString (default $.Chart.AppVersion .tag)) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The committer is beside the controller, and as new as it, unless somebody says otherwise. */}}
{{- define "stasis-controller.committerImage" -}}
{{- $given := .Values.controller.snapshot.imageCommitterImage }}
{{- if eq $given "image-committer:dev" }}{{ $given = "" }}{{ end }}
{{- $name := $given | splitList "@" | first | splitList "/" | last | splitList ":" | first }}
{{- if eq $name "image-committer" }}
{{- fail (printf "controller.snapshot.imageCommitterImage: %s is OpenSandbox's committer. Leave it out, or name a stasis-committer." $given) }}
{{- end }}
{{- if $given }}
{{- $given }}
{{- else }}
{{- $repository := regexReplaceAll "[^/]*$" .Values.controller.image.repository "stasis-committer" }}
{{- printf "%s%s:%s" (include "stasis-controller.imagePrefix" .) $repository (toString (default .Chart.AppVersion .Values.controller.image.tag)) }}
{{- end }}
{{- end }}

{{- define "stasis-controller.pullSecrets" -}}
{{- with concat (default (list) .Values.imagePullSecrets) (default (list) (default (dict) .Values.global).imagePullSecrets) | uniq }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The flags by name. */}}
{{- define "stasis-controller.flags" -}}
{{- $controller := .Values.controller }}
{{- $snapshot := $controller.snapshot }}
{{- $flags := dict "health-probe-bind-address" (printf ":%d" (int $controller.livenessProbe.httpGet.port)) }}
{{- if $controller.leaderElection.enabled }}
{{- $_ := set $flags "leader-elect" "true" }}
{{- $_ := set $flags "leader-election-namespace" (include "stasis-controller.namespace" .) }}
{{- else if gt (int $controller.replicaCount) 1 }}
{{- fail "controller.replicaCount: without controller.leaderElection.enabled there may be one only" }}
{{- end }}
{{- if ne (int $controller.livenessProbe.httpGet.port) (int $controller.readinessProbe.httpGet.port) }}
{{- fail "controller.readinessProbe.httpGet.port: both probes are answered at one port, controller.livenessProbe.httpGet.port" }}
{{- end }}
{{- with $controller.logLevel }}{{ $_ := set $flags "zap-log-level" . }}{{ end }}
{{- with $controller.logEncoder }}{{ $_ := set $flags "zap-encoder" . }}{{ end }}
{{- with $controller.kubeClient }}
{{- with .qps }}{{ $_ := set $flags "kube-client-qps" (toString .) }}{{ end }}
{{- with .burst }}{{ $_ := set $flags "kube-client-burst" (toString (int .)) }}{{ end }}
{{- end }}
{{- if $controller.metrics.enabled }}
{{- $_ := set $flags "metrics-bind-address" (printf ":%d" (int $controller.metrics.port)) }}
{{- if not $controller.metrics.secure }}{{ $_ := set $flags "metrics-secure" "false" }}{{ end }}
{{- end }}
{{- $_ := set $flags "dialects" (concat (list "opensandbox") (default (list) $controller.dialects) | uniq | join ",") }}
{{- with $controller.watchNamespaces }}{{ $_ := set $flags "watch-namespaces" (join "," .) }}{{ end }}
{{- $_ := set $flags "image-committer-image" (include "stasis-controller.committerImage" .) }}
{{- with $snapshot.containerdSocketPath }}{{ $_ := set $flags "containerd-socket-path" . }}{{ end }}
{{- $_ := set $flags "containerd-root" (default "" $snapshot.containerdRoot) }}
{{- with $snapshot.commitJobTimeout }}{{ $_ := set $flags "commit-job-timeout" . }}{{ end }}
{{- with $snapshot.registry }}{{ $_ := set $flags "snapshot-registry" . }}{{ end }}
{{- if $snapshot.registryInsecure }}{{ $_ := set $flags "snapshot-registry-insecure" "true" }}{{ end }}
{{- with $snapshot.snapshotPushSecret }}{{ $_ := set $flags "snapshot-push-secret" . }}{{ end }}
{{- with $snapshot.resumePullSecret }}{{ $_ := set $flags "resume-pull-secret" . }}{{ end }}
{{- with $snapshot.deletePolicy }}{{ $_ := set $flags "snapshot-delete-policy" . }}{{ end }}
{{- with $snapshot.retention }}{{ $_ := set $flags "snapshot-retention" (toString (int .)) }}{{ end }}
{{- range $name, $value := $controller.flags }}{{ $_ := set $flags $name (toString $value) }}{{ end }}
{{- toYaml $flags }}
{{- end }}

{{/* The roles of deploy/: one document a kind and name, as YAML under "objects". */}}
{{- define "stasis-controller.roleObjects" -}}
{{- $files := .Files }}
{{- $names := list "files/controller/leader-role.yaml" "files/controller/controller-role.yaml" }}
{{- if and .Values.controller.metrics.enabled .Values.controller.metrics.secure }}
{{- $names = append $names "files/controller/metrics-roles.yaml" }}
{{- end }}
{{- range without (default (list) .Values.controller.dialects) "opensandbox" | uniq }}
{{- $name := printf "files/%s/controller/controller-role.yaml" . }}
{{- if not ($files.Get $name) }}
{{- fail (printf "controller.dialects: this chart has no dialect %s" .) }}
{{- end }}
{{- $names = append $names $name }}
{{- end }}
{{- $objects := list }}
{{- range $names }}
{{- range splitList "\n---\n" ($files.Get .) }}
{{- $objects = append $objects (fromYaml .) }}
{{- end }}
{{- end }}
{{- toYaml (dict "objects" $objects) }}
{{- end }}
