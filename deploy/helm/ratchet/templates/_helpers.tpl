{{- define "ratchet.labels" -}}
app.kubernetes.io/name: ratchet
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "ratchet.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default .Release.Name .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "ratchet.tag" -}}
{{- default .Chart.AppVersion .Values.image.tag -}}
{{- end }}

{{- define "ratchet.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "ratchet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* Environment shared by every workload: where the others are, and what to run. */ -}}
{{- define "ratchet.env" -}}
{{- $exchange := printf "%s-paper-exchange:7100" .Release.Name -}}
{{- $data := ternary "https://data.alpaca.markets" (printf "http://%s" $exchange) (eq .Values.mode "live") -}}
{{- $targets := dict "MARKET_DATA" "market-data" "SENTIMENT" "sentiment" "SIGNALS" "signal" "INFERENCE" "ml-inference" "RISK" "risk" "EXECUTION" "execution" "PHASES" "phase-activation" -}}
- {name: RATCHET_MODE, value: {{ .Values.mode | quote }}}
- {name: RATCHET_TRADING_MODE, value: {{ .Values.tradingMode | quote }}}
- {name: RATCHET_PORTFOLIO, value: {{ .Values.portfolio | quote }}}
- {name: RATCHET_LOG_LEVEL, value: {{ .Values.logLevel | quote }}}
- {name: RATCHET_GRPC_PORT, value: {{ .Values.grpcPort | quote }}}
- {name: RATCHET_ADMIN_PORT, value: {{ .Values.adminPort | quote }}}
- name: RATCHET_INSTANCE
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- range $name, $service := $targets }}
- {name: RATCHET_{{ $name }}_TARGET, value: "{{ $.Release.Name }}-{{ $service }}:{{ $.Values.grpcPort }}"}
{{- end }}
- {name: RATCHET_ALPACA_URL, value: {{ default (printf "http://%s" $exchange) .Values.alpaca.url | quote }}}
- {name: RATCHET_ALPACA_STREAM_URL, value: {{ default (printf "ws://%s/stream" $exchange) .Values.alpaca.streamUrl | quote }}}
- {name: RATCHET_ALPACA_DATA_URL, value: {{ default $data .Values.alpaca.dataUrl | quote }}}
- {name: RATCHET_OANDA_URL, value: {{ default (printf "http://%s" $exchange) .Values.oanda.url | quote }}}
- {name: RATCHET_OANDA_STREAM_URL, value: {{ default (printf "http://%s" $exchange) .Values.oanda.streamUrl | quote }}}
{{- with .Values.oanda.account }}
- {name: RATCHET_OANDA_ACCOUNT, value: {{ . | quote }}}
{{- end }}
{{- if .Values.dataset.existingClaim }}
- {name: RATCHET_DATASET, value: {{ printf "/data/%s" .Values.dataset.name | quote }}}
{{- end }}
{{- if .Values.models.existingClaim }}
- {name: RATCHET_MODELS_DIR, value: /models}
{{- end }}
{{- range $name, $value := .Values.env }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{- define "ratchet.volumeMounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: cache, mountPath: /var/cache/ratchet}
{{- range $file, $content := .Values.config }}
- {name: config, mountPath: /opt/ratchet/share/config/{{ $file }}, subPath: {{ $file }}, readOnly: true}
{{- end }}
{{- if .Values.dataset.existingClaim }}
- {name: data, mountPath: /data, readOnly: true}
{{- end }}
{{- if .Values.models.existingClaim }}
- {name: models, mountPath: /models}
{{- end }}
{{- end }}

{{- define "ratchet.volumes" -}}
- {name: tmp, emptyDir: {}}
- {name: cache, emptyDir: {}}
{{- if .Values.config }}
- {name: config, configMap: {name: {{ .Release.Name }}-config}}
{{- end }}
{{- if .Values.dataset.existingClaim }}
- {name: data, persistentVolumeClaim: {claimName: {{ .Values.dataset.existingClaim }}, readOnly: true}}
{{- end }}
{{- if .Values.models.existingClaim }}
- {name: models, persistentVolumeClaim: {claimName: {{ .Values.models.existingClaim }}}}
{{- end }}
{{- end }}
