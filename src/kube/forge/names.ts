/** Annotations that the agent sets on what it makes behind the gateway; `isthmus.dev/` itself is the gateway's. */
export const annotation = {
  /** UID of the user's object: ownership and idempotency (design.md §1). */
  uid: 'agent.isthmus.dev/uid',
  /** The user's namespace, for the downward API. */
  namespace: 'agent.isthmus.dev/namespace',
  /** The virtual node's name, for `spec.nodeName`. */
  node: 'agent.isthmus.dev/node',
  /** For `spec.serviceAccountName`. */
  serviceAccount: 'agent.isthmus.dev/service-account',
  /** For `status.hostIP` and `status.hostIPs`. */
  hostIp: 'agent.isthmus.dev/host-ip',
  /** The user's labels and annotations as files of the downward API show them, where a volume asks for them. */
  labels: 'agent.isthmus.dev/labels',
  annotations: 'agent.isthmus.dev/annotations',
  /** Generation of the user's pod whose spec was carried last. */
  generation: 'agent.isthmus.dev/generation',
  /** Keys of the labels and annotations that were brought along, as JSON. */
  applied: 'agent.isthmus.dev/applied',
  /** The name of the agent's node, on namespaces that it made. */
  madeBy: 'agent.isthmus.dev/made-by',
  /** Earliest expiry of the tokens in a Secret, RFC 3339. */
  expires: 'agent.isthmus.dev/expires',
  /** When they are to be renewed, RFC 3339. */
  renew: 'agent.isthmus.dev/renew',
} as const

/** Prefix of every name that the agent draws itself, so that it never meets one of the user's. */
export const GENERATED_PREFIX = 'isthmus.'

/** Every namespace has a ConfigMap of this name, with its own cluster's CA. */
export const ROOT_CA = 'kube-root-ca.crt'

/** The user's CA goes by this name, since the data plane's own ConfigMap has the other one. */
export const ROOT_CA_COPY = `${GENERATED_PREFIX}${ROOT_CA}`

/** The service environment of a namespace (rule 40): all its Services, or only `kubernetes`. */
export const SERVICE_ENV = `${GENERATED_PREFIX}service-env`
export const MASTER_ENV = `${GENERATED_PREFIX}kubernetes-env`

/** The Secret that holds a pod's ServiceAccount tokens. */
export function tokenSecretName(podUid: string): string {
  return `${GENERATED_PREFIX}token-${podUid}`
}

/** The name of a user's ConfigMap behind the gateway. */
export function configMapName(name: string): string {
  return name === ROOT_CA ? ROOT_CA_COPY : name
}

/** Condition of a pod: whether a data plane carries it, and if not, why. */
export const CARRIED = 'isthmus.dev/Carried'
