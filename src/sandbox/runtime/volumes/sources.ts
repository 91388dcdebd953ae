import type {
  V1ConfigMapProjection,
  V1DownwardAPIVolumeFile,
  V1KeyToPath,
  V1SecretProjection,
} from '@kubernetes/client-node'
import type { KubeObject, ResourceStore } from '../../store/types.ts'
import { type FieldContext, resolveFieldRef } from '../env/field-ref.ts'
import { resolveResourceField } from '../env/resource-field.ts'
import type { Pod } from '../types.ts'
import type { Payload } from './atomic-writer.ts'

/** What volume sources are read from. */
export interface SourceContext {
  pod: Pod
  store: Pick<ResourceStore, 'get'>
  fields: FieldContext
  allocatable: Record<string, string>
}

interface KeyedObject extends KubeObject {
  data?: Record<string, string>
  binaryData?: Record<string, string>
}

/** A path inside a volume: relative, without `..`. @throws Error otherwise: an item must not leave its volume. */
export function checkedPath(path: string): string {
  const parts = path.split('/')
  if (
    path.startsWith('/') ||
    path === '' ||
    parts.some((part) => part === '..' || part === '.' || part === '')
  ) {
    throw new Error(`invalid path ${JSON.stringify(path)}`)
  }
  if (parts[0]!.startsWith('..')) throw new Error(`must not start with '..': ${JSON.stringify(path)}`)
  return path
}

function addKeys(
  payload: Payload,
  values: Map<string, Buffer>,
  items: readonly V1KeyToPath[] | undefined,
  what: { mode: number; optional: boolean; missing(key: string): string },
): void {
  if (!items?.length) {
    for (const [key, data] of values) payload.set(checkedPath(key), { data, mode: what.mode })
    return
  }
  for (const item of items) {
    const data = values.get(item.key)
    if (data) payload.set(checkedPath(item.path), { data, mode: item.mode ?? what.mode })
    else if (!what.optional) throw new Error(what.missing(item.key))
  }
}

/** Adds a ConfigMap's keys. @throws Error while it, or a key asked for, is missing and not optional. */
export function addConfigMap(
  payload: Payload,
  source: V1ConfigMapProjection,
  mode: number,
  context: SourceContext,
): void {
  const { namespace } = context.pod.metadata
  const optional = source.optional ?? false
  const found = context.store.get<KeyedObject>('configmaps', { namespace, name: source.name ?? '' })
  if (!found && !optional) throw new Error(`configmap "${source.name}" not found`)
  const values = new Map<string, Buffer>()
  for (const [key, text] of Object.entries(found?.data ?? {})) values.set(key, Buffer.from(text))
  for (const [key, data] of Object.entries(found?.binaryData ?? {}))
    values.set(key, Buffer.from(data, 'base64'))
  addKeys(payload, values, source.items, {
    mode,
    optional,
    missing: (key) => `configmap references non-existent config key: ${key}`,
  })
}

/** Adds a Secret's keys. @throws Error while it, or a key asked for, is missing and not optional. */
export function addSecret(
  payload: Payload,
  source: V1SecretProjection,
  mode: number,
  context: SourceContext,
): void {
  const { namespace } = context.pod.metadata
  const optional = source.optional ?? false
  const found = context.store.get<KeyedObject>('secrets', { namespace, name: source.name ?? '' })
  if (!found && !optional) throw new Error(`secret "${source.name}" not found`)
  const values = new Map<string, Buffer>()
  for (const [key, data] of Object.entries(found?.data ?? {})) values.set(key, Buffer.from(data, 'base64'))
  addKeys(payload, values, source.items, {
    mode,
    optional,
    missing: (key) => `references non-existent secret key: ${key}`,
  })
}

/** Adds downward API files. @throws ContainerConfigError for a field that there is not. */
export function addDownward(
  payload: Payload,
  items: readonly V1DownwardAPIVolumeFile[],
  mode: number,
  context: SourceContext,
): void {
  for (const item of items) {
    const text = item.fieldRef
      ? resolveFieldRef(context.pod, item.fieldRef.fieldPath, context.fields)
      : resolveResourceField(context.pod, item.resourceFieldRef!, '', context.allocatable)
    payload.set(checkedPath(item.path), { data: Buffer.from(text), mode: item.mode ?? mode })
  }
}
