import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import {
  WriterLease,
  type WriterLeaseRenewal,
  WriterLeaseRenewal as WriterLeaseRenewalSchema,
  WriterLeaseRequest,
} from '../../../protocol/schemas/agent.ts'
import { WRITER_LEASE_SECONDS, type WriterLeaseState } from '../../nodes/index.ts'
import { operation } from '../../plugins/schema-types.ts'
import type { AgentFaceDeps } from './deps.ts'
import { principalOf, requireAgent } from './principal.ts'

const URL = '/v1/writer-lease'
const tags = ['agent']

const show = (state: WriterLeaseState): WriterLease => ({
  instance: state.instance,
  epoch: state.epoch,
  durationSeconds: WRITER_LEASE_SECONDS,
  expiresAt: new Date(state.expiresAtMs).toISOString(),
})

const ReleaseQuery = Type.Object(
  { instance: Type.String({ minLength: 1, maxLength: 253 }), epoch: Type.Integer({ minimum: 1 }) },
  { additionalProperties: false },
)

/** The writer's lease of a virtual node: which replica of its agent writes. */
export function registerWriterLease(app: FastifyInstance, deps: AgentFaceDeps): void {
  app.post<{ Body: WriterLeaseRequest }>(
    URL,
    {
      schema: operation({
        operationId: 'acquireWriterLease',
        summary: 'Take the writer lease of the caller’s node; 409 while another instance holds it',
        tags,
        body: WriterLeaseRequest,
        response: { 200: WriterLease },
      }),
    },
    async (request) => {
      const principal = principalOf(request)
      requireAgent(principal)
      const before = deps.directory.node(principal.nodeId)?.writerEpoch
      const lease = await deps.leases.acquire(principal, request.body.instance)
      // This replica knows the new epoch before its first write comes; the others follow within a second.
      if (before !== lease.epoch) await deps.directory.refresh()
      return show(lease)
    },
  )

  app.put<{ Body: WriterLeaseRenewal }>(
    URL,
    {
      schema: operation({
        operationId: 'renewWriterLease',
        summary: 'Renew the writer lease; 409 `stale_epoch` once another instance has taken over',
        tags,
        body: WriterLeaseRenewalSchema,
        response: { 200: WriterLease },
      }),
    },
    async (request) => {
      const principal = principalOf(request)
      requireAgent(principal)
      return show(await deps.leases.renew(principal, request.body.instance, request.body.epoch))
    },
  )

  app.delete<{ Querystring: { instance: string; epoch: number } }>(
    URL,
    {
      schema: operation({
        operationId: 'releaseWriterLease',
        summary: 'Give the writer lease back; idempotent',
        tags,
        querystring: ReleaseQuery,
        response: { 204: Type.Null() },
      }),
    },
    async (request, reply) => {
      const principal = principalOf(request)
      requireAgent(principal)
      await deps.leases.release(principal, request.query.instance, request.query.epoch)
      return reply.code(204).send()
    },
  )
}
