import type { FastifyReply, FastifyRequest } from 'fastify'
import { IsthmusError, isIsthmusError, toIsthmusError } from '../../../protocol/errors/index.ts'
import { WRITER_EPOCH_HEADER } from '../../../protocol/schemas/agent.ts'
import { negotiate, type OutputForm } from '../../kubernetes/accept.ts'
import type { Principal } from '../../tokens/principal.ts'
import { authenticate } from './authenticate.ts'
import { authorise, checkWriterEpoch } from './authorise.ts'
import type { KubeCall } from './call.ts'
import type { CutOffs } from './cut-offs.ts'
import type { KubernetesFaceDeps } from './deps.ts'
import { makeView } from './make-view.ts'
import type { Operation } from './operations.ts'
import type { Target } from './routes.ts'
import { warningHeaders } from './warnings.ts'

export interface Run {
  request: FastifyRequest
  reply: FastifyReply
  deps: KubernetesFaceDeps
  cutOffs: CutOffs
  operation: Operation
  target: Target
}

/** Reads go into the audit log only where they open something; changes always do. */
const quiet: ReadonlySet<string> = new Set(['get', 'list', 'watch'])

/** One request from the principal to the reply: parse, authorise, act, audit. */
export async function runOperation(run: Run): Promise<FastifyReply> {
  const { request, reply, deps, cutOffs, operation, target } = run
  const principal = request.principal
  if (principal === null) throw new IsthmusError('unauthenticated', 'Unauthorized')
  const cutOff = cutOffs.track(principal)
  const gone = new AbortController()
  const onClose = () => gone.abort(new IsthmusError('unavailable', 'the client has gone'))
  reply.raw.once('close', onClose)
  let call: KubeCall | undefined
  let outcome = 'started'
  try {
    // A body may be sent for a minute: whoever was cut off meanwhile, before there was anything to cut, is told now.
    if (Buffer.isBuffer(request.body)) await authenticate(deps.tokens, request.headers)
    // A watch has no end of its own that a shutdown could wait for.
    const drained = target.verb === 'watch' ? [deps.sessions.draining] : []
    call = makeCall(run, principal, AbortSignal.any([cutOff.signal, gone.signal, ...drained]))
    for (const signal of drained) signal.throwIfAborted()
    authorise(principal, { ...target, namespace: call.namespace, name: call.name })
    await checkWriterEpoch(deps.directory, principal, target, request.headers[WRITER_EPOCH_HEADER])
    const answer = await operation(call, deps, reply)
    outcome = String(answer?.status ?? reply.raw.statusCode)
    if (answer === undefined) return reply
    if (call.warnings.length > 0) reply.header('warning', warningHeaders(call.warnings))
    return await reply
      .code(answer.status)
      .header('cache-control', 'no-cache, private')
      .header('content-type', 'application/json')
      .serializer((body: unknown) => JSON.stringify(body))
      .send(answer.body)
  } catch (error) {
    outcome = isIsthmusError(error) ? `${error.status} ${error.code}` : '500 internal'
    if (!reply.raw.headersSent) throw toIsthmusError(error)
    deps.logger.warn({ err: error, requestId: request.id }, 'a stream broke')
    reply.raw.destroy()
    return reply
  } finally {
    cutOff.done()
    reply.raw.off('close', onClose)
    if (call !== undefined && !quiet.has(target.verb)) audit(deps, call, outcome)
  }
}

function makeCall({ request, deps, target }: Run, principal: Principal, signal: AbortSignal): KubeCall {
  const params = request.params as { namespace?: string; name?: string }
  return {
    principal,
    view: makeView(principal, deps),
    client: deps.upstreams.client(principal.clusterId),
    resource: target.resource,
    subresource: target.subresource,
    verb: target.verb,
    namespace: params.namespace,
    name: params.name,
    query: new URLSearchParams(request.url.split('?')[1] ?? ''),
    form: formOf(request, target),
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    contentType: request.headers['content-type'],
    userAgent: request.headers['user-agent'],
    requestId: request.id,
    signal,
    nowMs: deps.clock.now(),
    warnings: [],
  }
}

/** The form of the answer, with `includeObject` for tables. A log is no JSON and takes any Accept. */
function formOf(request: FastifyRequest, target: Target): OutputForm {
  if (target.subresource === 'log') return { as: 'object' }
  const form = negotiate(request.headers.accept)
  if (form.as !== 'table') return form
  const include = new URLSearchParams(request.url.split('?')[1] ?? '').get('includeObject')
  if (include === null || include === '' || include === 'Metadata') return form
  if (include === 'None' || include === 'Object') return { as: 'table', includeObject: include }
  throw new IsthmusError(
    'bad_request',
    'includeObject: Unsupported value: supported values: "Metadata", "None", "Object"',
  )
}

function audit(deps: KubernetesFaceDeps, call: KubeCall, outcome: string): void {
  const { principal, resource, subresource } = call
  deps.audit.record({
    requestId: call.requestId,
    actor: `node:${principal.nodeId}`,
    tenantId: principal.tenantId,
    nodeId: principal.nodeId,
    verb: call.verb,
    resource: subresource === undefined ? resource.name : `${resource.name}/${subresource}`,
    namespace: call.namespace,
    name: call.name,
    outcome,
  })
}
