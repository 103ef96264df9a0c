{{- define "onepassword-operator.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "onepassword-operator.application" -}}
{{- default (include "onepassword-operator.fullname" .) .Values.operator.applicationName -}}
{{- end -}}

{{- define "onepassword-operator.serviceAccount" -}}
{{- default (include "onepassword-operator.fullname" .) .Values.operator.serviceAccount.name -}}
{{- end -}}

{{- define "onepassword-operator.clusterRole" -}}
{{- default (include "onepassword-operator.fullname" .) .Values.operator.clusterRole.name -}}
{{- end -}}

{{- define "onepassword-operator.image" -}}
{{- with .Values.operator -}}
{{- if .imageDigest -}}{{ .imageRepository }}@{{ .imageDigest }}{{- else -}}{{ .imageRepository }}:{{ default $.Chart.AppVersion .version }}{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The labels that tell which pods are meant; they never change. Called with a dict of the root context and a component. */ -}}
{{- define "onepassword-operator.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "onepassword-operator.labels" -}}
{{ include "onepassword-operator.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "onepassword-operator.connectUrl" -}}
{{- if .Values.operator.connectHost -}}
{{- .Values.operator.connectHost -}}
{{- else if .Values.connect.tls.enabled -}}
https://{{ .Values.connect.host }}:{{ .Values.connect.api.httpsPort }}
{{- else -}}
http://{{ .Values.connect.host }}:{{ .Values.connect.api.httpPort }}
{{- end -}}
{{- end -}}

{{- define "onepassword-operator.connectPort" -}}
{{- $url := urlParse (include "onepassword-operator.connectUrl" .) -}}
{{- if regexMatch ":[0-9]+$" $url.host -}}
{{- regexFind "[0-9]+$" $url.host -}}
{{- else if eq $url.scheme "https" -}}443{{- else -}}80{{- end -}}
{{- end -}}

{{- /* The namespaces to watch, without repetitions, as JSON. */ -}}
{{- define "onepassword-operator.namespaces" -}}
{{- $names := list -}}
{{- range .Values.operator.watchNamespace -}}{{- $names = append $names (tpl . $ | trim) -}}{{- end -}}
{{- $names | uniq | toJson -}}
{{- end -}}

{{- /* "yes" unless the cluster has the CRD from somebody else, which Helm would refuse to touch. */ -}}
{{- define "onepassword-operator.ownsCrd" -}}
{{- $found := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "onepassworditems.onepassword.com" -}}
{{- if not $found -}}yes
{{- else -}}
{{- $notes := default dict $found.metadata.annotations -}}
{{- $labels := default dict $found.metadata.labels -}}
{{- if and (eq (default "" (get $labels "app.kubernetes.io/managed-by")) "Helm")
           (eq (default "" (get $notes "meta.helm.sh/release-name")) .Release.Name)
           (eq (default "" (get $notes "meta.helm.sh/release-namespace")) .Release.Namespace) -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{- define "onepassword-operator.validate" -}}
{{- with .Values.operator -}}
{{- if and (gt (int .replicas) 1) (not .leaderElection.enabled) -}}
{{- fail "operator.replicas: more than one needs operator.leaderElection.enabled, or all of them would ask 1Password" -}}
{{- end -}}
{{- if and .tls.trust.secret .tls.trust.configMap -}}
{{- fail "operator.tls.trust: set secret or configMap, not both" -}}
{{- end -}}
{{- if and .metrics.serviceMonitor.enabled (not .metrics.enabled) -}}
{{- fail "operator.metrics.serviceMonitor.enabled: there is nothing to scrape unless operator.metrics.enabled" -}}
{{- end -}}
{{- end -}}
{{- if not (or .Values.operator.create .Values.connect.create .Values.crds.create) -}}
{{- fail "nothing to install: operator.create, connect.create and crds.create are all false" -}}
{{- end -}}
{{- end -}}
