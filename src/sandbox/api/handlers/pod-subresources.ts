import type { V1Pod } from '@kubernetes/client-node'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { KubeObject } from '../../store/index.ts'
import { toTime } from '../../store/objects.ts'
import { asObject } from '../body.ts'
import type { ApiCall, ApiContext, ApiResult } from '../context.ts'
import { invalidError, refusal } from '../errors.ts'
import { decodeCallBody } from './decode.ts'
import { keyOf, readObject } from './read.ts'
import { admit, perform } from './write.ts'

const BINDING = { group: '', version: 'v1', kind: 'Binding' } as const
const EVICTION = { group: 'policy', version: 'v1', kind: 'Eviction' } as const
const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }

/** POST to `binding`: what a scheduler does. */
export function bindPod(context: ApiContext, call: ApiCall): ApiResult {
  const body = asObject(decodeCallBody(call, BINDING), BINDING)
  if (body.metadata.name !== call.info.name) {
    throw new IsthmusError('bad_request', 'name in URL does not match name in Binding object')
  }
  const target = body['target'] as { kind?: string; name?: string } | undefined
  if (!target?.name || (target.kind && target.kind !== 'Node')) {
    const fault = { field: 'target.name', reason: 'FieldValueRequired', message: 'Required value' }
    throw invalidError({ kind: 'Binding', group: '' }, call.info.name, [fault])
  }
  const node = target.name
  const pod = readObject(context, call) as unknown as V1Pod
  const refuse = (why: string) =>
    new IsthmusError('conflict', `Operation cannot be fulfilled on pods/binding "${call.info.name}": ${why}`)
  if (pod.metadata?.deletionTimestamp)
    throw refuse(`pod ${call.info.name} is being deleted, cannot be assigned to a host`)
  if (pod.spec?.nodeName)
    throw refuse(`pod ${call.info.name} is already assigned to node "${pod.spec.nodeName}"`)
  if (pod.spec?.schedulingGates?.length)
    throw refuse(`pod ${call.info.name} has non-empty .spec.schedulingGates`)
  const uid = body.metadata.uid
  if (uid && uid !== pod.metadata?.uid) throw refuse(`the UID in the binding does not match the pod`)
  admit(context, call, 'CREATE', 'validate', body)
  perform(context, call, () =>
    context.store.mutate<V1Pod>('pods', keyOf(call), (next) => applyBinding(next, node, context.clock.now())),
  )
  return { status: 201, body: success }
}

/** Puts a pod on a node: `spec.nodeName` and the condition PodScheduled. */
export function applyBinding(pod: V1Pod, node: string, nowMs: number): void {
  pod.spec!.nodeName = node
  const time = toTime(nowMs) as unknown as Date
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
  const condition = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: time }
  pod.status = {
    ...pod.status,
    conditions: [...others, condition] as NonNullable<V1Pod['status']>['conditions'],
  }
}

/** POST to `eviction`: a DELETE (the sandbox has no disruption budgets). */
export function evictPod(context: ApiContext, call: ApiCall): ApiResult {
  const body = asObject(decodeCallBody(call, EVICTION), EVICTION)
  if (body.metadata.name && body.metadata.name !== call.info.name) {
    throw new IsthmusError('bad_request', 'name in URL does not match name in Eviction object')
  }
  const options = (body['deleteOptions'] ?? {}) as {
    gracePeriodSeconds?: number
    preconditions?: { uid?: string; resourceVersion?: string }
    dryRun?: string[]
  }
  if (options.dryRun?.includes('All')) call.dryRun = true
  const current = readObject(context, call)
  admit(context, call, 'CREATE', 'validate', body, current)
  const { gracePeriodSeconds, preconditions } = options
  perform(context, call, () =>
    context.store.delete('pods', keyOf(call), { gracePeriodSeconds, ...preconditions }),
  )
  return { status: 201, body: { ...success, code: 201 } }
}

/** What an update through `ephemeralcontainers` or `resize` may change. */
export function checkSubresourceChange(call: ApiCall, next: KubeObject, current: KubeObject): KubeObject {
  const merged = structuredClone(current) as unknown as V1Pod
  const wanted = next as unknown as V1Pod
  const fault = (field: string, why: string) =>
    invalidError(call.definition, call.info.name, [
      { field, reason: 'FieldValueForbidden', message: `Forbidden: ${why}` },
    ])
  if (call.info.subresource === 'ephemeralcontainers') {
    const before = merged.spec?.ephemeralContainers ?? []
    const after = wanted.spec?.ephemeralContainers ?? []
    for (const container of before) {
      if (!after.some(({ name }) => name === container.name)) {
        throw fault(
          'spec.ephemeralContainers',
          `existing ephemeral containers "${container.name}" may not be removed`,
        )
      }
    }
    merged.spec!.ephemeralContainers = structuredClone(after)
    return merged as unknown as KubeObject
  }
  if (merged.status?.phase === 'Succeeded' || merged.status?.phase === 'Failed') {
    throw refusal('pods', '', call.info.name, 'pod is terminal and can not be resized')
  }
  const groups = ['containers', 'initContainers'] as const
  for (const group of groups) {
    for (const container of merged.spec?.[group] ?? []) {
      const other = wanted.spec?.[group]?.find(({ name }) => name === container.name)
      if (!other) throw fault(`spec.${group}`, 'pod resize may not add or remove containers')
      container.resources = structuredClone(other.resources)
      if (other.resizePolicy) container.resizePolicy = structuredClone(other.resizePolicy)
    }
  }
  return merged as unknown as KubeObject
}
