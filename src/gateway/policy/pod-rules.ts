import { only, refuse, type TypeRules, WHOLE } from './rule.ts'
import { securityRules } from './security-rules.ts'
import { configMapName, volumeRules } from './volume-rules.ts'

const PLACEMENT = 'where a pod runs in the data plane is not for its owner to choose'
const PRIORITY = 'priority in the data plane is not for its owner to choose'
const HOST = 'access to the host is not possible'
const SERVER_SIDE = 'allow'

const environmentFields = /^metadata\.(name|uid|labels\['[^']+'\]|annotations\['[^']+'\])$/
const podFields = new Set([
  'metadata.labels',
  'metadata.annotations',
  'spec.serviceAccountName',
  'status.podIP',
  'status.podIPs',
])

/** Fields that would show the data plane's own namespace, node or addresses inside the pod (kubernetes-face.md 20). */
function fieldPath(value: unknown): string | undefined {
  const path = String(value)
  if (environmentFields.test(path) || podFields.has(path)) return undefined
  return `${path} differs in the data plane; put the value into an annotation and refer to that`
}

const toleratedTaints = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])

/** Without a key a toleration tolerates every taint, so the absent key has to be judged as well. */
function toleration(value: unknown): string | undefined {
  const key = (value as { key?: unknown }).key
  return toleratedTaints.has(String(key)) ? undefined : PLACEMENT
}

/** A probe or hook's `host` would make the data plane's nodes connect anywhere (agent-rules.md 45). */
const probedHost = only('')

const container: TypeRules = {
  args: 'allow',
  command: 'allow',
  env: 'allow',
  envFrom: 'allow',
  image: 'allow',
  imagePullPolicy: 'allow',
  lifecycle: 'allow',
  livenessProbe: 'allow',
  name: 'allow',
  ports: 'allow',
  readinessProbe: 'allow',
  resizePolicy: 'allow',
  resources: 'allow',
  restartPolicy: 'allow',
  restartPolicyRules: 'allow',
  securityContext: 'allow',
  startupProbe: 'allow',
  stdin: 'allow',
  stdinOnce: 'allow',
  terminationMessagePath: 'allow',
  terminationMessagePolicy: 'allow',
  tty: 'allow',
  volumeDevices: refuse('block devices are not served'),
  volumeMounts: 'allow',
  workingDir: 'allow',
}

/** The rules of every type that a Pod reaches, except volumes and security contexts, which have files of their own. */
export const podRules: Readonly<Record<string, TypeRules>> = {
  PodSpec: {
    activeDeadlineSeconds: 'allow',
    affinity: refuse(PLACEMENT),
    automountServiceAccountToken: only(false),
    containers: 'allow',
    dnsConfig: 'allow',
    dnsPolicy: only('None', 'Default', 'ClusterFirst'),
    enableServiceLinks: 'allow',
    ephemeralContainers: 'allow',
    hostAliases: 'allow',
    hostIPC: only(false),
    hostNetwork: only(false),
    hostPID: only(false),
    hostUsers: only(false),
    hostname: 'allow',
    hostnameOverride: 'allow',
    imagePullSecrets: 'allow',
    initContainers: 'allow',
    nodeName: refuse(PLACEMENT),
    nodeSelector: refuse(PLACEMENT),
    os: 'allow',
    overhead: refuse('it belongs to a runtime class'),
    preemptionPolicy: refuse(PRIORITY),
    priority: refuse(PRIORITY),
    priorityClassName: refuse(PRIORITY),
    readinessGates: 'allow',
    resourceClaims: refuse('dynamic resources are not served'),
    resources: 'allow',
    restartPolicy: 'allow',
    runtimeClassName: refuse('runtime classes are the data plane’s'),
    schedulerName: only('default-scheduler'),
    schedulingGates: 'allow',
    schedulingGroup: refuse(PLACEMENT),
    securityContext: 'allow',
    serviceAccount: only('default'),
    serviceAccountName: only('default'),
    setHostnameAsFQDN: only(false),
    shareProcessNamespace: 'allow',
    subdomain: 'allow',
    terminationGracePeriodSeconds: 'allow',
    tolerations: 'allow',
    topologySpreadConstraints: refuse(PLACEMENT),
    volumes: 'allow',
  },
  Container: container,
  EphemeralContainer: { ...container, targetContainerName: 'allow' },
  Toleration: {
    [WHOLE]: toleration,
    effect: 'allow',
    key: 'allow',
    operator: 'allow',
    tolerationSeconds: 'allow',
    value: 'allow',
  },
  ContainerPort: {
    containerPort: 'allow',
    hostIP: refuse(HOST),
    hostPort: only(0),
    name: 'allow',
    protocol: 'allow',
  },
  EnvVar: { name: 'allow', value: 'allow', valueFrom: 'allow' },
  EnvVarSource: {
    configMapKeyRef: 'allow',
    fieldRef: 'allow',
    fileKeyRef: 'allow',
    resourceFieldRef: 'allow',
    secretKeyRef: 'allow',
  },
  EnvFromSource: { configMapRef: 'allow', prefix: 'allow', secretRef: 'allow' },
  ConfigMapKeySelector: { key: 'allow', name: configMapName, optional: 'allow' },
  SecretKeySelector: { key: 'allow', name: 'allow', optional: 'allow' },
  FileKeySelector: { key: 'allow', optional: 'allow', path: 'allow', volumeName: 'allow' },
  ConfigMapEnvSource: { name: configMapName, optional: 'allow' },
  SecretEnvSource: { name: 'allow', optional: 'allow' },
  ObjectFieldSelector: { apiVersion: only('v1'), fieldPath },
  ResourceFieldSelector: { containerName: 'allow', divisor: 'allow', resource: 'allow' },
  Lifecycle: { postStart: 'allow', preStop: 'allow', stopSignal: 'allow' },
  LifecycleHandler: { exec: 'allow', httpGet: 'allow', sleep: 'allow', tcpSocket: 'allow' },
  ExecAction: { command: 'allow' },
  HTTPGetAction: { host: probedHost, httpHeaders: 'allow', path: 'allow', port: 'allow', scheme: 'allow' },
  HTTPHeader: { name: 'allow', value: 'allow' },
  TCPSocketAction: { host: probedHost, port: 'allow' },
  GRPCAction: { port: 'allow', service: 'allow' },
  SleepAction: { seconds: 'allow' },
  Probe: {
    exec: 'allow',
    failureThreshold: 'allow',
    grpc: 'allow',
    httpGet: 'allow',
    initialDelaySeconds: 'allow',
    periodSeconds: 'allow',
    successThreshold: 'allow',
    tcpSocket: 'allow',
    terminationGracePeriodSeconds: 'allow',
    timeoutSeconds: 'allow',
  },
  ContainerResizePolicy: { resourceName: 'allow', restartPolicy: 'allow' },
  ContainerRestartRule: { action: 'allow', exitCodes: 'allow' },
  ContainerRestartRuleOnExitCodes: { operator: 'allow', values: 'allow' },
  ResourceRequirements: {
    claims: refuse('dynamic resources are not served'),
    limits: 'allow',
    requests: 'allow',
  },
  PodDNSConfig: { nameservers: 'allow', options: 'allow', searches: 'allow' },
  PodDNSConfigOption: { name: 'allow', value: 'allow' },
  HostAlias: { hostnames: 'allow', ip: 'allow' },
  LocalObjectReference: { name: 'allow' },
  PodOS: { name: only('linux') },
  PodReadinessGate: { conditionType: 'allow' },
  PodSchedulingGate: { name: 'allow' },
  ...securityRules,
  ...volumeRules,
  Pod: { apiVersion: 'allow', kind: 'allow', metadata: 'allow', spec: 'allow', status: SERVER_SIDE },
}
