import type { V1Container, V1PodSpec, V1Probe, V1Volume } from '@kubernetes/client-node'

/** core/v1 SetDefaults_PodSpec and its like: what a real API server fills in. Changes `spec`. */
export function podSpecDefaults(spec: V1PodSpec): void {
  spec.restartPolicy ??= 'Always'
  spec.terminationGracePeriodSeconds ??= 30
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.securityContext ??= {}
  spec.schedulerName ??= 'default-scheduler'
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount
  for (const container of spec.initContainers ?? []) containerDefaults(container, spec)
  for (const container of spec.containers ?? []) containerDefaults(container, spec)
  for (const container of spec.ephemeralContainers ?? []) containerDefaults(container as V1Container, spec)
  for (const volume of spec.volumes ?? []) volumeDefaults(volume)
}

/** core/v1 SetDefaults_Pod: of pods alone, not of templates. Changes `spec`. */
export function podDefaults(spec: V1PodSpec): void {
  podSpecDefaults(spec)
  spec.enableServiceLinks ??= true
  // A negative grace is taken for the shortest (pod strategy, since 1.23).
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1
  for (const { resources } of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    // A limit without a request is the request as well.
    if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests }
  }
}

/** The template of a Deployment and its like. */
export function podTemplateDefaults(template: unknown): void {
  const spec = (template as { spec?: V1PodSpec } | undefined)?.spec
  if (spec) podSpecDefaults(spec)
}

function containerDefaults(container: V1Container, spec: V1PodSpec): void {
  container.resources ??= {}
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  container.imagePullPolicy ??= tagOf(container.image ?? '') === 'latest' ? 'Always' : 'IfNotPresent'
  for (const port of container.ports ?? []) {
    port.protocol ??= 'TCP'
    if (spec.hostNetwork) port.hostPort ??= port.containerPort
  }
  for (const entry of container.env ?? []) {
    if (entry.valueFrom?.fieldRef) entry.valueFrom.fieldRef.apiVersion ??= 'v1'
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) probeDefaults(probe)
  }
  for (const hook of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (hook?.httpGet) {
      hook.httpGet.path ??= '/'
      hook.httpGet.scheme ??= 'HTTP'
    }
  }
}

function probeDefaults(probe: V1Probe): void {
  probe.timeoutSeconds ??= 1
  probe.periodSeconds ??= 10
  probe.successThreshold ??= 1
  probe.failureThreshold ??= 3
  if (probe.httpGet) {
    probe.httpGet.path ??= '/'
    probe.httpGet.scheme ??= 'HTTP'
  }
  if (probe.grpc) probe.grpc.service ??= ''
}

function volumeDefaults(volume: V1Volume): void {
  if (Object.keys(volume).length === 1) volume.emptyDir = {}
  if (volume.secret) volume.secret.defaultMode ??= 0o644
  if (volume.configMap) volume.configMap.defaultMode ??= 0o644
  if (volume.hostPath) volume.hostPath.type ??= ''
  for (const item of [...(volume.downwardAPI?.items ?? []), ...projectedFields(volume)]) {
    if (item.fieldRef) item.fieldRef.apiVersion ??= 'v1'
  }
  if (volume.downwardAPI) volume.downwardAPI.defaultMode ??= 0o644
  if (!volume.projected) return
  volume.projected.defaultMode ??= 0o644
  for (const source of volume.projected.sources ?? []) {
    if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
  }
}

const projectedFields = (volume: V1Volume) =>
  (volume.projected?.sources ?? []).flatMap((source) => source.downwardAPI?.items ?? [])

function tagOf(image: string): string {
  if (image.includes('@')) return ''
  const last = image.slice(image.lastIndexOf('/') + 1)
  const colon = last.indexOf(':')
  return colon < 0 ? 'latest' : last.slice(colon + 1)
}

/** status.qosClass (component-helpers qos.ComputePodQOS). */
export function qosClass(spec: V1PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  let any = false
  let guaranteed = true
  for (const { resources } of containers) {
    for (const name of ['cpu', 'memory'] as const) {
      const request = resources?.requests?.[name]
      const limit = resources?.limits?.[name]
      if (request !== undefined || limit !== undefined) any = true
      if (limit === undefined || request !== limit) guaranteed = false
    }
  }
  if (!any) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
