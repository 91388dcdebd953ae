import { type Document, isMap, isScalar, isSeq, parseAllDocuments, type Scalar, visit } from 'yaml'

/** What `isthmus node install` fills into deploy/agent.yaml. */
export interface InstallValues {
  /** Name of the Node in the user's cluster. */
  nodeName: string
  /** Public URL of the gateway. */
  gateway: string
  /** PEM; absent: the system's roots. */
  gatewayCa: string | undefined
  clientId: string
  clientSecret: string
  image: string
  /** Namespaces whose Secrets and ConfigMaps the agent may read. */
  namespaces: readonly string[]
}

const ACCOUNT = 'isthmus-agent'
const TEMPLATE_NODE = 'virtual-1'

/**
 * deploy/agent.yaml for one node: its comments stay, and names that several agents in one cluster would share end
 * in the node's. The labels `app` stay too (a label holds 63 characters); `node` beside it tells the agents apart.
 */
export function installManifest(template: string, values: InstallValues): string {
  const documents = parseAllDocuments(template).filter((document) => isMap(document.contents)) as Document[]
  const filled = documents.flatMap((document) => {
    const copies = isNamespaceBinding(document) ? values.namespaces : [undefined]
    return copies.map((namespace) => fill(document.clone() as Document, values, namespace))
  })
  return filled
    .map((document) => document.toString({ lineWidth: 0, flowCollectionPadding: false }))
    .join('---\n')
}

function fill(document: Document, values: InstallValues, namespace: string | undefined): Document {
  rename(document, values.nodeName)
  if (document.directives) document.directives.docStart = null
  const kind = document.get('kind')
  if (namespace !== undefined) document.setIn(['metadata', 'namespace'], namespace)
  if (kind === 'ConfigMap') {
    document.setIn(['data', 'gateway'], values.gateway)
    document.setIn(['data', 'client-id'], values.clientId)
    if (values.gatewayCa === undefined) document.deleteIn(['data', 'gateway-ca.crt'])
    else document.setIn(['data', 'gateway-ca.crt'], values.gatewayCa)
  }
  if (kind === 'Secret') document.setIn(['stringData', 'client-secret'], values.clientSecret)
  if (kind === 'Deployment') fillDeployment(document, values)
  return document
}

/** Every scalar that is the account's or the template node's name; what is shared by all agents is longer. */
function rename(document: Document, nodeName: string): void {
  visit(document, {
    Pair(_key, pair) {
      if (isScalar(pair.key) && pair.key.value === 'app') return visit.SKIP
      return undefined
    },
    Scalar(key, scalar: Scalar) {
      if (key === 'key') return
      if (scalar.value === ACCOUNT) scalar.value = `${ACCOUNT}-${nodeName}`
      else if (scalar.value === `${ACCOUNT}-authentication-reader`) {
        scalar.value = `${ACCOUNT}-${nodeName}-authentication-reader`
      } else if (scalar.value === TEMPLATE_NODE) scalar.value = nodeName
    },
  })
}

function fillDeployment(document: Document, { nodeName, image, gatewayCa }: InstallValues): void {
  const container = ['spec', 'template', 'spec', 'containers', 0]
  document.setIn(['spec', 'selector', 'matchLabels', 'node'], nodeName)
  document.setIn(['spec', 'template', 'metadata', 'labels', 'node'], nodeName)
  document.setIn([...container, 'image'], image)
  if (gatewayCa !== undefined) return
  // Without a CA of its own the gateway's certificate is checked against the system's roots.
  const env = document.getIn([...container, 'env'])
  if (isSeq(env))
    env.items = env.items.filter((item) => !isMap(item) || item.get('name') !== 'ISTHMUS_GATEWAY_CA')
}

/** The RoleBinding of which there is one per namespace. */
function isNamespaceBinding(document: Document): boolean {
  return (
    document.get('kind') === 'RoleBinding' && document.getIn(['roleRef', 'name']) === `${ACCOUNT}-namespace`
  )
}
