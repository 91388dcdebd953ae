/**
 * Labels and annotations that a tenant may not set, since something in the data plane acts on them. Each line says
 * what would happen. A key is `prefix/name`: `domain` takes every key whose prefix is that domain or one below it,
 * `key` one key alone, `prefix` all that begin so. An operator adds what else runs in their data planes by
 * `--reserved-keys`.
 */
export interface ReservedKey {
  domain?: string
  key?: string
  prefix?: string
  why: string
}

const MESH = 'a mesh of the data plane puts its proxy into the pod'
const NETWORK = 'the data plane’s network attaches the pod, or picks its address, by it'
const CONFINEMENT = 'it switches off a container’s confinement'
const IDENTITY = 'the data plane would give the pod an identity of its own in the cloud'
const TELEMETRY = 'agents of the data plane’s monitoring are put into the pod, or sent to it'
const SECRETS = 'the data plane would fill Secrets into the pod'
const COPIES = 'a controller of the data plane copies Secrets and ConfigMaps between namespaces by it'
const PLACEMENT = 'where and when a pod runs in the data plane is not for its owner to choose'
const RUNTIME = 'the data plane’s container runtime acts on it'
const EXEMPTION = 'it exempts from the data plane’s policies'

export const reservedKeys: readonly ReservedKey[] = [
  // Meshes: sidecar.istio.io/inject, istio.io/rev, linkerd.io/inject, and what configures the proxy.
  { domain: 'istio.io', why: MESH },
  { key: 'istio-injection', why: MESH },
  { domain: 'linkerd.io', why: MESH },
  { domain: 'kuma.io', why: MESH },
  { domain: 'dapr.io', why: MESH },
  { domain: 'consul.hashicorp.com', why: MESH },
  { domain: 'openservicemesh.io', why: MESH },

  // Networks: k8s.v1.cni.cncf.io/networks (Multus), cni.projectcalico.org/ipAddrs, kubernetes.io/ingress-bandwidth.
  { domain: 'cni.cncf.io', why: NETWORK },
  { domain: 'projectcalico.org', why: NETWORK },
  { domain: 'cilium.io', why: NETWORK },
  { domain: 'ovn.org', why: NETWORK },
  { domain: 'ovn.kubernetes.io', why: NETWORK },
  { domain: 'antrea.io', why: NETWORK },
  { domain: 'networking.gke.io', why: NETWORK },
  { domain: 'vpc.amazonaws.com', why: NETWORK },
  { domain: 'elbv2.k8s.aws', why: NETWORK },
  { key: 'kubernetes.io/ingress-bandwidth', why: NETWORK },
  { key: 'kubernetes.io/egress-bandwidth', why: NETWORK },

  // Confinement, in the form that annotations had before there were fields.
  { domain: 'container.apparmor.security.beta.kubernetes.io', why: CONFINEMENT },
  { domain: 'seccomp.security.alpha.kubernetes.io', why: CONFINEMENT },
  { key: 'seccomp.security.alpha.kubernetes.io', why: CONFINEMENT },
  { domain: 'security.openshift.io', why: CONFINEMENT },
  { key: 'openshift.io/scc', why: CONFINEMENT },

  // Identities: azure.workload.identity/use, iam.amazonaws.com/role, iam.gke.io/…
  { domain: 'azure.workload.identity', why: IDENTITY },
  { key: 'aadpodidbinding', why: IDENTITY },
  { domain: 'eks.amazonaws.com', why: IDENTITY },
  { domain: 'iam.amazonaws.com', why: IDENTITY },
  { domain: 'iam.gke.io', why: IDENTITY },
  { domain: 'gke-gcsfuse', why: IDENTITY },
  { domain: 'spiffe.io', why: IDENTITY },

  // Monitoring: admission.datadoghq.com/enabled, ad.datadoghq.com/…, instrumentation.opentelemetry.io/inject-java.
  { domain: 'datadoghq.com', why: TELEMETRY },
  { domain: 'opentelemetry.io', why: TELEMETRY },
  { domain: 'jaegertracing.io', why: TELEMETRY },
  { domain: 'dynatrace.com', why: TELEMETRY },

  // Secrets: vault.hashicorp.com/agent-inject; reflector and replicator read and write other namespaces.
  { domain: 'vault.hashicorp.com', why: SECRETS },
  { domain: 'emberstack.com', why: COPIES },
  { domain: 'replicator.v1.mittwald.de', why: COPIES },
  { domain: 'kubed.appscode.com', why: COPIES },
  { domain: 'cert-manager.io', why: COPIES },

  // Placement and queues: cluster-autoscaler.kubernetes.io/safe-to-evict keeps machines from being emptied.
  { domain: 'cluster-autoscaler.kubernetes.io', why: PLACEMENT },
  { domain: 'karpenter.sh', why: PLACEMENT },
  { domain: 'descheduler.alpha.kubernetes.io', why: PLACEMENT },
  { domain: 'scheduler.alpha.kubernetes.io', why: PLACEMENT },
  { domain: 'scheduling.k8s.io', why: PLACEMENT },
  { domain: 'kueue.x-k8s.io', why: PLACEMENT },
  { domain: 'volcano.sh', why: PLACEMENT },

  // Runtimes; kubelets and admission plugins take a pod with kubernetes.io/config.* for the mirror of a file.
  { prefix: 'io.kubernetes.cri', why: RUNTIME },
  { prefix: 'io.katacontainers.', why: RUNTIME },
  { prefix: 'kubernetes.io/config.', why: RUNTIME },

  // Exemptions: admission.gatekeeper.sh/ignore on a namespace, policies.kyverno.io/…
  { domain: 'gatekeeper.sh', why: EXEMPTION },
  { domain: 'kyverno.io', why: EXEMPTION },
  { domain: 'k8s.kubewarden.io', why: EXEMPTION },
]

/** Keys of `--reserved-keys`: `example.com/` takes that domain and those below it, `example.com/name` one key. */
export function parseReservedKeys(settings: readonly string[]): ReservedKey[] {
  return settings.map((setting) => {
    const why = 'the operator of this gateway reserves it'
    return setting.endsWith('/') ? { domain: setting.slice(0, -1), why } : { key: setting, why }
  })
}

/** Why a tenant may not set this key; undefined where it may. */
export function reservedReason(key: string, more: readonly ReservedKey[] = []): string | undefined {
  const at = key.indexOf('/')
  const owner = at < 0 ? undefined : key.slice(0, at)
  const fits = ({ domain, key: one, prefix }: ReservedKey) =>
    key === one ||
    (prefix !== undefined && key.startsWith(prefix)) ||
    (domain !== undefined && owner !== undefined && (owner === domain || owner.endsWith(`.${domain}`)))
  return (reservedKeys.find(fits) ?? more.find(fits))?.why
}
