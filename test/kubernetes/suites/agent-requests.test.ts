import { readFileSync } from 'node:fs'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'
import { http } from '../../support/world/http.ts'
import {
  create,
  isReady,
  podFor,
  removePod,
  STAY,
  untilNodeReady,
  untilPod,
} from '../../support/world/workloads.ts'
import { openWorld, type World } from '../../support/world/world.ts'
import { openKubernetesWorld } from '../harness/world.ts'

const NODE = 'audited'
const NAMESPACE = 'default'

/** Every request that the agent may send as a node, and the answers that are part of an ordinary day. */
const ALLOWED: Record<string, readonly number[]> = {
  'get nodes': [200, 404],
  'create nodes': [201],
  'patch nodes': [200],
  'patch nodes/status': [200],
  'get leases': [200, 404],
  'create leases': [201],
  'update leases': [200, 409],
  'list pods': [200],
  'watch pods': [200],
  'patch pods/status': [200],
  'delete pods': [200],
  // 403 for a moment after a binding: the authorizer's graph is fed by informers (rule 32).
  'list secrets': [200, 403],
  'watch secrets': [200, 403],
  'list configmaps': [200, 403],
  'watch configmaps': [200, 403],
  'create serviceaccounts/token': [201, 403],
  'list services': [200],
  'watch services': [200],
  'create events': [201, 409],
  'patch events': [200],
  'create tokenreviews': [201],
  'create subjectaccessreviews': [201],
  // Asked for once: a node may not read it, and the agent does without.
  'get configmaps': [403],
}

interface AuditEvent {
  verb: string
  requestURI: string
  user?: { username?: string }
  objectRef?: { resource?: string; subresource?: string; namespace?: string }
  responseStatus?: { code?: number }
}

let world: World
t.before(async () => {
  world = await openWorld()
})
t.teardown(() => world?.close())

const handle = () => openKubernetesWorld().users[0]!

function requestsOfAgent(): AuditEvent[] {
  return readFileSync(handle().auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`system:node:${NODE}`))
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ user }) => user?.username === `system:node:${NODE}`)
}

t.test(
  'with a node’s certificate and NodeRestriction the agent sends only what a node may, by name and by node',
  async (t) => {
    const node = await world.addNode('audited', NODE)
    const cluster = world.userClusters[0]!
    const agent = await world.startAgent(node, cluster)
    await untilNodeReady(cluster, NODE)
    const user = cluster.admin
    await create(user, NAMESPACE, 'secrets', { metadata: { name: 'audited' }, stringData: { word: 'plugh' } })
    const container = {
      env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 'audited', key: 'word' } } }],
    }
    await create(
      user,
      NAMESPACE,
      'pods',
      podFor(world, NODE, 'audited', { script: `echo $WORD; ${STAY}`, container }),
    )
    await untilPod(user, NAMESPACE, 'audited', 'is Ready', isReady, 60_000)
    await eventually('its log', async () => {
      const log = await http(user, { path: `/api/v1/namespaces/${NAMESPACE}/pods/audited/log` })
      return log.text === 'plugh\n'
    })
    await removePod(user, NAMESPACE, 'audited')
    await agent.stop()

    const sent = requestsOfAgent()
    t.ok(sent.length > 20, 'the audit log has them')
    for (const { verb, objectRef, responseStatus, requestURI } of sent) {
      const { resource, subresource } = objectRef ?? {}
      const what = `${verb} ${resource}${subresource ? `/${subresource}` : ''}`
      const answers = ALLOWED[what]
      if (!answers?.includes(responseStatus?.code ?? 0))
        t.fail(`${what} was answered ${responseStatus?.code}: ${requestURI}`)
      const query = new URL(requestURI, 'https://x').searchParams.get('fieldSelector') ?? ''
      if (['secrets', 'configmaps'].includes(resource ?? '') && verb !== 'get')
        t.match(query, /^metadata\.name=[^,]+$/, requestURI)
      if (resource === 'pods' && ['list', 'watch'].includes(verb))
        t.match(query, `spec.nodeName=${NODE}`, requestURI)
    }
    const patches = sent.filter(({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'pods')
    t.ok(patches.length <= 8, `few status writes for one pod's life: ${patches.length}`)
  },
)
