import type { FieldReader } from './field-selector.ts'
import type { KubeObject } from './types.ts'

/** What the store has to know of a resource. */
export interface StoreTraits {
  namespaced: boolean
  /** `metadata.generation` is kept: 1 at first, one more with each change of what is not status or metadata. */
  generation: boolean
  /** Deleted with a grace period (pods alone). */
  graceful: boolean
  /** Selectable beside metadata.name and metadata.namespace. */
  fields: Readonly<Record<string, FieldReader>>
}

const common: Record<string, FieldReader> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
}

/** A reader of a dotted path; what is absent reads as the empty string, as Kubernetes' does. */
export function readPath(path: string, absent = ''): FieldReader {
  const steps = path.split('.')
  return (object: KubeObject) => {
    let value: unknown = object
    for (const step of steps) {
      if (typeof value !== 'object' || value === null) return absent
      value = (value as Record<string, unknown>)[step]
    }
    return value === undefined || value === null ? absent : String(value)
  }
}

/** Readers of these paths (`{ path: reader }`). */
export function readers(...paths: string[]): Record<string, FieldReader> {
  return Object.fromEntries(paths.map((path) => [path, readPath(path)]))
}

/** All selectable fields of a resource. */
export function selectableFields(traits: StoreTraits): Record<string, FieldReader> {
  const { 'metadata.namespace': namespace, ...cluster } = common
  return {
    ...cluster,
    ...(traits.namespaced && namespace ? { 'metadata.namespace': namespace } : {}),
    ...traits.fields,
  }
}
