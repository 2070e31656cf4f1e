{{/* Nothing here goes by .Chart.Name: a chart with an alias for this one has another one. */}}
{{- define "stasis-server.fullname" -}}
{{- default (default "stasis-server" .Values.nameOverride) .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "stasis-server.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "stasis-server.selectorLabels" -}}
app.kubernetes.io/name: {{ include "stasis-server.fullname" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "stasis-server.labels" -}}
{{ include "stasis-server.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: stasis
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: stasis-server-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "stasis-server.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "stasis-server.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: with serviceAccount.create false, name the account that there is" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "stasis-server.image" -}}
{{- $prefix := "" }}
{{- with (default (dict) .Values.global).imageRegistry }}{{ $prefix = printf "%s/" (trimSuffix "/" .) }}{{ end }}
{{- with .Values.server.image }}
{{- if hasSuffix "opensandbox/server" .repository }}
{{- fail (printf "server.image.repository: %s is OpenSandbox's server. Leave server.image out, or name a stasis-server." .repository) }}
{{- end }}
{{- if .digest }}
{{- printf "%s%s@%s" $prefix .repository .digest }}
{{- else }}
{{- printf "%s%s:%s" $prefix .repository (toString (default $.Chart.AppVersion .tag)) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The configuration, with a port that a process that is not root may have. */}}
{{- define "stasis-server.config" -}}
{{- $port := "(?m)^([ \t]*port[ \t]*=[ \t]*)([0-9]{1,3}|10[01][0-9]|102[0-3])([ \t]*(?:#.*)?)$" }}
{{- regexReplaceAll $port .Values.configToml "${1}8080${3}" }}
{{- end }}

{{/* The port that it listens on: that of [server], which is the first. */}}
{{- define "stasis-server.port" -}}
{{- $line := regexFind "(?m)^[ \t]*port[ \t]*=[ \t]*[0-9]+" (include "stasis-server.config" .) }}
{{- default "8080" (regexFind "[0-9]+" $line) }}
{{- end }}

{{/* The namespaces of sandboxes, as JSON. */}}
{{- define "stasis-server.sandboxNamespaces" -}}
{{- $names := default (list) .Values.rbac.namespaces }}
{{- if not $names }}
{{- $isTenanted := or .Values.tenantsToml (regexMatch "(?m)^[ \t]*\\[tenants\\]" .Values.configToml) }}
{{- $text := ternary (default "" .Values.tenantsToml) .Values.configToml (not (not $isTenanted)) }}
{{- range regexFindAll "(?m)^[ \t]*namespace[ \t]*=[ \t]*[\"'][^\"']+" $text -1 }}
{{- $names = append $names (regexReplaceAll ".*[\"']" . "") }}
{{- end }}
{{- if and (not $names) (not $isTenanted) }}{{ $names = list "opensandbox" }}{{ end }}
{{- end }}
{{- if not $names }}
{{- fail "rbac.namespaces: name the namespaces of the tenants; the chart cannot see their file" }}
{{- end }}
{{- toJson (uniq $names) }}
{{- end }}

{{/* Says nothing if somebody may use the server. */}}
{{- define "stasis-server.checkAccess" -}}
{{- $hasKey := or .Values.server.apiKeySecret.name .Values.tenantsToml }}
{{- range .Values.server.env }}
{{- if has .name (list "OPENSANDBOX_SERVER_API_KEY" "OPENSANDBOX_INSECURE_SERVER") }}{{ $hasKey = true }}{{ end }}
{{- end }}
{{- if regexMatch "(?m)^[ \t]*(api_key(_file)?[ \t]*=[ \t]*[\"'][^\"']|\\[tenants\\])" .Values.configToml }}{{ $hasKey = true }}{{ end }}
{{- if not $hasKey }}
{{- fail "server.apiKeySecret.name: name a Secret with the API key, or give tenantsToml; without either nobody may use the server, and it does not start" }}
{{- end }}
{{- end }}
