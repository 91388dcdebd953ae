import { isDnsSubdomain } from '../../../../kube/names.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { PORT_FORWARD_TUNNEL_PROTOCOL } from '../../../../protocol/streams/index.ts'
import type { Pod } from '../../../kubernetes/objects.ts'
import { redactText } from '../../../kubernetes/redact.ts'
import { pods } from '../../../kubernetes/resources.ts'
import { errorForTenant, objectNotFound } from '../../../kubernetes/upstream-errors.ts'
import type { OpenSession, SessionTarget } from '../../../sessions/index.ts'
import { type ClientLeg, pumpCommand, pumpLog, pumpPortForward } from '../../../streams/index.ts'
import type { Principal } from '../../../tokens/principal.ts'
import { type KubeCall, subjectOf } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { makeView } from '../make-view.ts'
import { readOwn } from '../objects/get.ts'
import { chooseContainer } from '../pods/choose-container.ts'
import { openLog } from '../pods/log.ts'
import { findNamespace } from '../tenant-namespace.ts'

export interface StreamRequest {
  principal: Principal
  target: SessionTarget
  leg: ClientLeg
  requestId: string
  /** Registers the session once it is known that the pod and container are the tenant's. */
  open(target: SessionTarget): Promise<OpenSession>
}

/**
 * Serves one stream from its checked target to its end: namespace, pod, container, session, and then bytes.
 * What is wrong before the upgrade is thrown, so that it can be answered as an HTTP error.
 */
export async function serveStream(request: StreamRequest, deps: KubernetesFaceDeps): Promise<string> {
  const { principal, target } = request
  const call = streamCall(request, deps)
  if (!isDnsSubdomain(target.pod)) throw objectNotFound(pods, target.pod)
  const namespace = await findNamespace(deps.directory, principal.nodeId, target.namespace)
  if (namespace === undefined) throw objectNotFound(pods, target.pod)
  const pod = (await readOwn(call, namespace, target.pod)) as Pod
  const container = target.verb === 'portforward' ? undefined : chooseContainer(pod, target.container)
  const session = await request.open({ ...target, container })
  let outcome = 'refused'
  try {
    outcome = await pump(
      { ...call, signal: session.signal },
      request,
      session,
      namespace.physicalName,
      container,
    )
  } finally {
    await session.end(outcome)
  }
  return outcome
}

async function pump(
  call: KubeCall,
  { leg, target }: StreamRequest,
  session: OpenSession,
  physicalName: string,
  container: string | undefined,
): Promise<string> {
  const dial = async (protocols: readonly string[], query: Record<string, string | string[]>) => {
    try {
      return await call.client.upgrade({
        path: ['api', 'v1', 'namespaces', physicalName, 'pods', target.pod, target.verb],
        query,
        protocols,
        signal: session.signal,
      })
    } catch (error) {
      throw errorForTenant(call.view, error, subjectOf(call, target.pod))
    }
  }
  if (target.verb === 'portforward') {
    return pumpPortForward({ leg, session, dial: () => dial([PORT_FORWARD_TUNNEL_PROTOCOL], {}) })
  }
  if (target.verb === 'log') {
    const query = { ...target.logOptions, container: container ?? '' }
    return pumpLog({
      leg,
      session,
      open: async () => (await openLog(call, physicalName, target.pod, query)).body,
    })
  }
  const { stdin = false, stdout = false, stderr = false, tty = false, command } = target
  const streams = { stdin, stdout, stderr: stderr && !tty, tty }
  const query = {
    ...(command === undefined ? {} : { command }),
    container: container ?? '',
    ...Object.fromEntries(Object.entries(streams).map(([name, on]) => [name, String(on)])),
  }
  return pumpCommand({
    leg,
    session,
    streams,
    dial: () => dial(['v5.channel.k8s.io', 'v4.channel.k8s.io'], query),
    clean: (text) => redactText(call.view, text, 'stream.status'),
  })
}

function streamCall(
  { principal, target, requestId, leg }: StreamRequest,
  deps: KubernetesFaceDeps,
): KubeCall {
  if (principal.clusterId === '') throw new IsthmusError('unauthenticated', 'Unauthorized')
  return {
    principal,
    view: makeView(principal, deps),
    client: deps.upstreams.client(principal.clusterId),
    resource: pods,
    subresource: target.verb,
    verb: 'create',
    namespace: target.namespace,
    name: target.pod,
    query: new URLSearchParams(),
    form: { as: 'object' },
    body: Buffer.alloc(0),
    contentType: undefined,
    userAgent: leg.req.headers['user-agent'],
    requestId,
    signal: new AbortController().signal,
    nowMs: deps.clock.now(),
    warnings: [],
  }
}
