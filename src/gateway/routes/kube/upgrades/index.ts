import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { IsthmusError, isIsthmusError, toIsthmusError, toStatus } from '../../../../protocol/errors/index.ts'
import {
  guardUpgradeSocket,
  parseBearerSubprotocol,
  refuseUpgrade,
  StreamError,
} from '../../../../protocol/streams/index.ts'
import { pods } from '../../../kubernetes/resources.ts'
import type { SessionTarget } from '../../../sessions/index.ts'
import type { ClientLeg } from '../../../streams/index.ts'
import type { Principal } from '../../../tokens/principal.ts'
import { authenticate } from '../authenticate.ts'
import { authorise } from '../authorise.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { readLogQuery } from '../pods/log-query.ts'
import { serveStream } from './serve.ts'
import { checkStreams, readStreamTarget } from './target.ts'

const PLACE = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/(exec|attach|portforward)$/
const SESSION = /^\/v1\/sessions\/([^/]+)\/stream$/

/**
 * The listener for the server's `upgrade` event: exec, attach and port-forward of the Kubernetes face (GET for
 * WebSocket, GET or POST for SPDY), and the streams of sessions. Authenticates before anything else; whatever else
 * asks for an upgrade is refused. Never throws and never rejects.
 */
export function createUpgradeHandler(
  deps: KubernetesFaceDeps,
): (req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void> {
  return async (req, socket, head) => {
    guardUpgradeSocket(socket)
    const leg: ClientLeg = { req, socket, head }
    const requestId = randomUUID()
    try {
      checkOrigin(req)
      const [path = '', search = ''] = (req.url ?? '').split('?')
      const { method, headers } = req
      deps.logger.debug({ requestId, method, path, protocol: headers.upgrade }, 'upgrade')
      const session = SESSION.exec(path)
      if (session !== null) await serveTicket(leg, decode(session[1]), requestId, deps)
      else await serveDirect(leg, path, new URLSearchParams(search), requestId, deps)
    } catch (error) {
      if (error instanceof StreamError) {
        // `refused` is answered already; the others ended a stream that was open.
        if (error.end !== 'refused') socket.destroy()
        return
      }
      const known = toIsthmusError(error)
      if (known.status >= 500) deps.logger.warn({ err: error, requestId }, 'a stream could not be opened')
      const retry = known.details.retryAfterSeconds
      refuseUpgrade(
        socket,
        known.status,
        toStatus(known),
        retry === undefined ? {} : { 'Retry-After': String(retry) },
      )
    }
  }
}

async function serveDirect(
  leg: ClientLeg,
  path: string,
  query: URLSearchParams,
  requestId: string,
  deps: KubernetesFaceDeps,
): Promise<void> {
  const principal = await authenticate(deps.tokens, leg.req.headers)
  const place = PLACE.exec(path)
  if (place === null) throw new IsthmusError('not_found', 'the server could not find the requested resource')
  const [namespace, pod] = [decode(place[1]), decode(place[2])]
  const verb = place[3] as 'exec' | 'attach' | 'portforward'
  let outcome = 'refused'
  try {
    // An upgrade is acting, whatever its method (k/k#78741).
    authorise(principal, { verb: 'create', resource: pods, subresource: verb, namespace, name: pod })
    const target = readStreamTarget({ verb, namespace, pod }, query)
    deps.limits.session(principal.nodeId)
    const open = (checked: typeof target) => deps.sessions.open(principal, checked)
    outcome = await serveStream({ principal, target, leg, requestId, open }, deps)
  } catch (error) {
    if (isIsthmusError(error) && !(error instanceof StreamError)) outcome = `${error.status} ${error.code}`
    throw error
  } finally {
    const { tenantId, nodeId } = principal
    const resource = `pods/${verb}`
    deps.audit.record({
      requestId,
      actor: `node:${nodeId}`,
      tenantId,
      nodeId,
      verb: 'create',
      resource,
      namespace,
      name: pod,
      outcome,
    })
  }
}

/** A session's stream: its single-use ticket says who, where and what. */
async function serveTicket(
  leg: ClientLeg,
  id: string,
  requestId: string,
  deps: KubernetesFaceDeps,
): Promise<void> {
  const { headers } = leg.req
  const fromHeader = /^Bearer (\S{1,8192})$/i.exec(headers.authorization ?? '')?.[1]
  const ticket = parseBearerSubprotocol(headers['sec-websocket-protocol']).token ?? fromHeader
  if (!ticket) throw new IsthmusError('unauthenticated', 'Unauthorized')
  const session = await deps.sessions.redeem(id, ticket)
  const { fullPrincipal: principal, target } = session
  let outcome = 'refused'
  try {
    checkTicketTarget(principal, target)
    outcome = await serveStream({ principal, target, leg, requestId, open: async () => session }, deps)
  } finally {
    await session.end(outcome)
    const { tenantId, nodeId } = principal
    const { namespace, pod: name, verb } = target
    deps.audit.record({
      requestId,
      actor: `node:${nodeId}`,
      tenantId,
      nodeId,
      verb: 'create',
      resource: `pods/${verb}`,
      namespace,
      name,
      outcome,
    })
  }
}

/** What a ticket was made for is checked again where it is used: nothing else stands before the data plane. */
function checkTicketTarget(principal: Principal, target: SessionTarget): void {
  const { verb, namespace, pod: name, logOptions } = target
  if (verb === 'log') {
    readLogQuery(new URLSearchParams(logOptions))
    return
  }
  authorise(principal, { verb: 'create', resource: pods, subresource: verb, namespace, name })
  if (verb !== 'portforward') checkStreams(target)
  if (verb === 'exec' && !target.command?.length)
    throw new IsthmusError('bad_request', 'you must specify a command')
}

/** No cookie is ever read, so that a foreign page has no credential to ride on; it is refused all the same (C10). */
function checkOrigin(req: IncomingMessage): void {
  const { origin, host } = req.headers
  if (origin === undefined) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new IsthmusError('forbidden', 'the Origin is not this server')
}

/** One path segment; what does not decode names nothing. */
function decode(segment: string | undefined): string {
  try {
    return decodeURIComponent(segment ?? '')
  } catch {
    return ''
  }
}
