{{- define "pushworker.name" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "pushworker.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "pushworker.labels" -}}
{{ include "pushworker.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* What a rollout must follow: settings and handlers. Secrets are not read here. */}}
{{- define "pushworker.checksum" -}}
{{ printf "%s%s%s" (toJson .Values.config) (toJson .Values.handlers) (toJson .Values.directoryQueries) | sha256sum }}
{{- end -}}

{{/* The labels that select this release's workers in PromQL. */}}
{{- define "pushworker.promSelector" -}}
{{ .Values.autoscaling.prometheus.selector | default (printf "namespace=%q,service=%q" .Release.Namespace (include "pushworker.name" .)) }}
{{- end -}}

{{/* Variables that name mounted files, of (list . secretConfig). */}}
{{- define "pushworker.fileEnv" -}}
{{- $top := index . 0 -}}
{{- if $top.Values.handlers }}
- {name: PUSHWORKER_HANDLERS_FILE, value: /etc/pushworker/handlers/handlers.json}
{{- end }}
{{- if include "pushworker.queries" $top }}
- {name: PUSHWORKER_DIRECTORY_QUERIES, value: /etc/pushworker/directory/queries.sql}
{{- end }}
{{- range $name, $_ := index . 1 }}
- {name: {{ $name }}_FILE, value: /etc/pushworker/variables/{{ $name }}}
{{- end }}
{{- end -}}

{{/* Where files are mounted, of (list . secretConfig secretFiles). */}}
{{- define "pushworker.mounts" -}}
- {name: handlers, mountPath: /etc/pushworker/handlers, readOnly: true}
{{- if include "pushworker.queries" (index . 0) }}
- {name: directory, mountPath: /etc/pushworker/directory, readOnly: true}
{{- end }}
{{- if index . 1 }}
- {name: variables, mountPath: /etc/pushworker/variables, readOnly: true}
{{- end }}
{{- if index . 2 }}
- {name: files, mountPath: /etc/pushworker/files, readOnly: true}
{{- end }}
{{- end -}}

{{/* What is mounted there, of the same list. */}}
{{- define "pushworker.volumes" -}}
{{- $top := index . 0 -}}
- {name: handlers, configMap: {name: {{ include "pushworker.name" $top }}-handlers}}
{{- with include "pushworker.queries" $top }}
- {name: directory, {{ . }}}
{{- end }}
{{- with index . 1 }}
- name: variables
  projected:
    defaultMode: 0440
    sources:
      {{- range $name, $ref := . }}
      - secret: {name: {{ $ref.secret }}, items: [{key: {{ $ref.key | quote }}, path: {{ $name }}}]}
      {{- end }}
{{- end }}
{{- with index . 2 }}
- name: files
  projected:
    defaultMode: 0440
    sources:
      {{- range $name, $ref := . }}
      - secret: {name: {{ $ref.secret }}, items: [{key: {{ $ref.key | quote }}, path: {{ $name | quote }}}]}
      {{- end }}
{{- end }}
{{- end -}}

{{/* The volume with the statements of PUSHWORKER_DIRECTORY_QUERIES; nothing without them. */}}
{{- define "pushworker.queries" -}}
{{- $q := .Values.directoryQueries -}}
{{- if $q.sql -}}
configMap: {name: {{ include "pushworker.name" . }}-directory, items: [{key: queries.sql, path: queries.sql}]}
{{- else if $q.configMap -}}
configMap: {name: {{ $q.configMap }}, items: [{key: {{ $q.key | quote }}, path: queries.sql}]}
{{- else if $q.secret -}}
secret: {secretName: {{ $q.secret }}, defaultMode: 0440, items: [{key: {{ $q.key | quote }}, path: queries.sql}]}
{{- end -}}
{{- end -}}
