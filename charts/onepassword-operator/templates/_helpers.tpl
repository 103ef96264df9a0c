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

{{- /* The full name with an ending, short enough for a Service. Called with a dict of the root context and the ending. */ -}}
{{- define "onepassword-operator.named" -}}
{{- include "onepassword-operator.fullname" .root | trunc (sub 63 (len .ending) | int) | trimSuffix "-" -}}{{- .ending -}}
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
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
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
https://{{ default .Values.connect.applicationName .Values.connect.host }}:{{ .Values.connect.api.httpsPort }}
{{- else -}}
http://{{ default .Values.connect.applicationName .Values.connect.host }}:{{ .Values.connect.api.httpPort }}
{{- end -}}
{{- end -}}

{{- /* The host in that URL, without the port. */ -}}
{{- define "onepassword-operator.connectName" -}}
{{- regexReplaceAll ":[0-9]+$" (urlParse (include "onepassword-operator.connectUrl" .)).host "" -}}
{{- end -}}

{{- /* "yes" if the URL leads to the Connect server of this release. */ -}}
{{- define "onepassword-operator.asksOwnConnect" -}}
{{- if and .Values.connect.create (not .Values.operator.connectHost) -}}
{{- if eq (include "onepassword-operator.connectName" . | splitList "." | first) .Values.connect.applicationName -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{- /* "yes" if the host can't be a Service: those are called `name`, `name.namespace` or `name.namespace.svc...`. */ -}}
{{- define "onepassword-operator.connectIsOutside" -}}
{{- $labels := include "onepassword-operator.connectName" . | splitList "." -}}
{{- if hasPrefix "[" (first $labels) -}}yes
{{- else if and (gt (len $labels) 2) (ne (index $labels 2) "svc") -}}yes{{- end -}}
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
{{- range .Values.operator.watchNamespace -}}
{{- $name := tpl . $ | trim -}}
{{- if or (not $name) (contains "," $name) -}}
{{- fail (printf "operator.watchNamespace: %q gives %q, which is not the name of one namespace; list them one by one" . $name) -}}
{{- end -}}
{{- $names = append $names $name -}}
{{- end -}}
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
{{- if and .metrics.enabled (eq (int .metrics.port) (int .probes.port)) -}}
{{- fail "operator.metrics.port and operator.probes.port: two servers can't share one port" -}}
{{- end -}}
{{- end -}}
{{- if .Values.operator.create -}}
{{- include "onepassword-operator.validateDisruption" . -}}
{{- include "onepassword-operator.validateNetwork" . -}}
{{- end -}}
{{- if not (or .Values.operator.create .Values.connect.create .Values.crds.create) -}}
{{- fail "nothing to install: operator.create, connect.create and crds.create are all false" -}}
{{- end -}}
{{- end -}}

{{- /* `minAvailable: ...` or `maxUnavailable: ...`; null is the default. */ -}}
{{- define "onepassword-operator.disruption" -}}
{{- with .Values.operator.pdb -}}
{{- $least := ternary "0" (toString .minAvailable) (kindIs "invalid" .minAvailable) -}}
{{- if has $least (list "0" "0%") -}}
maxUnavailable: {{ ternary 1 .maxUnavailable (kindIs "invalid" .maxUnavailable) }}
{{- else -}}
minAvailable: {{ $least }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* A budget that never lets a pod go keeps nodes from being drained. */ -}}
{{- define "onepassword-operator.validateDisruption" -}}
{{- with .Values.operator -}}
{{- if and .pdb.enabled (gt (int .replicas) 0) -}}
{{- $budget := include "onepassword-operator.disruption" $ -}}
{{- $amount := regexFind "[0-9]+%?$" $budget -}}
{{- if hasPrefix "minAvailable" $budget -}}
{{- if or (eq $amount "100%") (and (not (hasSuffix "%" $amount)) (ge (int $amount) (int .replicas))) -}}
{{- fail (printf "operator.pdb.minAvailable: %s of %d pods could never be evicted, and no node drained; it must be less than operator.replicas" $amount (int .replicas)) -}}
{{- end -}}
{{- else if has $amount (list "0" "0%") -}}
{{- fail "operator.pdb.maxUnavailable: with 0 no pod could ever be evicted, and no node drained" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What no rule of the policy lets through would only show as a Connect server that does not answer. */ -}}
{{- define "onepassword-operator.validateNetwork" -}}
{{- with .Values.operator.networkPolicy -}}
{{- if and .enabled (include "onepassword-operator.connectIsOutside" $) (not .connect.to) (not .extraEgress) -}}
{{- $byAccident := has (include "onepassword-operator.connectPort" $) (.apiServer.ports | toStrings) -}}
{{- if or .apiServer.cidrs (not $byAccident) -}}
{{- fail (printf "operator.networkPolicy: nothing allows the way to %s, whose host is not a Service of the cluster; name its addresses in operator.networkPolicy.connect.to, or a proxy in extraEgress" (include "onepassword-operator.connectUrl" $)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The kinds of workloads that are watched, with commas; values that `--reuse-values` keeps of an earlier chart have none. */}}
{{- define "onepassword-operator.workloadKinds" -}}
{{- join "," (default (list "Deployment") .Values.operator.workloadKinds) -}}
{{- end }}

{{/* Where each kind of workloads is served, and whether it is restarted, which takes the right to patch. */}}
{{- define "onepassword-operator.workloadRules" -}}
Deployment: {group: apps, plural: deployments, restarts: true}
StatefulSet: {group: apps, plural: statefulsets, restarts: true}
DaemonSet: {group: apps, plural: daemonsets, restarts: true}
Rollout: {group: argoproj.io, plural: rollouts, restarts: true}
CronJob: {group: batch, plural: cronjobs, restarts: false}
Job: {group: batch, plural: jobs, restarts: false}
{{- end }}
