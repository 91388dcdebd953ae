import { IsthmusError } from '../../../protocol/errors/index.ts'
import { decodeKubernetesBody } from '../../../protocol/protobuf/index.ts'
import { isRecord } from '../../kubernetes/objects.ts'
import type { KubeCall } from './call.ts'
import { flag, integer, isDryRun, single } from './query.ts'

/** metav1.DeleteOptions as they go upstream. */
export interface DeleteOptions {
  kind: 'DeleteOptions'
  apiVersion: 'v1'
  gracePeriodSeconds?: number
  preconditions?: { uid?: string; resourceVersion?: string }
  propagationPolicy?: string
  dryRun?: string[]
}

const policies = new Set(['Orphan', 'Background', 'Foreground'])

/**
 * Options of a delete from its body or, without one, from the query.
 * Grace 0 goes on as 1: at 0 the object vanishes and its quota is released while containers still run
 * (agent-rules.md 37). `orphanDependents` is the older word for a propagation policy.
 */
export function readDeleteOptions(call: KubeCall): DeleteOptions {
  const body = call.body.length === 0 ? undefined : readBody(call)
  const options = body === undefined ? fromQuery(call) : fromBody(body)
  if (isDryRun(call.query)) options.dryRun = ['All']
  if (options.gracePeriodSeconds === 0) options.gracePeriodSeconds = 1
  return options
}

function readBody(call: KubeCall): Record<string, unknown> {
  const value = decodeKubernetesBody(call.contentType, call.body, 'v1/DeleteOptions')
  if (value.kind !== undefined && value.kind !== 'DeleteOptions') {
    throw new IsthmusError('bad_request', 'the body of a DELETE must be DeleteOptions')
  }
  return value
}

function fromBody(body: Record<string, unknown>): DeleteOptions {
  const options: DeleteOptions = { kind: 'DeleteOptions', apiVersion: 'v1' }
  const grace = body.gracePeriodSeconds
  if (grace !== undefined && grace !== null) options.gracePeriodSeconds = checkGrace(Number(grace))
  if (isRecord(body.preconditions)) {
    const { uid, resourceVersion } = body.preconditions
    options.preconditions = {
      ...(typeof uid === 'string' ? { uid } : {}),
      ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
    }
  }
  setPolicy(options, body.propagationPolicy, body.orphanDependents)
  if (Array.isArray(body.dryRun) && body.dryRun.length > 0) {
    if (body.dryRun.some((value) => value !== 'All'))
      throw new IsthmusError('bad_request', 'dryRun: Unsupported value')
    options.dryRun = ['All']
  }
  return options
}

function fromQuery(call: KubeCall): DeleteOptions {
  const options: DeleteOptions = { kind: 'DeleteOptions', apiVersion: 'v1' }
  const grace = integer(call.query, 'gracePeriodSeconds')
  if (grace !== undefined) options.gracePeriodSeconds = checkGrace(grace)
  const orphan = call.query.has('orphanDependents') ? flag(call.query, 'orphanDependents') : undefined
  setPolicy(options, single(call.query, 'propagationPolicy'), orphan)
  return options
}

function setPolicy(options: DeleteOptions, policy: unknown, orphan: unknown): void {
  if (policy !== undefined && policy !== null) {
    if (typeof policy !== 'string' || !policies.has(policy)) {
      throw new IsthmusError(
        'bad_request',
        'propagationPolicy: Unsupported value: supported values: "Background", "Foreground", "Orphan"',
      )
    }
    options.propagationPolicy = policy
  } else if (typeof orphan === 'boolean') options.propagationPolicy = orphan ? 'Orphan' : 'Background'
}

function checkGrace(seconds: number): number {
  if (Number.isSafeInteger(seconds) && seconds >= 0 && seconds <= 31_536_000) return seconds
  throw new IsthmusError(
    'bad_request',
    'gracePeriodSeconds: Invalid value: must be an integer from 0 to 31536000',
  )
}
