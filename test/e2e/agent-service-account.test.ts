import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import t from '../support/tap.ts'
import { caOf } from '../support/world/cluster.ts'
import { http, json } from '../support/world/http.ts'
import {
  create,
  isReady,
  podFor,
  removePod,
  STAY,
  untilNodeReady,
  untilPod,
} from '../support/world/workloads.ts'
import { openWorld, type World } from '../support/world/world.ts'

const NODE = 'west'
const MANIFEST = new URL('../../deploy/agent.yaml', import.meta.url)
const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const AGENT = 'system:serviceaccount:isthmus-system:isthmus-agent'

let world: World
t.before(async () => {
  world = await openWorld({ userClusters: 1 })
})
t.teardown(() => world?.close())

const user = () => world.userClusters[0]!.admin

interface Document {
  kind: string
  metadata: { name: string; namespace?: string }
}

/** The collection of a kind of the manifest; undefined for what the test runs itself. */
function collectionOf({ kind, metadata }: Document): string | undefined {
  const inside = `namespaces/${metadata.namespace}`
  const paths: Record<string, string> = {
    Namespace: '/api/v1/namespaces',
    ServiceAccount: `/api/v1/${inside}/serviceaccounts`,
    ClusterRole: `${RBAC}/clusterroles`,
    ClusterRoleBinding: `${RBAC}/clusterrolebindings`,
    Role: `${RBAC}/${inside}/roles`,
    RoleBinding: `${RBAC}/${inside}/rolebindings`,
  }
  return paths[kind]
}

/** Applies the manifest's rights and returns a kubeconfig of the ServiceAccount. */
async function install(): Promise<string> {
  const text = readFileSync(MANIFEST, 'utf8').replaceAll('virtual-1', NODE)
  for (const parsed of parseAllDocuments(text)) {
    const document = parsed.toJS() as Document
    const path = collectionOf(document)
    if (path === undefined) continue
    const reply = await http(user(), { method: 'POST', path, body: document })
    if (![201, 409].includes(reply.status)) throw new Error(`${document.kind} ${reply.status}: ${reply.text}`)
  }
  const { status } = await json<{ status: { token: string } }>(user(), {
    method: 'POST',
    path: '/api/v1/namespaces/isthmus-system/serviceaccounts/isthmus-agent/token',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
  })
  const certificate = Buffer.from(user().ca ?? caOf(world.userClusters[0]!)).toString('base64')
  const file = join(world.dir, 'service-account.kubeconfig')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'a',
    clusters: [{ name: 'a', cluster: { server: user().server, 'certificate-authority-data': certificate } }],
    users: [{ name: 'a', user: { token: status.token } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
  }
  writeFileSync(file, stringify(config), { mode: 0o600 })
  return file
}

t.test(
  'as a ServiceAccount with deploy/agent.yaml’s rights the agent carries a pod with its objects',
  async (t) => {
    const kubeconfig = await install()
    const node = await world.addNode('account', NODE)
    await world.startAgent(node, world.userClusters[0]!, { args: ['--kubeconfig', kubeconfig] })
    await untilNodeReady(world.userClusters[0]!, NODE)
    await create(user(), 'default', 'secrets', {
      metadata: { name: 'account-secret' },
      stringData: { word: 'plover' },
    })
    const container = {
      env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 'account-secret', key: 'word' } } }],
    }
    await create(
      user(),
      'default',
      'pods',
      podFor(world, NODE, 'account', { script: `echo $WORD; ${STAY}`, container }),
    )
    await untilPod(user(), 'default', 'account', 'is Ready', isReady, 60_000)
    const log = await http(user(), { path: '/api/v1/namespaces/default/pods/account/log' })
    t.equal(log.text, 'plover\n')
    await removePod(user(), 'default', 'account')
  },
)

t.test(
  'those rights reach no Secret, ConfigMap or token where nobody bound them, and no other node',
  async (t) => {
    const may = async (resourceAttributes: object): Promise<boolean> => {
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user: AGENT, groups: ['system:serviceaccounts', 'system:authenticated'], resourceAttributes },
      }
      const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
      const { status } = await json<{ status: { allowed: boolean } }>(user(), { method: 'POST', path, body })
      return status.allowed
    }
    t.ok(await may({ verb: 'watch', resource: 'secrets', namespace: 'default' }), 'bound by the manifest')
    for (const resource of ['secrets', 'configmaps']) {
      for (const verb of ['get', 'list', 'watch', 'create', 'update', 'delete']) {
        t.notOk(await may({ verb, resource, namespace: 'elsewhere' }), `${verb} ${resource} elsewhere`)
        t.notOk(await may({ verb, resource }), `${verb} ${resource} of all namespaces`)
      }
    }
    t.notOk(
      await may({
        verb: 'create',
        resource: 'serviceaccounts',
        subresource: 'token',
        namespace: 'elsewhere',
      }),
    )
    t.notOk(await may({ verb: 'patch', resource: 'nodes', name: 'another' }))
    t.notOk(await may({ verb: 'delete', resource: 'nodes', name: NODE }))
    t.notOk(await may({ verb: 'create', resource: 'pods', namespace: 'default' }))
    t.notOk(await may({ verb: 'create', resource: 'pods', subresource: 'exec', namespace: 'default' }))
    t.notOk(
      await may({
        verb: 'update',
        group: 'coordination.k8s.io',
        resource: 'leases',
        namespace: 'kube-node-lease',
        name: 'another',
      }),
    )
  },
)
