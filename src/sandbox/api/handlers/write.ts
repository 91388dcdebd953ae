import { type FieldFault, IsthmusError } from '../../../protocol/errors/index.ts'
import { generatedName, type KubeObject, type NewKubeObject } from '../../store/index.ts'
import { deepEqual } from '../../store/objects.ts'
import { unenforcedValidations } from '../admission/confinement.ts'
import { asObject } from '../body.ts'
import type { AdmissionRequest, ApiCall, ApiContext, ApiResult } from '../context.ts'
import { invalidError } from '../errors.ts'
import { validateFields } from '../field-validation.ts'
import { invalid } from '../resources/faults.ts'
import { metadataFaults, nameFaults } from '../resources/metadata.ts'
import { decodeCallBody } from './decode.ts'
import { keyOf, readObject, renderObject } from './read.ts'

/** POST of a new object. */
export function createObject(context: ApiContext, call: ApiCall): ApiResult {
  const body = validateFields(call, asObject(decodeCallBody(call), call.definition))
  return { status: 201, body: renderObject(context, call, createFrom(context, call, body)) }
}

/** Creates the object of a body, by way of defaults, admission and validation. */
export function createFrom(context: ApiContext, call: ApiCall, body: NewKubeObject): KubeObject {
  const { definition, info } = call
  const input = definition.convert ? definition.convert.toStorage(body) : body
  const object = structuredClone(input)
  const { metadata } = object
  if (metadata.resourceVersion) {
    throw new IsthmusError('bad_request', 'resourceVersion should not be set on objects to be created')
  }
  setNamespace(call, object)
  if (info.name && metadata.name && metadata.name !== info.name) throw otherName(metadata.name, info.name)
  if (!metadata.name && metadata.generateName) metadata.name = generatedName(metadata.generateName)
  delete metadata.managedFields
  const { strategy } = definition
  strategy.defaults?.(object)
  admit(context, call, 'CREATE', 'mutate', object, undefined)
  strategy.defaults?.(object)
  if (strategy.prepareCreate) strategy.prepareCreate(object)
  else if (definition.hasStatus) delete object['status']
  const faults = [
    ...nameFaults(definition, metadata.name),
    ...metadataFaults(metadata),
    ...(strategy.validateCreate?.(object) ?? []),
  ]
  if (faults.length > 0) throw invalidError(definition, metadata.name ?? '', faults)
  admit(context, call, 'CREATE', 'validate', object, undefined)
  if (definition.kind === 'ValidatingAdmissionPolicy') {
    for (const expression of unenforcedValidations(object)) {
      call.warnings.push(`the sandbox does not evaluate CEL: without effect here: ${expression.slice(0, 80)}`)
    }
  }
  return perform(context, call, () => context.store.create<KubeObject>(definition.storage, object))
}

/** PUT of the main resource or of a subresource that shows the whole object (`status`, `resize`…). */
export function replaceObject(context: ApiContext, call: ApiCall): ApiResult {
  const body = validateFields(call, asObject(decodeCallBody(call), call.definition))
  const input = call.definition.convert ? call.definition.convert.toStorage(body) : body
  const next = updateWith(context, call, (current) => {
    const { uid } = input.metadata
    if (uid && uid !== current.metadata.uid) throw wrongUid(call, uid, current.metadata.uid)
    return input
  })
  return { status: 200, body: renderObject(context, call, next) }
}

/**
 * Reads the object, lets `change` make the next one of a clone, and writes what the path allows to change.
 * A `metadata.resourceVersion` in the result must be the current one.
 */
export function updateWith(
  context: ApiContext,
  call: ApiCall,
  change: (current: KubeObject) => NewKubeObject,
): KubeObject {
  const { definition, info } = call
  const current = readObject(context, call)
  const wanted = structuredClone(change(structuredClone(current)))
  setNamespace(call, wanted)
  wanted.metadata.name ??= info.name
  if (wanted.metadata.name !== info.name) throw otherName(wanted.metadata.name, info.name)
  delete wanted.metadata.managedFields
  const next = allowedChange(call, wanted, current)
  if (!info.subresource) definition.strategy.defaults?.(next)
  admit(context, call, 'UPDATE', 'mutate', next, current)
  const faults: FieldFault[] = [...metadataFaults(next.metadata), ...immutableMetadata(next, current)]
  if (!info.subresource)
    faults.push(...(definition.strategy.validateUpdate?.(next as KubeObject, current) ?? []))
  faults.push(...statusFaults(call, next, current))
  if (faults.length > 0) throw invalidError(definition, info.name, faults)
  admit(context, call, 'UPDATE', 'validate', next, current)
  next.metadata.resourceVersion = wanted.metadata.resourceVersion
  return perform(context, call, () =>
    context.store.update<KubeObject>(definition.storage, next as KubeObject),
  )
}

/** Stores, or does so on trial. */
export function perform<T>(context: ApiContext, call: ApiCall, write: () => T): T {
  return call.dryRun ? context.store.dryRun(write) : write()
}

/** What the path lets change: `status` its part and metadata's annotations and so on, the main resource all but status. */
function allowedChange(call: ApiCall, wanted: NewKubeObject, current: KubeObject): NewKubeObject {
  const { definition, info } = call
  if (info.subresource === 'status') {
    const { ownerReferences } = current.metadata
    const metadata = { ...wanted.metadata, ...(ownerReferences ? { ownerReferences } : {}) }
    return { ...structuredClone(current), metadata, status: wanted['status'] }
  }
  if (info.subresource === 'approval') {
    const { conditions } = (wanted['status'] ?? {}) as { conditions?: unknown }
    return { ...structuredClone(current), status: { ...(current['status'] as object), conditions } }
  }
  if (info.subresource === 'finalize') {
    return { ...structuredClone(current), spec: wanted['spec'] }
  }
  if (!definition.hasStatus) return wanted
  const status = current['status']
  const { status: _status, ...rest } = wanted
  // A namespace's finalizers are changed through `finalize` alone.
  const spec = definition.kind === 'Namespace' ? { spec: current['spec'] } : {}
  return {
    ...rest,
    ...spec,
    ...(status === undefined ? {} : { status: structuredClone(status) }),
  } as NewKubeObject
}

function immutableMetadata(next: NewKubeObject, current: KubeObject): FieldFault[] {
  const faults: FieldFault[] = []
  const { uid, creationTimestamp } = next.metadata
  if (uid && uid !== current.metadata.uid) faults.push(invalid('metadata.uid', uid, 'field is immutable'))
  if (creationTimestamp && creationTimestamp !== current.metadata.creationTimestamp) {
    faults.push(invalid('metadata.creationTimestamp', creationTimestamp, 'field is immutable'))
  }
  const added = (next.metadata.finalizers ?? []).filter(
    (each) => !current.metadata.finalizers?.includes(each),
  )
  if (current.metadata.deletionTimestamp && added.length > 0) {
    const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`
    faults.push({ field: 'metadata.finalizers', reason: 'FieldValueForbidden', message })
  }
  return faults
}

/** Of a pod's status the API guards this much (agent-rules.md 34 and 35). */
function statusFaults(call: ApiCall, next: NewKubeObject, current: KubeObject): FieldFault[] {
  if (call.definition.kind !== 'Pod' || call.info.subresource !== 'status') return []
  const after = (next['status'] ?? {}) as { qosClass?: string; podIPs?: { ip: string }[] }
  const before = (current['status'] ?? {}) as { qosClass?: string }
  const faults: FieldFault[] = []
  if (!deepEqual(after.qosClass, before.qosClass)) {
    faults.push(invalid('status.qosClass', after.qosClass, 'field is immutable'))
  }
  const families = (after.podIPs ?? []).map(({ ip }) => (ip.includes(':') ? 6 : 4))
  if (new Set(families).size !== families.length) {
    faults.push(invalid('status.podIPs', after.podIPs, 'may specify no more than one IP for each IP family'))
  }
  return faults
}

function setNamespace({ definition, info }: ApiCall, { metadata }: NewKubeObject): void {
  if (!definition.namespaced) {
    delete metadata.namespace
    return
  }
  if (metadata.namespace && metadata.namespace !== info.namespace) {
    const text = 'the namespace of the provided object does not match the namespace sent on the request'
    throw new IsthmusError('bad_request', text)
  }
  metadata.namespace = info.namespace
}

function otherName(given: string, inPath: string): IsthmusError {
  const text = `the name of the object (${given}) does not match the name on the URL (${inPath})`
  return new IsthmusError('bad_request', text)
}

function wrongUid({ definition, info }: ApiCall, wanted: string, found: string): IsthmusError {
  const what = `${definition.plural}${definition.group ? `.${definition.group}` : ''} "${info.name}"`
  const text = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found}`
  return new IsthmusError('conflict', `Operation cannot be fulfilled on ${what}: ${text}`, {
    name: info.name,
    kind: definition.plural,
    group: definition.group || undefined,
  })
}

/** Runs admission for a call. */
export function admit(
  context: ApiContext,
  call: ApiCall,
  operation: AdmissionRequest['operation'],
  phase: AdmissionRequest['phase'],
  object?: NewKubeObject,
  oldObject?: KubeObject,
): void {
  const { info, user, dryRun, definition } = call
  const { group, resource, subresource } = info
  const { name = '' } = definition.namespaced ? keyOf(call) : info
  const admission = { operation, phase, group, resource, subresource, user, dryRun, object, oldObject }
  context.admit({ ...admission, namespace: info.namespace, name: object?.metadata.name ?? name })
}
