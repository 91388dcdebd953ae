import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { formatAmount } from '../../../kube/quantity.ts'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import { AGENT_PROTOCOL_VERSIONS, Self } from '../../../protocol/schemas/agent.ts'
import { bearerOf } from '../../plugins/bearer.ts'
import { operation } from '../../plugins/schema-types.ts'
import type { Principal } from '../../tokens/principal.ts'
import type { AgentFaceDeps } from './deps.ts'
import { principalOf } from './principal.ts'

const Query = Type.Object(
  { wait: Type.Optional(Type.Integer({ minimum: 0, maximum: 60 })) },
  { additionalProperties: false },
)

/**
 * The ledger does not tell of its changes (no NOTIFY in its transactions): a waiting `/v1/self` looks so often. What is
 * in the directory (suspension, capacity, maintenance, limits by the tenant's revision) wakes it at once.
 */
const LOOK_MS = 2_000

/** `GET /v1/self`: who am I, what may I use; with `If-None-Match` and `wait` it is held back until that differs. */
export function registerSelf(app: FastifyInstance, deps: AgentFaceDeps): void {
  const { clock } = deps
  app.get<{ Querystring: { wait?: number } }>(
    '/v1/self',
    {
      schema: operation({
        operationId: 'getSelf',
        summary: 'Who the caller is and what its node may use; long-polls with `wait` and `If-None-Match`',
        tags: ['agent'],
        querystring: Query,
        response: { 200: Self, 304: Type.Null() },
      }),
    },
    async (request, reply) => {
      const principal = principalOf(request)
      const known = request.headers['if-none-match']
      const free = request.query.wait ? deps.limits.selfPoll(principal.credentialId) : undefined
      const until = clock.now() + (request.query.wait ?? 0) * 1000
      const gone = new AbortController()
      request.raw.once('close', () => gone.abort(new Error('the client has gone')))
      let wake = new AbortController()
      const rouse = () => wake.abort(new Error('something changed'))
      const unlisten = [
        deps.directory.onCutOff(rouse),
        deps.upstreams.onHealth(rouse),
        ...(['tenant', 'node', 'cluster'] as const).map((kind) => deps.directory.onChange(kind, rouse)),
      ]
      try {
        for (;;) {
          const self = await readSelf(deps, principal)
          const etag = `"${createHash('sha256').update(JSON.stringify(self)).digest('base64url').slice(0, 22)}"`
          const left = until - clock.now()
          if (etag !== known || left <= 0 || gone.signal.aborted) {
            reply.header('etag', etag).header('cache-control', 'no-store')
            return etag === known ? reply.code(304).send() : reply.send(self)
          }
          wake = new AbortController()
          const signal = AbortSignal.any([wake.signal, gone.signal])
          // Woken or gone: both are looked at above.
          await clock.sleep(Math.min(LOOK_MS, left), signal).catch(() => {})
          // Who was revoked or suspended meanwhile is told so now.
          await deps.tokens.verify(bearerOf(request))
        }
      } finally {
        for (const stop of unlisten) stop()
        free?.()
      }
    },
  )
}

async function readSelf(deps: AgentFaceDeps, principal: Principal): Promise<Self> {
  const { directory, upstreams } = deps
  const tenant = directory.tenant(principal.tenantId)
  const node = directory.node(principal.nodeId)
  const cluster = directory.cluster(principal.clusterId)
  if (!tenant || !node || !cluster) throw new IsthmusError('unauthenticated', 'Unauthorized')
  const [rows, holder] = await Promise.all([
    deps.quota.ofNode(tenant.id, node.id),
    deps.leases.holder(tenant.id, node.id),
  ])
  const health = upstreams.health(cluster.id)
  const [operatingSystem, architecture] = health.platform.split('/')
  return {
    protocolVersions: [...AGENT_PROTOCOL_VERSIONS],
    tenant: { id: tenant.id, name: tenant.name, suspended: tenant.suspended },
    node: { id: node.id, name: node.name, capacity: node.capacity ?? {} },
    cluster: {
      network: cluster.network,
      maintenance: cluster.maintenance,
      reachable: health.reachable,
      kubernetesVersion: health.kubernetesVersion || undefined,
      operatingSystem: operatingSystem || undefined,
      architecture: architecture || undefined,
    },
    quota: rows.map((row) => ({
      scope: row.ownerKind,
      resource: row.resource,
      hard: row.hard === 'unlimited' ? 'unlimited' : formatAmount(row.resource, row.hard ?? 0n),
      used: formatAmount(row.resource, row.used + row.reserved),
    })),
    // Without the expiry, which every renewal moves: the long poll would never rest.
    writer: { epoch: node.writerEpoch, instance: holder?.instance },
  }
}
