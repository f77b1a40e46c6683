{{- define "osb-backup.name" -}}
{{- printf "%s" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "osb-backup.labels" -}}
app.kubernetes.io/name: osb-backup-manager
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{- define "osb-backup.managerSelector" -}}
app.kubernetes.io/name: osb-backup-manager
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: manager
{{- end -}}

{{- define "osb-backup.image" -}}
{{- printf "%s%s:%s" .root.Values.image.registry .image (.root.Values.image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}

{{/* Non-root, without privileges, and nothing to write to but volumes. */}}
{{- define "osb-backup.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "osb-backup.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "osb-backup.environment" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{/*
The container of an agent, for a pod of its own or beside a database. It needs the volumes `agent-data` and `agent-tmp`.
Takes root (the chart's context), agent (an entry of .Values.agents) and name.
*/}}
{{- define "osb-backup.agentContainer" -}}
{{- $variant := .agent.variant | default "base" -}}
{{- $image := eq $variant "base" | ternary "osb-backup-agent" (printf "osb-backup-agent-%s" $variant) -}}
name: backup-agent
image: {{ include "osb-backup.image" (dict "root" .root "image" $image) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- with .agent.settings }}
env:
  {{- include "osb-backup.environment" . | nindent 2 }}
{{- end }}
envFrom:
  - secretRef:
      name: {{ required (printf "agents.%s.existingSecret must name a Secret with client_username and client_password" .name) .agent.existingSecret }}
ports:
  - name: agent
    containerPort: 8000
livenessProbe:
  tcpSocket: { port: agent }
  periodSeconds: 20
  failureThreshold: 6
readinessProbe:
  tcpSocket: { port: agent }
  periodSeconds: 5
securityContext:
  {{- include "osb-backup.containerSecurity" . | nindent 2 }}
resources:
  {{- toYaml (.agent.resources | default (dict "requests" (dict "cpu" "100m" "memory" "192Mi") "limits" (dict "memory" "1Gi"))) | nindent 2 }}
volumeMounts:
  - { name: agent-data, mountPath: /data }
  - { name: agent-tmp, mountPath: /tmp }
  {{- with .agent.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
