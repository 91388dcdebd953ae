/** Prefix of the labels and annotations that belong to the gateway alone (design.md §1). */
export const GATEWAY_PREFIX = 'isthmus.dev/'

/** Label: id of the tenant. */
export const TENANT_LABEL = 'isthmus.dev/tenant'
/** Label: id of the virtual node. Every object that the gateway makes carries it, and every list and watch selects by it. */
export const NODE_LABEL = 'isthmus.dev/node'
/** Label on physical Namespaces, annotation on pods: the tenant's name of the namespace. */
export const NAMESPACE_KEY = 'isthmus.dev/namespace'
/** Label on pods: id of the quota reservation. */
export const RESERVATION_LABEL = 'isthmus.dev/reservation'

/** Annotation on pods: name of the virtual node, for `fieldRef`s to `spec.nodeName`. */
export const NODE_NAME_ANNOTATION = 'isthmus.dev/node-name'
/** Annotation on pods: what the tenant asked for, as JSON; see asked.ts. */
export const ASKED_ANNOTATION = 'isthmus.dev/asked'
/** Annotation: the tenant's ownerReferences as JSON; in the data plane its garbage collector would act on them (rule 17). */
export const OWNERS_ANNOTATION = 'isthmus.dev/owner-references'

/** The one annotation of the client's that the gateway reads: the UID of the user cluster's pod (idempotency, rule 18). */
export const UID_ANNOTATION = 'agent.isthmus.dev/uid'

/** Kubernetes puts its root certificate into every namespace under this name; the data plane's is hidden (rule 19). */
export const ROOT_CA_CONFIGMAP = 'kube-root-ca.crt'
/** Label that Kubernetes keeps on every Namespace: its name, here the physical one (rule 8). */
export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name'
